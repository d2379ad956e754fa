/**
 * Verify SM2 with SM3 under the default identifier.
 *
 * Source: GB/T 32918.2-2016, sections 5.5 and 7.1; the curve is that of GB/T 32918.5-2017.
 */

import { weierstrass } from "@noble/curves/abstract/weierstrass.js";

import { ascii, concat, toBigInt } from "./bytes.js";
import { hash } from "./hashing.js";

/** Parameters of the curve (GB/T 32918.5-2017, section 3). */
export const SM2_CURVE = {
  p: 0xfffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffffn,
  a: 0xfffffffeffffffffffffffffffffffffffffffff00000000fffffffffffffffcn,
  b: 0x28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93n,
  n: 0xfffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123n,
  h: 1n,
  Gx: 0x32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7n,
  Gy: 0xbc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0n,
} as const;

/** Points of the curve. */
export const Sm2Point = weierstrass(SM2_CURVE);

type Point = InstanceType<typeof Sm2Point>;

/** Identifier of a signer who agreed on no other (GB/T 35276-2017, section 10). */
const DEFAULT_ID = ascii("1234567812345678");

const FIELD_BYTES = 32;

/** Write a number of the field, big-endian. */
function field(number: bigint): Uint8Array {
  return Uint8Array.from(number.toString(16).padStart(2 * FIELD_BYTES, "0").match(/../g)!, (two) =>
    Number.parseInt(two, 16),
  );
}

/** Read a compressed point (SEC 1, section 2.3.4); nothing where there is none. */
export function decompressSm2(key: Uint8Array): Point | undefined {
  if (key.length !== 1 + FIELD_BYTES || (key[0] !== 2 && key[0] !== 3)) return undefined;
  try {
    return Sm2Point.fromBytes(key);
  } catch {
    return undefined;
  }
}

/** Return e: the hash of the signer's identity and the message (GB/T 32918.2-2016, section 5.5). */
export function sm2Digest(key: Point, message: Uint8Array): bigint {
  const { a, b, Gx, Gy } = SM2_CURVE;
  const { x, y } = key.toAffine();
  const bits = 8 * DEFAULT_ID.length;
  const identity = concat(Uint8Array.of(bits >> 8, bits & 0xff), DEFAULT_ID);
  const z = hash("gm", identity, ...[a, b, Gx, Gy, x, y].map(field));
  return toBigInt(hash("gm", z, message));
}

/**
 * Say whether `r || s` is the key's signature over exactly the message.
 *
 * GB/T 32918.2-2016, section 7.1; false for anything malformed.
 */
export function verifySm2(key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const point = decompressSm2(key);
  if (point === undefined || signature.length !== 2 * FIELD_BYTES) return false;
  const { n } = SM2_CURVE;
  const r = toBigInt(signature.subarray(0, FIELD_BYTES));
  const s = toBigInt(signature.subarray(FIELD_BYTES));
  if (r === 0n || r >= n || s === 0n || s >= n) return false;
  const t = (r + s) % n;
  if (t === 0n) return false;
  const found = Sm2Point.BASE.multiplyUnsafe(s).add(point.multiplyUnsafe(t));
  if (found.is0()) return false;
  return (sm2Digest(point, message) + found.toAffine().x) % n === r;
}
