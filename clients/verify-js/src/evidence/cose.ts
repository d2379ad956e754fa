/**
 * Read and verify COSE_Sign1 messages (RFC 9052, section 4.2) over the bytes as they came.
 *
 * Source: docs/reference/scitt.md, section 2.
 */

import { ed25519 } from "@noble/curves/ed25519.js";
import { p256 } from "@noble/curves/nist.js";

import { ascii, concat } from "../bytes.js";
import { verifySm2 } from "../sm2.js";
import * as cbor from "./cbor.js";
import { type Label, type Places, type Slice, refused } from "./cbor.js";

/** Bytes of the protected header: enough for a chain of certificates. */
export const PROTECTED_BYTES_MAX = 32 * 1024;
/** Bytes of a signature of every algorithm that is known here. */
const SIGNATURE_BYTES = 64;

/** Labels of headers (RFC 9052, section 3.1; RFC 9597, section 2). */
export const [ALGORITHM, CRITICAL, CONTENT_TYPE, KEY_ID, CWT_CLAIMS] = [1, 2, 3, 4, 15] as const;

/** Algorithm of the key by the number of COSE; -65600 is SM2, of the range for private use. */
const KEY_OF_ALGORITHM: ReadonlyMap<bigint, PublicKey["algorithm"]> = new Map([
  [-8n, "ed25519"],
  [-7n, "p256"],
  [-19n, "ed25519"],
  [-9n, "p256"],
  [-65_600n, "sm2"],
]);

/** A public key with the name of its algorithm. */
export interface PublicKey {
  /** `ed25519`, `p256` or `sm2`; with another nothing verifies. */
  readonly algorithm: string;
  /** 32 bytes of Ed25519, 33 of a compressed point (SEC 1, section 2.3.3). */
  readonly key: Uint8Array;
}

/** A message taken apart; nothing in it is verified. */
export interface Sign1 {
  /** The whole message. */
  readonly data: Uint8Array;
  /** Content of the protected header. */
  readonly protected: Uint8Array;
  /** Places of the protected headers' values in `protected`. */
  readonly headers: Places;
  /** The same inside those of them that are maps. */
  readonly maps: ReadonlyMap<Label, Places>;
  /** Places of the other headers' values in `data`. */
  readonly unprotected: Places;
  /** Place of the whole unprotected header in `data`. */
  readonly unprotectedPlace: Slice;
  /** The payload; nothing where it is detached. */
  readonly payload: Uint8Array | undefined;
  readonly signature: Uint8Array;
}

/** Find a byte string of the message itself. */
function stringPlace(data: Uint8Array, at: number, what: string): Slice {
  const { major, argument, start } = cbor.head(data, at, data.length, what);
  if (major !== cbor.BYTES) {
    const message = `${what} has another item than a byte string at byte ${at}`;
    throw refused("not_a_cose_message", message);
  }
  return [start, cbor.stringEnd(start, argument, data.length, what)];
}

/** Take a tagged message apart; `what` names it in messages. */
export function readSign1(data: Uint8Array, what: string, bytesMax: number): Sign1 {
  const end = data.length;
  if (end > bytesMax) {
    throw refused("cose_too_large", `${what} has ${end} bytes, at most ${bytesMax}`);
  }
  if (data[0] !== 0xd2 || data[1] !== 0x84) {
    const message = `${what} does not begin with tag 18 and an array of four`;
    throw refused("not_a_cose_message", message);
  }
  const [start, first] = stringPlace(data, 2, what);
  if (first - start > PROTECTED_BYTES_MAX) {
    const message = `${what} has a protected header of over ${PROTECTED_BYTES_MAX} bytes`;
    throw refused("cose_too_large", message);
  }
  const content = data.subarray(start, first);
  const maps = new Map<Label, Places>();
  const headers = readProtected(content, maps);
  const where = "the unprotected header";
  const [unprotected, stop] = cbor.mapPlaces(data, first, end, where);
  for (const label of headers.keys()) {
    if (unprotected.has(label)) {
      const message = `the label ${cbor.shown(label)} is protected and unprotected`;
      throw refused("duplicate_label", message);
    }
  }
  const isDetached = stop < end && data[stop] === cbor.NULL;
  const [from, to] = isDetached ? [stop, stop + 1] : stringPlace(data, stop, what);
  const [begin, last] = stringPlace(data, to, what);
  if (last !== end) throw refused("trailing_bytes", `${end - last} bytes follow ${what}`);
  return {
    data,
    protected: content,
    headers,
    maps,
    unprotected,
    unprotectedPlace: [first, stop],
    payload: isDetached ? undefined : data.subarray(from, to),
    signature: data.subarray(begin, last),
  };
}

function readProtected(content: Uint8Array, maps: Map<Label, Places>): Places {
  if (content.length === 0) return new Map();
  const what = "the protected header";
  const [headers, stop] = cbor.mapPlaces(content, 0, content.length, what, 0, maps);
  if (stop !== content.length) {
    throw refused("trailing_bytes", "bytes follow the map in the protected header");
  }
  return headers;
}

