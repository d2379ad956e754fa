/**
 * Read signed statements: COSE messages by RFC 9943 (SCITT).
 *
 * Source: docs/reference/scitt.md, sections 3 to 5.
 */

import { concat } from "../bytes.js";
import { type Suite, hash } from "../hashing.js";
import { type Certificate, readCertificate } from "../x509/certificate.js";
import * as cbor from "./cbor.js";
import { type Label, type Places, type Slice, refused } from "./cbor.js";
import * as cose from "./cose.js";

/** Bytes of a signed statement without its unprotected header. */
export const STATEMENT_BYTES_MAX = 1024 * 1024;
/** Bytes of a receipt. */
export const RECEIPT_BYTES_MAX = 1024 * 1024;
/** Receipts of a transparent statement. */
export const RECEIPTS_MAX = 8;
/** Bytes of a transparent statement. */
export const TRANSPARENT_BYTES_MAX = STATEMENT_BYTES_MAX + RECEIPTS_MAX * (RECEIPT_BYTES_MAX + 16);
/** Bytes of issuer, subject, content type and location. */
const CLAIM_BYTES_MAX = 8192;
/** Bytes of the name of a key. */
const KEY_ID_BYTES_MAX = 256;
/** Certificates that a statement brings. */
const CHAIN_MAX = 8;
/** Seconds by which clocks may differ. */
const CLOCK_SKEW_S_MAX = 300n;
/** Last second of the year 9999. */
const TIME_S_MAX = 253_402_300_799n;

/** Labels of headers (RFC 9360, RFC 9995, RFC 9942). */
const [X5CHAIN, X5T, PAYLOAD_HASH, PREIMAGE_TYPE, LOCATION, RECEIPTS] = [
  33, 34, 258, 259, 260, 394,
] as const;
/** Claims (RFC 8392, section 3.1). */
const [ISSUER, SUBJECT, EXPIRES, NOT_BEFORE, ISSUED_AT] = [1, 2, 4, 5, 6] as const;

/** Functions of hash envelopes with the bytes of their digests (RFC 9054, section 2). */
const DIGEST_BYTES: ReadonlyMap<bigint, number> = new Map([
  [-16n, 32],
  [-43n, 48],
  [-44n, 64],
]);

const { ALGORITHM, CRITICAL, CONTENT_TYPE, KEY_ID, CWT_CLAIMS } = cose;

/** Headers that a statement may call critical. */
const UNDERSTOOD: ReadonlySet<Label> = new Set([
  ...[ALGORITHM, CRITICAL, CONTENT_TYPE, KEY_ID, CWT_CLAIMS],
  ...[X5CHAIN, X5T, PAYLOAD_HASH, PREIMAGE_TYPE, LOCATION],
]);

// Space is what Unicode calls so, in every language that reads statements.
const SPACE = String.raw`\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000`;
const URI = new RegExp(`^[A-Za-z][A-Za-z0-9+.-]*:[^${SPACE}]+$`);

/** A signed statement whose headers are checked; its signature is not. */
export interface Statement {
  readonly message: cose.Sign1;
  /** Who says it. */
  readonly issuer: string;
  /** What it is about. */
  readonly subject: string;
  /** Media type of the payload, or of what was hashed; or its number in the registry of CoAP. */
  readonly contentType: string | number;
  /** What is said; the digest of it in a hash envelope. */
  readonly payload: Uint8Array;
  /** Name of the key; nothing where a certificate names it. */
  readonly keyId: Uint8Array | undefined;
  /** Unix time in seconds at which the issuer says that it was made. */
  readonly issuedAtS: number | undefined;
  /** Number in COSE of the function of a hash envelope: -16, -43 or -44. */
  readonly payloadHash: number | undefined;
}

/** Read a signed or transparent statement and check its headers at a Unix time in seconds. */
export function readStatement(data: Uint8Array, nowS: number): Statement {
  if (!Number.isFinite(nowS)) throw refused("bad_argument", "the time is no number");
  const message = cose.readSign1(data, "the statement", TRANSPARENT_BYTES_MAX);
  const [first, stop] = message.unprotectedPlace;
  if (data.length - (stop - first) >= STATEMENT_BYTES_MAX) {
    const text = `the statement has over ${STATEMENT_BYTES_MAX} bytes without receipts`;
    throw refused("cose_too_large", text);
  }
  cose.algorithm(message);
  cose.checkCritical(message, UNDERSTOOD);
  const { issuer, subject, issuedAtS } = readClaims(message, BigInt(Math.floor(nowS)));
  if (message.headers.has(X5T) || message.headers.has(X5CHAIN)) checkCertificates(message, issuer);
  const payloadHash = readPayloadHash(message);
  const contentType = readContentType(message, payloadHash !== undefined);
  const keyId = readKeyId(message);
  const { payload } = message;
  if (payload === undefined) throw refused("detached_payload", "the payload is detached");
  if (payloadHash !== undefined && payload.length !== DIGEST_BYTES.get(BigInt(payloadHash))) {
    throw refused("bad_header", `the payload is no digest of the function ${payloadHash}`);
  }
  return { message, issuer, subject, contentType, payload, keyId, issuedAtS, payloadHash };
}

