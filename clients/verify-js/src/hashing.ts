/** Hash bytes with the function of the chain's suite, under a tag that names what is hashed. */

import { sha256 } from "@noble/hashes/sha2.js";

import { ascii } from "./bytes.js";
import { sm3 } from "./sm3.js";

/** The family of algorithms that a chain uses for its own hashes and certificates. */
export type Suite = "intl" | "gm";

/** A hash in progress. */
export interface Hashing {
  /** Take more bytes. */
  update(data: Uint8Array): unknown;
  /** Finish. */
  digest(): Uint8Array;
}

/** Start the hash function of a suite: SHA-256 (FIPS 180-4) or SM3 (GB/T 32905-2016). */
export function start(suite: Suite): Hashing {
  return suite === "gm" ? sm3() : sha256.create();
}

/** Hash the concatenation of `parts`. */
export function hash(suite: Suite, ...parts: readonly Uint8Array[]): Uint8Array {
  const function_ = start(suite);
  for (const part of parts) function_.update(part);
  return function_.digest();
}

/**
 * Hash `parts` under a tag, so that digests of different kinds never collide.
 *
 * Hashed are the length of the tag as one byte, the tag, the parts (docs/reference/wire.md,
 * section 2).
 */
export function taggedHash(suite: Suite, tag: string, ...parts: readonly Uint8Array[]): Uint8Array {
  return hash(suite, Uint8Array.of(tag.length), ascii(tag), ...parts);
}

/** Hash a leaf of a tree (RFC 9162, section 2.1.1). */
export function leafHash(suite: Suite, leaf: Uint8Array): Uint8Array {
  return hash(suite, Uint8Array.of(0), leaf);
}

/** Hash an inner node of a tree (RFC 9162, section 2.1.1). */
export function nodeHash(suite: Suite, left: Uint8Array, right: Uint8Array): Uint8Array {
  return hash(suite, Uint8Array.of(1), left, right);
}