/** Return the place of a header that must be protected. */
export function required(message: Sign1, label: number, name: string): Slice {
  const place = message.headers.get(label);
  if (place !== undefined) return place;
  if (message.unprotected.has(label)) {
    throw refused("header_not_protected", `the header ${name} (${label}) is not protected`);
  }
  throw refused("header_missing", `the protected header lacks ${name} (${label})`);
}

/** Read a number at a place that was scanned. */
export function integer(data: Uint8Array, [at, end]: Slice, what: string): bigint {
  if (data[at]! >> 5 > cbor.NEGATIVE) throw refused("bad_header", `${what} is no number`);
  return cbor.integerAt(data, at, end, what);
}

/** Read a byte string at a place that was scanned. */
export function string(data: Uint8Array, [at, end]: Slice, what: string): Uint8Array {
  const { major, start } = cbor.head(data, at, end, what);
  if (major !== cbor.BYTES) throw refused("bad_header", `${what} is no byte string`);
  return data.subarray(start, end);
}

/** Read a text at a place that was scanned. */
export function text(data: Uint8Array, [at, end]: Slice, what: string): string {
  const { major, start } = cbor.head(data, at, end, what);
  if (major !== cbor.TEXT) throw refused("bad_header", `${what} is no text`);
  return cbor.text(data, start, end, what);
}

/** Return the places of the items of an array that was scanned. */
export function items(data: Uint8Array, place: Slice, what: string): Slice[] {
  const found = cbor.items(data, place, what);
  if (found === undefined) throw refused("bad_header", `${what} is no array`);
  return found;
}

/** Return the algorithm of the key that a message asks for. */
export function algorithm(message: Sign1): string {
  const [at, end] = required(message, ALGORITHM, "alg");
  const isNumber = message.protected[at]! >> 5 <= cbor.NEGATIVE;
  const number = isNumber ? cbor.integerAt(message.protected, at, end, "alg") : undefined;
  const found = number === undefined ? undefined : KEY_OF_ALGORITHM.get(number);
  if (found === undefined) {
    const known = [...KEY_OF_ALGORITHM.keys()].join(", ");
    const message = `the algorithm ${number ?? "of a text"}, expected one of ${known}`;
    throw refused("signature_algorithm", message);
  }
  return found;
}

/** Check that every critical header is present and understood (RFC 9052, section 3.1). */
export function checkCritical(message: Sign1, understood: ReadonlySet<Label>): void {
  const place = message.headers.get(CRITICAL);
  if (place === undefined) {
    if (!message.unprotected.has(CRITICAL)) return;
    throw refused("header_not_protected", "the header crit (2) is not protected");
  }
  const data = message.protected;
  const places = items(data, place, "crit");
  if (places.length === 0) throw refused("bad_header", "crit is empty");
  for (const each of places) {
    const isNumber = data[each[0]]! >> 5 <= cbor.NEGATIVE;
    const what = "a label of crit";
    const label = isNumber ? Number(integer(data, each, what)) : text(data, each, what);
    if (!understood.has(label) || !message.headers.has(label)) {
      const name = cbor.shown(label);
      throw refused("critical_header", `the critical header ${name} is absent or unknown`);
    }
  }
}

const CONTEXT = concat(Uint8Array.of(0x84, 0x6a), ascii("Signature1"));

/**
 * Return what is signed: the Sig_structure (RFC 9052, section 4.4) without external data.
 *
 * @param header Content of the protected header, which has an algorithm and so is not empty.
 */
export function signedBytes(header: Uint8Array, payload: Uint8Array): Uint8Array {
  const none = new Uint8Array(0);
  return concat(CONTEXT, ...[header, none, payload].map(cbor.encodeBytes));
}

/**
 * Check the signature of a message.
 *
 * @param payload The payload where it is detached.
 */
export function verifySign1(message: Sign1, key: PublicKey, payload?: Uint8Array): void {
  if (algorithm(message) !== key.algorithm) {
    const text = `the message asks for a key of ${algorithm(message)}`;
    throw refused("signature_algorithm", `${text}, the key is one of ${key.algorithm}`);
  }
  const content = message.payload ?? payload;
  if (content === undefined) throw refused("detached_payload", "the payload is detached");
  if (!holds(key, signedBytes(message.protected, content), message.signature)) {
    throw refused("cose_signature", "the signature does not hold under the key");
  }
}

/** Say whether a signature holds; false for anything malformed. */
function holds({ algorithm, key }: PublicKey, signed: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== SIGNATURE_BYTES) return false;
  try {
    switch (algorithm) {
      case "ed25519":
        return key.length === 32 && ed25519.verify(signature, signed, key, { zip215: true });
      case "sm2":
        return verifySm2(key, signed, signature);
      default:
        // COSE takes both `s` and `n - s` (RFC 9053, section 2.1); keys have one encoding.
        return key.length === 33 && p256.verify(signature, signed, key, { lowS: false });
    }
  } catch {
    return false; // the library throws for some malformed signatures and keys
  }
}
