/**
 * Check that enough validators certified a header.
 *
 * Source: docs/reference/proofs.md, section 4.
 */

import { ascii, concat, fromHex, varint } from "./bytes.js";
import type { Context } from "./context.js";
import type { Item } from "./fields.js";
import type { EpochChange } from "./header.js";
import { signedBytes, verifySignature } from "./keys.js";
import { VALIDATORS_MAX } from "./limits.js";
import { Refusal } from "./refusal.js";
import type { Trust } from "./trust.js";

/** Bytes of one signature in a certificate. */
export const SIGNATURE_BYTES = 64;

/** The validators in force, with the epoch from which they are. */
export interface Committee {
  /** First epoch in which the set decides. */
  readonly epoch: bigint;
  /** Validators, ordered by key. */
  readonly members: readonly { readonly name: string; readonly key: Uint8Array }[];
}

/** Return the validators of a trust file. */
export function trusted(trust: Trust): Committee {
  const members = trust.validators.map(({ name, key }) => ({ name, key: fromHex(key)! }));
  return { epoch: trust.epoch, members };
}

/** Return the validators to whom an epoch change hands over. */
export function elected(change: EpochChange): Committee {
  return { epoch: change.epoch, members: change.validators };
}

/** Return how many signatures a certificate of `count` validators needs. */
export function quorum(count: number): number {
  return count - Math.floor((count - 1) / 3);
}

/** The signatures of validators under one header. */
export interface Certificate {
  /** Epoch of the validators. */
  readonly epoch: bigint;
  /** View in which the block was finalized. */
  readonly view: bigint;
  /** View of the parent that was proposed with it. */
  readonly parentView: bigint;
  /** Digest of the certified header. */
  readonly digest: Uint8Array;
  /** Bit `i mod 8` of byte `i / 8` is set where validator `i` signed. */
  readonly signers: Uint8Array;
  /** Signatures in the order of the signers. */
  readonly signatures: readonly Uint8Array[];
}

/** Read a certificate; nothing is verified yet. */
export function readCertificate(item: Item): Certificate {
  const fields = item.named("certificate").fields(6);
  const [epoch, view, parentView, digest, signers, signatures] = fields;
  return {
    epoch: epoch.unsigned(),
    view: view.unsigned(),
    parentView: parentView.unsigned(),
    digest: digest.fixed(32),
    signers: signers.bytes(Math.ceil(VALIDATORS_MAX / 8)),
    signatures: signatures.pieces(SIGNATURE_BYTES, VALIDATORS_MAX),
  };
}

/** Return what each validator signs (step 6). */
function signed(certificate: Certificate, chainId: Uint8Array): Uint8Array {
  const { epoch, view, parentView, digest } = certificate;
  const namespace = concat(ascii("trine/consensus/"), chainId, ascii("_FINALIZE"));
  return signedBytes(
    namespace,
    concat(varint(epoch), varint(view), varint(parentView), digest),
  );
}

/** Return the places of the signers in a set of `count` (steps 4 and 5). */
function placesOf(certificate: Certificate, count: number): number[] {
  const { signers, signatures } = certificate;
  const places: number[] = [];
  for (let place = 0; place < 8 * signers.length; place += 1) {
    if (((signers[place >> 3]! >> (place & 7)) & 1) === 1) places.push(place);
  }
  const fits = signers.length === Math.ceil(count / 8);
  if (!fits || places.some((place) => place >= count)) {
    const message = `the certificate's signers do not fit a set of ${count} validators`;
    throw new Refusal("bad_signers", message);
  }
  if (signatures.length !== places.length) {
    const message = `${places.length} signers have ${signatures.length} signatures`;
    throw new Refusal("bad_signers", message);
  }
  const needed = quorum(count);
  if (places.length < needed) {
    const message = `${places.length} validators signed, at least ${needed} of ${count} must`;
    throw new Refusal("too_few_signatures", message);
  }
  return places;
}

/** Check the signatures against a set, and return the names of the signers. */
export function verifyCertificate(
  context: Context,
  certificate: Certificate,
  committee: Committee,
): string[] {
  const { members } = committee;
  const places = placesOf(certificate, members.length);
  const message = signed(certificate, context.chainId);
  const [count, needed] = [places.length, quorum(members.length)];
  const named = `the certificate names ${count} of ${members.length} validators as signers`;
  context.passed("certificate", `${named}, at least ${needed} must sign`);
  return places.map((place, at) => {
    const { name, key } = members[place]!;
    if (!verifySignature(context.suite, key, message, certificate.signatures[at]!)) {
      throw new Refusal("bad_signature", `the signature of validator ${name} does not verify`);
    }
    context.passed("signature", `the signature of validator ${name} verifies`);
    return name;
  });
}
