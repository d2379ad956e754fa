/** Name signature algorithms, and check the keys and signatures of validators. */

import { ed25519 } from "@noble/curves/ed25519.js";
import { p256 } from "@noble/curves/nist.js";

import { concat, equal, varint } from "./bytes.js";
import type { Suite } from "./hashing.js";
import { decompressSm2, verifySm2 } from "./sm2.js";

/** Bytes of a validator's key: number of the algorithm, the key, zeros to this length. */
export const VALIDATOR_KEY_BYTES = 34;

/** A signature algorithm (docs/reference/wire.md, section 3). */
export interface Algorithm {
  /** Number on the wire. */
  readonly number: number;
  /** Name in documents. */
  readonly label: string;
  /** Bytes of a public key. */
  readonly keyBytes: number;
  /** Bytes of a signature in a transaction. */
  readonly signatureBytes: number;
}

/** Every algorithm; the place of each is its number less one. */
export const ALGORITHMS: readonly Algorithm[] = [
  { number: 1, label: "ed25519", keyBytes: 32, signatureBytes: 64 },
  { number: 2, label: "sm2", keyBytes: 33, signatureBytes: 65 },
  { number: 3, label: "p256", keyBytes: 33, signatureBytes: 65 },
  { number: 4, label: "secp256k1", keyBytes: 33, signatureBytes: 65 },
  { number: 5, label: "ml-dsa-65", keyBytes: 1952, signatureBytes: 3309 },
];

/** Fewest bytes of a passkey's assertion, which may stand for a signature of P-256. */
const ASSERTION_BYTES_MIN = 104;

const [ED25519, SM2, P256] = [1, 2, 3];

/** Number of the algorithm of validators that name no other, by suite. */
export const OF_SUITE: Readonly<Record<Suite, number>> = { intl: 1, gm: 2 };

/** Numbers of the algorithms with which validators may sign, by suite. */
const OF_VALIDATORS: Readonly<Record<Suite, readonly number[]>> = { intl: [1, 3], gm: [2] };

/** Find an algorithm by its number. */
export function algorithmOf(number: number): Algorithm | undefined {
  return ALGORITHMS[number - 1];
}

/** Say whether a transaction's signature may have this length: its own, or an assertion's. */
export function admitsSignatureBytes(algorithm: Algorithm, length: number): boolean {
  const isAssertion = algorithm.number === P256 && length >= ASSERTION_BYTES_MIN;
  return length === algorithm.signatureBytes || isAssertion;
}

/** Say whether the bytes are a key with which validators sign: right length, a curve point. */
function isPublicKey(algorithm: number, key: Uint8Array): boolean {
  try {
    switch (algorithm) {
      case ED25519:
        return key.length === 32 && Boolean(ed25519.Point.fromBytes(key, true));
      case SM2:
        return decompressSm2(key) !== undefined;
      case P256:
        // SEC 1 has longer forms of a point; keys have one encoding.
        return key.length === 33 && Boolean(p256.Point.fromBytes(key));
      default:
        return false;
    }
  } catch {
    return false; // the library says so where there is no such point
  }
}

/** Return a public key in the form of validators; nothing where it is no validator's key. */
export function validatorKey(
  suite: Suite,
  algorithm: number,
  key: Uint8Array,
): Uint8Array | undefined {
  if (!OF_VALIDATORS[suite].includes(algorithm) || !isPublicKey(algorithm, key)) return undefined;
  const form = new Uint8Array(VALIDATOR_KEY_BYTES);
  form.set(concat(Uint8Array.of(algorithm), key));
  return form;
}

/** Return what is signed for `message`: length of the namespace, namespace, message. */
export function signedBytes(namespace: Uint8Array, message: Uint8Array): Uint8Array {
  return concat(varint(BigInt(namespace.length)), namespace, message);
}

/** Say whether `signature` is the validator's over `signed`; false for anything malformed. */
export function verifySignature(
  suite: Suite,
  validator: Uint8Array,
  signed: Uint8Array,
  signature: Uint8Array,
): boolean {
  const algorithm = algorithmOf(validator[0]!);
  if (algorithm === undefined || signature.length !== 64) return false;
  const key = validator.slice(1, 1 + algorithm.keyBytes);
  const form = validatorKey(suite, algorithm.number, key);
  if (form === undefined || !equal(form, validator)) return false;
  try {
    switch (algorithm.number) {
      case ED25519:
        // The rule of ZIP 215; WebCrypto's is stricter and differs between browsers.
        return ed25519.verify(signature, signed, key, { zip215: true });
      case SM2:
        return verifySm2(key, signed, signature);
      default:
        // FIPS 186-5, section 6.4.2, with SHA-256; of `s` and `n - s` the low one alone.
        return p256.verify(signature, signed, key, { lowS: true, prehash: true });
    }
  } catch {
    return false; // the library throws for some malformed signatures
  }
}