function readClaims(
  message: cose.Sign1,
  nowS: bigint,
): { issuer: string; subject: string; issuedAtS: number | undefined } {
  const data = message.protected;
  const claims = claimsOf(message);
  const { issuer, subject } = partiesOf(data, claims);
  const issuedAt = timeOf(data, claims, ISSUED_AT);
  const notBefore = timeOf(data, claims, NOT_BEFORE);
  const expires = timeOf(data, claims, EXPIRES);
  const [one, other] = [issuedAt ?? 0n, notBefore ?? 0n];
  const latest = one > other ? one : other;
  if (latest > nowS + CLOCK_SKEW_S_MAX) {
    const message = `valid from ${latest}, ${latest - nowS} seconds after now`;
    throw refused("statement_not_yet_valid", message);
  }
  if (expires !== undefined && expires <= nowS - CLOCK_SKEW_S_MAX) {
    const message = `expired at ${expires}, ${nowS - expires} seconds ago`;
    throw refused("statement_expired", message);
  }
  return { issuer, subject, issuedAtS: issuedAt === undefined ? undefined : Number(issuedAt) };
}

/** Return the places of the claims in the protected header (RFC 9597). */
export function claimsOf(message: cose.Sign1): Places {
  const claims = message.maps.get(CWT_CLAIMS);
  if (claims !== undefined) return claims;
  cose.required(message, CWT_CLAIMS, "CWT claims");
  throw refused("bad_header", "the CWT claims are no map");
}

/** Read issuer and subject, which every message has. */
export function partiesOf(data: Uint8Array, claims: Places): { issuer: string; subject: string } {
  const read = (label: number, name: string): string => {
    const place = claims.get(label);
    if (place === undefined) {
      throw refused("header_missing", `the CWT claims lack the ${name} (${label})`);
    }
    return claimText(data, place, `the ${name}`);
  };
  return { issuer: read(ISSUER, "issuer"), subject: read(SUBJECT, "subject") };
}

/** Read a text of 1 to `CLAIM_BYTES_MAX` bytes. */
function claimText(data: Uint8Array, place: Slice, what: string): string {
  const length = place[1] - place[0] - 3;
  if (length > CLAIM_BYTES_MAX) {
    throw refused("cose_too_large", `${what} has ${length} bytes, at most ${CLAIM_BYTES_MAX}`);
  }
  const found = cose.text(data, place, what);
  if (found === "") throw refused("bad_header", `${what} is empty`);
  return found;
}

/** Read a claim that is a Unix time in seconds; nothing where there is none. */
function timeOf(data: Uint8Array, claims: Places, label: number): bigint | undefined {
  const place = claims.get(label);
  if (place === undefined) return undefined;
  const timeS = cose.integer(data, place, `the claim ${label}`);
  if (timeS < 0n || timeS > TIME_S_MAX) {
    const message = `the claim ${label} is ${timeS}, expected seconds up to ${TIME_S_MAX}`;
    throw refused("bad_header", message);
  }
  return timeS;
}

/** Read when a message was signed, as it says. */
export function issuedAt(data: Uint8Array, claims: Places): number | undefined {
  const timeS = timeOf(data, claims, ISSUED_AT);
  return timeS === undefined ? undefined : Number(timeS);
}

/** Read the type of the payload, or of what was hashed. */
function readContentType(message: cose.Sign1, isEnvelope: boolean): string | number {
  const { headers, unprotected } = message;
  if (isEnvelope && (headers.has(CONTENT_TYPE) || unprotected.has(CONTENT_TYPE))) {
    const text = "a hash envelope has the type of what was hashed (259), not one (3)";
    throw refused("bad_header", text);
  }
  const label = isEnvelope ? PREIMAGE_TYPE : CONTENT_TYPE;
  const place = cose.required(message, label, "content type");
  const what = "the content type";
  if (message.protected[place[0]]! >> 5 === cbor.TEXT) {
    return claimText(message.protected, place, what);
  }
  const number = cose.integer(message.protected, place, what);
  if (number < 0n || number >= 1n << 16n) {
    throw refused("bad_header", `the content type ${number}, expected a text or 0 to 65535`);
  }
  return Number(number);
}

