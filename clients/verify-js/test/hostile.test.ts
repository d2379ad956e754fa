/** Give the verifier what is no proof, no trust file or no CBOR. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { concat, toHex } from "../src/bytes.js";
import { Flaw, check } from "../src/cbor.js";
import { Refusal, Trust, measure, verifyProof, verifyReceipt } from "../src/index.js";
import { isFileName } from "../src/receipt.js";
import * as files from "./files.js";
import { array, bytes, close, head } from "./making.js";

const TRUST_TEXT = new TextDecoder().decode(files.read("trust.json"));

function trustReason(file: string | Uint8Array): string {
  try {
    Trust.read(file);
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
  return "accepted";
}

/**
 * Goal: what is no trust file is said to be none. Method: one thing wrong each.
 */
test("unusable trust is bad input", () => {
  const edits: readonly (readonly [string, string])[] = [
    ["trine-trust-v1", "trine-trust-v2"],
    ['"intl"', '"gm"'],
    ['"epoch": 0', '"epoch": -1'],
    ['"epoch": 0', '"epoch": -0'],
    ['"epoch": 0', '"epoch": 0.0'],
    ['"epoch": 0', '"epoch": 18446744073709551616'],
    ['"epoch": 0', '"epoch": "0"'],
    ['"epoch": 0', '"epoch": 0, "more": NaN'],
    ['"epoch": 0', '"epoch": 0, "epoch": 0'],
    ['"n0"', '"\\ud800"'],
    ['"n0"', '"\n"'],
  ];
  for (const [from, to] of edits) {
    assert.ok(TRUST_TEXT.includes(from), from);
    assert.equal(trustReason(TRUST_TEXT.replace(from, to)), "bad_trust_file", to);
  }
  const texts = ["", "[]", "{}", "{", "[".repeat(100_000), '"', '"\\', "\ufeff{}", "\ud800"];
  for (const text of [...texts, '"' + "a".repeat(1 << 20), " ".repeat((1 << 20) + 1)]) {
    assert.equal(trustReason(text), "bad_trust_file", text.slice(0, 20));
  }
  for (const data of [Uint8Array.of(0xff), new Uint8Array(2 << 20)]) {
    assert.equal(trustReason(data), "bad_trust_file");
  }
  const nothing: unknown[] = [undefined, null, 7, {}, []];
  for (const one of nothing) assert.equal(trustReason(one as string), "bad_trust_file");
  const padded = TRUST_TEXT + " ".repeat((1 << 20) - TRUST_TEXT.length);
  assert.equal(trustReason(padded), "accepted");
});

/**
 * Goal: other keys or another chain let nothing through. Method: flip each bit of both.
 */
test("altered trust is refused", async () => {
  const file = files.read("block.proof");
  const { signers } = files.TABLE["block.proof"]!;
  const document = JSON.parse(TRUST_TEXT) as {
    chain_id: string;
    validators: { name: string; key: string }[];
  };
  const keys = document.validators.filter((one) => signers.includes(one.name));
  for (const digits of [document.chain_id, ...keys.map((one) => one.key)]) {
    for (let bit = 0; bit < 256; bit += 1) {
      const altered = toHex(files.flipped(files.hex(digits), bit));
      const text = TRUST_TEXT.replace(digits, altered);
      await assert.rejects(verifyProof(file, text), Refusal, `${digits}, bit ${bit}`);
    }
  }
  await verifyProof(file, TRUST_TEXT);
});

/**
 * Goal: trust can start at any epoch. Method: the trust file of the second set.
 */
test("the next set verifies what was handed over", async () => {
  const later = Trust.read(files.read("trust-1.json"));
  const verdict = (name: string) => files.verdict(name, files.read(name), later);
  assert.equal(await verdict("handed-over.proof"), "accepted");
  assert.equal(await verdict("block.proof"), "refused");
});

/**
 * Goal: other input is told from a wrong proof. Method: the other kind, text, nothing, no bytes.
 */
