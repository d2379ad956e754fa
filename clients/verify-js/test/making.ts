/** Make proofs with keys of the tests: headers, certificates and hand-overs of either suite. */

import { ed25519 } from "@noble/curves/ed25519.js";
import { p256 } from "@noble/curves/nist.js";

import { ascii, compare, concat, toBigInt, toHex, u32, u64, varint } from "../src/bytes.js";
import { sealOf } from "../src/envelope.js";
import { type Suite, hash, leafHash, taggedHash } from "../src/hashing.js";
import { signedBytes, validatorKey } from "../src/keys.js";
import { SM2_CURVE, Sm2Point, sm2Digest } from "../src/sm2.js";

/** Chain of the proofs that are made here. */
export const CHAIN_ID = new Uint8Array(32).fill(0xc4);

/** Write a head of CBOR in its shortest form (RFC 8949, section 3). */
export function head(major: number, argument: number | bigint): Uint8Array {
  const number = BigInt(argument);
  const first = major << 5;
  if (number < 24n) return Uint8Array.of(first | Number(number));
  const width = [1, 2, 4, 8].find((bytes) => number < 1n << BigInt(8 * bytes))!;
  const low = 24 + Math.log2(width);
  return concat(Uint8Array.of(first | low), u64(number).subarray(8 - width));
}

/** Write a byte string. */
export const bytes = (data: Uint8Array): Uint8Array => concat(head(2, data.length), data);
/** Write an array. */
export const array = (items: readonly Uint8Array[]): Uint8Array =>
  concat(head(4, items.length), ...items);
/** Write a map with the keys from 0. */
export const map = (...values: readonly Uint8Array[]): Uint8Array =>
  concat(head(5, values.length), ...values.flatMap((value, key) => [head(0, key), value]));

/** A validator of the tests. */
export interface Signer {
  readonly algorithm: number;
  readonly key: Uint8Array;
  /** Key in the form of validators. */
  readonly form: Uint8Array;
  sign(message: Uint8Array): Uint8Array;
}

function fixed(number: bigint): Uint8Array {
  return concat(...[192n, 128n, 64n, 0n].map((bits) => u64((number >> bits) & (2n ** 64n - 1n))));
}

/** Sign with SM2 (GB/T 32918.2-2016, section 6.1); `k` is the secret number of the signature. */
export function signSm2(secret: bigint, message: Uint8Array, k: bigint): Uint8Array {
  const { n } = SM2_CURVE;
  const e = sm2Digest(Sm2Point.BASE.multiply(secret), message);
  const r = (e + Sm2Point.BASE.multiply(k).toAffine().x) % n;
  const inverse = Sm2Point.Fn.inv(1n + secret);
  const s = Sm2Point.Fn.mul(inverse, Sm2Point.Fn.create(k - r * secret));
  return concat(fixed(r), fixed(s));
}

/** Make a validator from a number. */
export function signer(algorithm: number, number: number): Signer {
  const secret = hash("intl", u32(number));
  const scalar = toBigInt(secret) >> 1n; // below the order of either curve
  const suite = algorithm === 2 ? "gm" : "intl";
  const made = {
    1: () => ({
      key: ed25519.getPublicKey(secret),
      sign: (message: Uint8Array) => ed25519.sign(message, secret),
    }),
    2: () => ({
      key: Sm2Point.BASE.multiply(scalar).toBytes(true),
      sign: (message: Uint8Array) =>
        signSm2(scalar, message, toBigInt(hash("gm", secret, message)) >> 1n),
    }),
    3: () => ({
      key: p256.getPublicKey(secret, true),
      sign: (message: Uint8Array) => p256.sign(message, secret),
    }),
  }[algorithm]!();
  return { algorithm, ...made, form: validatorKey(suite, algorithm, made.key)! };
}

/** Put signers into the order of a set. */
export function inOrder(signers: readonly Signer[]): Signer[] {
  return [...signers].sort((left, right) => compare(left.form, right.form));
}

function validators(signers: readonly Signer[]): Uint8Array {
  const short = (text: string): Uint8Array => concat(Uint8Array.of(text.length), ascii(text));
  const one = ({ form }: Signer): Uint8Array =>
    concat(form, u32(0), short(`v-${toHex(form).slice(2, 8)}`), short("host:1"));
  return concat(u32(signers.length).subarray(2), ...inOrder(signers).map(one));
}

/** What a header that is made here says; everything else in it is zero. */
export interface HeaderFields {
  readonly height: bigint;
  readonly epoch: bigint;
  readonly parent?: Uint8Array;
  readonly chainId?: Uint8Array;
  readonly evidenceRoot?: Uint8Array;
  /** Next epoch and its validators. */
  readonly change?: readonly [bigint, readonly Signer[]];
}

