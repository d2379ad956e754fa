/**
 * Check whose signature a certificate carries: Ed25519, ECDSA, RSA (PKCS#1, version 1.5) or SM2.
 *
 * Sources: RFC 8410, RFC 5758, RFC 8017 (section 8.2.2), GB/T 35276-2017 (section 10).
 */

import { ed25519 } from "@noble/curves/ed25519.js";
import { p256, p384, p521 } from "@noble/curves/nist.js";
import { sha256, sha384, sha512 } from "@noble/hashes/sha2.js";

import { concat, equal, fromHex, toBigInt } from "../bytes.js";
import { refused } from "../evidence/cbor.js";
import { verifySm2 } from "../sm2.js";
import type { Certificate, CertifiedKey } from "./certificate.js";
import * as der from "./der.js";

/** Shortest RSA key of an authority (NIST SP 800-131A, revision 2), and the longest read here. */
const [RSA_BITS_MIN, RSA_BITS_MAX] = [2048, 16_384] as const;
/** Largest exponent of an RSA key that is read here. */
const EXPONENT_MAX = 1n << 33n;

type Hash = (data: Uint8Array) => Uint8Array;
type Verifier = (key: CertifiedKey, data: Uint8Array, signature: Uint8Array) => boolean;

const CURVES = { p256, p384, p521 } as const;
const BYTES = { p256: 32, p384: 48, p521: 66 } as const;

/** What stands before a digest in a signature of RSA (RFC 8017, section 9.2, note 1). */
const DIGEST_INFO: ReadonlyMap<Hash, string> = new Map<Hash, string>([
  [sha256, "3031300d060960864801650304020105000420"],
  [sha384, "3041300d060960864801650304020205000430"],
  [sha512, "3051300d060960864801650304020305000440"],
]);

/** Algorithms of signatures: how one is verified, and with which kinds of keys. */
const ALGORITHMS: Readonly<Record<string, readonly [Verifier, readonly string[]]>> = {
  "1.2.840.10045.4.3.2": [ecdsa(sha256), Object.keys(CURVES)],
  "1.2.840.10045.4.3.3": [ecdsa(sha384), Object.keys(CURVES)],
  "1.2.840.10045.4.3.4": [ecdsa(sha512), Object.keys(CURVES)],
  "1.2.840.113549.1.1.11": [rsa(sha256), ["rsa"]],
  "1.2.840.113549.1.1.12": [rsa(sha384), ["rsa"]],
  "1.2.840.113549.1.1.13": [rsa(sha512), ["rsa"]],
  "1.3.101.112": [edwards, ["ed25519"]],
  "1.2.156.10197.1.501": [sm2, ["sm2"]],
};

/** Kinds of keys with which authorities sign. */
const KINDS: ReadonlySet<string> = new Set(Object.values(ALGORITHMS).flatMap(([, kinds]) => kinds));

/**
 * Check that `issuer` signed a certificate.
 *
 * @throws {@link Refusal} with the code `certificate_signature` or `unsupported_certificate`.
 */
export function checkSignature(certificate: Certificate, issuer: Certificate): void {
  const { algorithm, signed, signature, subject } = certificate;
  const { key } = issuer;
  const found = ALGORITHMS[algorithm];
  const isShort = key.kind === "rsa" && bitsOf(key) < RSA_BITS_MIN;
  if (found === undefined || !KINDS.has(key.kind) || isShort) {
    const text = `the certificate of ${subject} is signed with the algorithm ${algorithm} by`;
    const why = "not read here, or too weak";
    throw refused("unsupported_certificate", `${text} ${issuer.subject}: ${why}`);
  }
  const [verify, kinds] = found;
  if (kinds.includes(key.kind) && holds(() => verify(key, signed, signature))) return;
  const text = `the signature of the certificate of ${subject} is not made with`;
  throw refused("certificate_signature", `${text} ${issuer.subject}'s key`);
}

/** Run a check; the library and the reader of DER throw for what is malformed. */
function holds(verify: () => boolean): boolean {
  try {
    return verify();
  } catch {
    return false;
  }
}

function edwards({ bytes }: CertifiedKey, data: Uint8Array, signature: Uint8Array): boolean {
  return ed25519.verify(signature, data, bytes, { zip215: false });
}

function sm2({ bytes }: CertifiedKey, data: Uint8Array, signature: Uint8Array): boolean {
  return verifySm2(bytes, data, pair(signature, BYTES.p256));
}

/** Read `r` and `s` (RFC 3279, section 2.2.3), each in so many bytes. */
function pair(signature: Uint8Array, size: number): Uint8Array {
  const [r, s, ...rest] = der.sequence(signature);
  if (rest.length > 0) throw der.bad("more than two numbers in a signature");
  const digits = [r, s].map((one) => der.unsigned(one).toString(16).padStart(2 * size, "0"));
  return fromHex(digits.join(""))!;
}

function ecdsa(hash: Hash): Verifier {
  return ({ kind, bytes }, data, signature) => {
    const name = kind as keyof typeof CURVES;
    const both = pair(signature, BYTES[name]);
    // Certificates may have either of `s` and `n - s`.
    return CURVES[name].verify(both, hash(data), bytes, { lowS: false, prehash: false });
  };
}

function numbersOf({ bytes }: CertifiedKey): readonly [bigint, bigint] {
  const [modulus, exponent] = der.sequence(bytes);
  return [der.unsigned(modulus), der.unsigned(exponent)];
}

function bitsOf(key: CertifiedKey): number {
  return numbersOf(key)[0].toString(2).length;
}

function rsa(hash: Hash): Verifier {
  return (key, data, signature) => {
    const [modulus, exponent] = numbersOf(key);
    const size = Math.ceil(bitsOf(key) / 8);
    const number = toBigInt(signature);
    const isKey = bitsOf(key) <= RSA_BITS_MAX && exponent > 1n && exponent <= EXPONENT_MAX;
    if (!isKey || signature.length !== size || number >= modulus) return false;
    const info = concat(fromHex(DIGEST_INFO.get(hash)!)!, hash(data));
    const filling = new Uint8Array(size - 3 - info.length).fill(0xff);
    const expected = concat(Uint8Array.of(0, 1), filling, Uint8Array.of(0), info);
    const found = power(number, exponent, modulus).toString(16).padStart(2 * size, "0");
    return equal(fromHex(found)!, expected);
  };
}

/** Raise to a power modulo a number; nothing here is secret. */
function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let [result, square] = [1n, base % modulus];
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}