test("other files are not proofs", async () => {
  for (const name of ["vector.receipt", "trust.json", "block.proof", "vector.txt"]) {
    const other = name === "block.proof" ? "a.receipt" : "a.proof";
    const found = await files.refusal(other, files.read(name));
    assert.equal(found?.code, "not_a_proof", name);
  }
  const inputs: unknown[] = [new Uint8Array(), undefined, null, "text", 7, [0xa4], {}];
  for (const one of inputs) {
    const found = await files.refusal("a.proof", one as Uint8Array);
    assert.equal(found?.code, "not_a_proof");
  }
  const large = new Uint8Array(16 * 1024 * 1024 + 1);
  assert.equal((await files.refusal("a.proof", large))?.code, "proof_too_large");
});

/**
 * Goal: an altered file is named as such, and large files can be measured. Method: other contents,
 * other size, no contents; chunks.
 */
test("another file is refused", async () => {
  const receipt = files.read("vector.receipt");
  const codeOf = async (content: unknown): Promise<string> =>
    verifyReceipt(receipt, content as Uint8Array, files.TRUST).then(
      () => "accepted",
      (error: Refusal) => error.reason,
    );
  const chunks = async function* () {
    yield files.ORIGINAL.subarray(0, 5);
    yield files.ORIGINAL.subarray(5);
  };
  const measured = await measure("intl", chunks());
  assert.equal(await codeOf(measured), "accepted");
  const stream = new Blob([new Uint8Array(files.ORIGINAL)]).stream();
  assert.deepEqual(await measure("intl", stream), measured);
  assert.equal(await codeOf({ ...measured, size: measured.size + 1n }), "other_size");
  assert.equal(await codeOf(concat(files.ORIGINAL, Uint8Array.of(0))), "other_size");
  assert.equal(await codeOf(files.flipped(files.ORIGINAL, 3)), "file_altered");
  for (const one of [undefined, null, "text", { size: measured.size }]) {
    assert.equal(await codeOf(one), "file_altered");
  }
});

/**
 * Goal: a hostile file costs no stack and little memory. Method: deep nesting, counts and lengths
 * of 2^64 - 1, sixteen million small items.
 */
test("hostile files are refused quickly", async () => {
  const flawOf = (data: Uint8Array): string | undefined => {
    try {
      check(data);
    } catch (error) {
      if (error instanceof Flaw) return error.message;
      throw error;
    }
    return undefined;
  };
  assert.equal(flawOf(new Uint8Array(1 << 20).fill(0x81)), "nested too deep");
  for (const major of [2, 3, 4, 5]) {
    assert.equal(flawOf(head(major, 2n ** 64n - 1n)), "it ends early");
  }
  const many = concat(head(4, 15_000_000), new Uint8Array(15_000_000));
  assert.equal(flawOf(many), undefined);
  const found = await files.refusal("a.proof", close("intl", "proof", many));
  assert.equal(found?.reason, "malformed");
  assert.equal(flawOf(array([bytes(Uint8Array.of(1)), head(0, 24)])), undefined);
});

/**
 * Goal: a refusal tells what passed before. Method: a right seal around a wrong signature.
 */
test("refusals keep the steps that passed", async () => {
  const file = files.read("block.proof");
  const last = file.length - files.SEAL_BYTES - 8;
  const altered = files.sealed("block.proof", files.flipped(file, 8 * last));
  const found = await files.refusal("block.proof", altered);
  assert.equal(found?.reason, "bad_signature");
  const checks = found.steps.map((step) => step.check);
  assert.deepEqual(checks, ["seal", "chain", "certificate", "signature", "signature"]);
});

/**
 * Goal: a receipt carries the name of a file and nothing else. Method: names at the limits.
 */
test("names of files are plain", () => {
  for (const name of ["a", "n".repeat(255), "文件.txt", "..."]) assert.ok(isFileName(name), name);
  const none = ["", ".", "..", "a/b", "a\\b", "a\0b", "a\nb", "a\u0085b", "n".repeat(256)];
  for (const name of none) assert.ok(!isFileName(name), name);
});