/** Read the function of a hash envelope (RFC 9995). */
function readPayloadHash(message: cose.Sign1): number | undefined {
  const { headers, unprotected } = message;
  for (const label of [PAYLOAD_HASH, PREIMAGE_TYPE, LOCATION]) {
    if (!unprotected.has(label)) continue;
    const text = `the header ${label} of a hash envelope is not protected`;
    throw refused("header_not_protected", text);
  }
  const place = headers.get(PAYLOAD_HASH);
  if (place === undefined) {
    if (!headers.has(PREIMAGE_TYPE) && !headers.has(LOCATION)) return undefined;
    throw refused("header_missing", "a hash envelope lacks its function (258)");
  }
  const what = "the function of the hash envelope";
  const found = cose.integer(message.protected, place, what);
  if (!DIGEST_BYTES.has(found)) {
    const known = [...DIGEST_BYTES.keys()].join(", ");
    const text = `a hash envelope of the function ${found}, expected one of ${known}`;
    throw refused("bad_header", text);
  }
  const location = headers.get(LOCATION);
  if (location !== undefined) {
    claimText(message.protected, location, "the location of the payload");
  }
  return Number(found);
}

/** Check the form of protected certificates (RFC 9360, section 2), and that of their issuer. */
function checkCertificates(message: cose.Sign1, issuer: string): void {
  const { protected: data, headers } = message;
  const [digest, chain] = [headers.get(X5T), headers.get(X5CHAIN)];
  if (digest !== undefined) {
    const parts = cose.items(data, digest, "x5t");
    if (parts.length !== 2) {
      const text = `x5t of ${parts.length} parts, expected function and digest`;
      throw refused("bad_header", text);
    }
    cose.string(data, parts[1]!, "the digest of x5t");
  }
  if (chain !== undefined) {
    const certificates = chainPlaces(data, chain);
    if (certificates.length === 0) throw refused("bad_header", "x5chain is empty");
    for (const one of certificates) cose.string(data, one, "a certificate of x5chain");
  }
  if (!URI.test(issuer)) {
    const name = JSON.stringify(issuer.slice(0, 80));
    throw refused("bad_header", `the issuer ${name} is no URI, as it must be with a certificate`);
  }
}

/** Return the certificates that a statement brings, its signer's first (RFC 9360, section 2). */
export function certificatesOf({ message }: Statement): Certificate[] {
  const { protected: data, headers } = message;
  const place = headers.get(X5CHAIN);
  if (place === undefined) {
    const text = "the statement brings no certificate (x5chain, label 33)";
    throw refused("issuer_key_not_admitted", text);
  }
  const places = chainPlaces(data, place);
  if (places.length > CHAIN_MAX) {
    const text = `x5chain of ${places.length} certificates, at most ${CHAIN_MAX}`;
    throw refused("bad_header", text);
  }
  return places.map((one) => {
    // A copy: what is read of it keeps nothing of the whole statement.
    const der = new Uint8Array(cose.string(data, one, "a certificate of x5chain"));
    return readCertificate(der);
  });
}

function chainPlaces(data: Uint8Array, place: Slice): Slice[] {
  return data[place[0]]! >> 5 === cbor.BYTES ? [place] : cose.items(data, place, "x5chain");
}

/** Read the name of the statement's key; a certificate may stand for it. */
function readKeyId(message: cose.Sign1): Uint8Array | undefined {
  const { headers } = message;
  const isNamed = headers.has(X5T) || headers.has(X5CHAIN);
  return !headers.has(KEY_ID) && isNamed ? undefined : keyIdOf(message);
}

/** Read the name of a key, which must be there. */
export function keyIdOf(message: cose.Sign1): Uint8Array {
  const place = cose.required(message, KEY_ID, "key id");
  const found = cose.string(message.protected, place, "the key id");
  if (found.length < 1 || found.length > KEY_ID_BYTES_MAX) {
    const text = `a key id of ${found.length} bytes, expected 1 to ${KEY_ID_BYTES_MAX}`;
    throw refused("bad_header", text);
  }
  return found;
}

/** Return the entry of a statement: what a log with the suite's function holds of it. */
export function entryOf({ message }: Statement, suite: Suite): Uint8Array {
  const [first, stop] = message.unprotectedPlace;
  const { data } = message;
  return hash(suite, concat(data.subarray(0, first), Uint8Array.of(0xa0), data.subarray(stop)));
}

/** Return the receipts of a transparent statement whose headers were not read. */
export function receiptsIn(data: Uint8Array): Uint8Array[] {
  return receiptsOf({ message: cose.readSign1(data, "the statement", TRANSPARENT_BYTES_MAX) });
}

/** Return the receipts of a transparent statement, none of them verified. */
export function receiptsOf({ message }: Pick<Statement, "message">): Uint8Array[] {
  if (message.headers.has(RECEIPTS)) {
    throw refused("bad_header", "receipts are protected: they come after the signature");
  }
  const place = message.unprotected.get(RECEIPTS);
  if (place === undefined) return [];
  const places = cose.items(message.data, place, "the receipts");
  if (places.length < 1 || places.length > RECEIPTS_MAX) {
    throw refused("cose_too_large", `${places.length} receipts, expected 1 to ${RECEIPTS_MAX}`);
  }
  return places.map((each) => cose.string(message.data, each, "a receipt"));
}
