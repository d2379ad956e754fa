/**
 * Open the envelope of a proof or receipt file.
 *
 * Source: docs/reference/proofs.md, section 2.
 */

import { ascii, concat, equal } from "./bytes.js";
import { Flaw, check } from "./cbor.js";
import { Item } from "./fields.js";
import { type Suite, taggedHash } from "./hashing.js";
import { PROOF_BYTES_MAX } from "./limits.js";
import { Refusal, malformed } from "./refusal.js";

/** Version of the format. */
const VERSION = 1n;

/** Which of the two files an envelope is. */
export type Form = "proof" | "receipt";

/** First bytes of a form of file: a map of four entries, key 0, a text. */
function startOf(form: Form): Uint8Array {
  const text = ascii(`trine-${form}`);
  return concat(Uint8Array.of(0xa4, 0x00, 0x60 + text.length), text);
}

/** Hash a body: tells a damaged file from a wrong one, and proves nothing. */
export function sealOf(suite: Suite, body: Uint8Array): Uint8Array {
  return taggedHash(suite, "trine/proof-file", body);
}

/** Check that a file is one item, and tell one that ends early from one that is wrong. */
function checkFile(form: Form, file: Uint8Array): void {
  try {
    check(file);
  } catch (error) {
    if (!(error instanceof Flaw)) throw error;
    if (!error.endsEarly) throw malformed("file", error.message);
    throw new Refusal("truncated", `this ${form} file ends early: part of it is missing`);
  }
}

/** Return the body of a file whose seal matches. */
export function openEnvelope(suite: Suite, form: Form, given: Uint8Array): Uint8Array {
  if (!(given instanceof Uint8Array)) {
    throw new Refusal("not_a_proof", `this is not a ${form} file`);
  }
  if (given.length > PROOF_BYTES_MAX) {
    const message = `the file has ${given.length} bytes, at most ${PROOF_BYTES_MAX} are read`;
    throw new Refusal("too_large", message);
  }
  // A copy: what was checked stays as it is, whatever the caller does with the bytes.
  const file = new Uint8Array(given);
  const start = startOf(form);
  const shared = Math.min(start.length, file.length);
  if (shared === 0 || !equal(file.subarray(0, shared), start.subarray(0, shared))) {
    throw new Refusal("not_a_proof", `this is not a ${form} file`);
  }
  checkFile(form, file);
  const [, version, body, seal] = Item.read(file, "file").fields(4);
  const found = version.named("version").unsigned();
  if (found !== VERSION) {
    const message = `the file has version ${found} of the format, this verifier knows ${VERSION}`;
    throw new Refusal("unknown_version", message);
  }
  const data = body.named("body").bytes();
  if (!equal(seal.named("seal").fixed(32), sealOf(suite, data))) {
    const message = "the file was altered or damaged: its seal does not match its contents";
    throw new Refusal("damaged", message);
  }
  return data;
}