/** Write a header (docs/reference/wire.md, section 8). */
export function header(fields: HeaderFields): Uint8Array {
  const { height, epoch, parent, chainId, evidenceRoot, change } = fields;
  const zeros = (length: number): Uint8Array => new Uint8Array(length);
  const next =
    change === undefined
      ? zeros(1)
      : concat(Uint8Array.of(1), u64(change[0]), validators(change[1]), zeros(1));
  return concat(
    concat(Uint8Array.of(1), chainId ?? CHAIN_ID, u64(height), u64(epoch), zeros(16 + 34)),
    concat(parent ?? zeros(32), u64(1_800_000_000_000n), zeros(2 * 32)),
    concat(evidenceRoot ?? zeros(32), zeros(2 * 80 + 8), next, zeros(2)),
  );
}

/** Hash a header. */
export function digestOf(suite: Suite, encoded: Uint8Array): Uint8Array {
  return taggedHash(suite, "trine/header", encoded);
}

/** What differs from a right certificate. */
export interface CertificateFields {
  readonly epoch?: bigint;
  readonly digest?: Uint8Array;
  readonly signersField?: Uint8Array;
  readonly signatures?: (right: readonly Uint8Array[]) => readonly Uint8Array[];
}

/** Certify the last of `headers` by some of a set. */
export function chain(
  suite: Suite,
  headers: readonly Uint8Array[],
  epoch: bigint,
  set: readonly Signer[],
  signing: readonly Signer[] = set,
  altered: CertificateFields = {},
): Uint8Array {
  const digest = altered.digest ?? digestOf(suite, headers.at(-1)!);
  const certified = altered.epoch ?? epoch;
  const namespace = concat(ascii("trine/consensus/"), CHAIN_ID, ascii("_FINALIZE"));
  const parts = concat(varint(certified), varint(300n), varint(2n), digest);
  const field = new Uint8Array(Math.ceil(set.length / 8));
  const right: Uint8Array[] = [];
  inOrder(set).forEach((one, place) => {
    if (!signing.includes(one)) return;
    field[place >> 3]! |= 1 << (place & 7);
    right.push(one.sign(signedBytes(namespace, parts)));
  });
  const signatures = concat(...(altered.signatures?.(right) ?? right));
  const numbers = [certified, 300n, 2n].map((number) => head(0, number));
  const signers = bytes(altered.signersField ?? field);
  const certificate = map(...numbers, bytes(digest), signers, bytes(signatures));
  return map(array(headers.map(bytes)), certificate);
}

/** Put a proof of a block into an envelope. */
export function blockProof(
  suite: Suite,
  shown: Uint8Array,
  handOvers: readonly Uint8Array[] = [],
): Uint8Array {
  return close(suite, "proof", map(head(0, 2), map(), shown, array(handOvers)));
}

/** Make a receipt of the only entry of log 5, in block 7, which a set certifies. */
export function receipt(suite: Suite, set: readonly Signer[], content: Uint8Array): Uint8Array {
  const salt = new Uint8Array(32).fill(0x5a);
  const entry = taggedHash(suite, "trine/evidence-entry", salt, hash(suite, content));
  const leaf = concat(u32(5), u64(1n), leafHash(suite, entry));
  const shown = header({ height: 7n, epoch: 0n, evidenceRoot: leafHash(suite, leaf) });
  const none = bytes(new Uint8Array());
  const statement = map(bytes(entry), head(0, 5), head(0, 0), head(0, 1), none, none);
  const proof = map(head(0, 6), statement, chain(suite, [shown], 0n, set), array([]));
  const name = concat(head(3, 1), ascii("a"));
  const body = map(bytes(salt), name, head(0, content.length), head(3, 0), bytes(proof));
  return close(suite, "receipt", body);
}

/** Put a body into an envelope. */
export function close(suite: Suite, form: string, body: Uint8Array): Uint8Array {
  const text = ascii(`trine-${form}`);
  const seal = sealOf(suite, body);
  return map(concat(head(3, text.length), text), head(0, 1), bytes(body), bytes(seal));
}

const LABELS = ["", "ed25519", "sm2", "p256"];

/** Write a trust file. */
export function trustFile(suite: Suite, set: readonly Signer[], epoch = 0n): string {
  const members = set.map(({ algorithm, key }, place) => ({
    name: `n${place}`,
    organisation: place,
    algorithm: LABELS[algorithm],
    key: toHex(key),
  }));
  const [format, chain_id] = ["trine-trust-v1", toHex(CHAIN_ID)];
  const text = { format, chain: "made", chain_id, suite, validators: members };
  return JSON.stringify(text).replace(/^\{/, `{"epoch": ${epoch}, `);
}

