/**
 * Read the keys of issuers and services (RFC 9052, section 7).
 *
 * Source: docs/reference/scitt.md, section 10.
 */

import { concat, fromHex } from "../bytes.js";
import { Refusal } from "../refusal.js";
import * as cbor from "./cbor.js";
import { type Places, type Slice, refused } from "./cbor.js";
import * as cose from "./cose.js";

/** Bytes of a set of keys. */
const KEY_SET_BYTES_MAX = 1024 * 1024;
/** Keys of a set. */
const KEYS_MAX = 1024;

/** Labels of a key (RFC 9052, section 7.1; RFC 9053, section 7.1). */
const [KEY_TYPE, CURVE, X, Y] = [1, -1, -2, -3] as const;
/** Algorithms by type and curve; that of SM2 is of the range for private use. */
const CURVES: Readonly<Record<string, string>> = {
  "1,6": "ed25519",
  "2,1": "p256",
  "2,-65600": "sm2",
};
const COORDINATE_BYTES = 32;
const [FALSE, TRUE] = [0xf4, 0xf5] as const;

const WRONG = "these are no COSE keys of a service";

/**
 * Read the COSE key set of a service: what `/.well-known/scitt-keys` answers.
 *
 * @throws {@link Refusal} with the code `bad_header`.
 */
export function readKeySet(given: Uint8Array): cose.PublicKey[] {
  if (!(given instanceof Uint8Array)) throw refused("bad_header", WRONG);
  if (given.length > KEY_SET_BYTES_MAX) {
    const message = `a set of keys of ${given.length} bytes, at most ${KEY_SET_BYTES_MAX}`;
    throw refused("bad_header", message);
  }
  const data = new Uint8Array(given);
  try {
    return readKeys(data);
  } catch (error) {
    if (!(error instanceof Refusal) || error.code === "bad_header") throw error;
    throw refused("bad_header", `${WRONG}: ${error.message}`);
  }
}

function readKeys(data: Uint8Array): cose.PublicKey[] {
  const what = "the set of keys";
  const { major, argument, start } = cbor.head(data, 0, data.length, what);
  if (major !== cbor.ARRAY || argument < 1 || argument > KEYS_MAX) {
    throw refused("bad_header", WRONG);
  }
  const keys: cose.PublicKey[] = [];
  let at = start;
  while (keys.length < argument) {
    const [places, stop] = cbor.mapPlaces(data, at, data.length, "a COSE key", 1);
    keys.push(readKey(data, places));
    at = stop;
  }
  if (at !== data.length) throw refused("bad_header", `${WRONG}: bytes follow`);
  return keys;
}

function readKey(data: Uint8Array, places: Places): cose.PublicKey {
  const number = (label: number): bigint | undefined => {
    const place = places.get(label);
    const isNumber = place !== undefined && data[place[0]]! >> 5 <= cbor.NEGATIVE;
    return isNumber ? cose.integer(data, place, "a part of a COSE key") : undefined;
  };
  const about = `${number(KEY_TYPE)},${number(CURVE)}`;
  const algorithm = CURVES[about];
  if (algorithm === undefined) {
    throw refused("bad_header", `a COSE key of the type and curve ${about}`);
  }
  const x = coordinate(data, places.get(X));
  if (x === undefined) throw refused("bad_header", "the x of a COSE key has not 32 bytes");
  if (algorithm === "ed25519") return { algorithm, key: x };
  const parity = parityOf(data, places.get(Y));
  if (parity === undefined) {
    const message = "the y of a COSE key is neither a string of 32 bytes nor a parity";
    throw refused("bad_header", message);
  }
  return { algorithm, key: concat(Uint8Array.of(2 + parity), x) };
}

function coordinate(data: Uint8Array, place: Slice | undefined): Uint8Array | undefined {
  if (place === undefined || data[place[0]]! >> 5 !== cbor.BYTES) return undefined;
  const found = cose.string(data, place, "a coordinate of a COSE key");
  return found.length === COORDINATE_BYTES ? found : undefined;
}

/** Read the parity of y, or take it from y (SEC 1, section 2.3.3). */
function parityOf(data: Uint8Array, place: Slice | undefined): number | undefined {
  const byte = place === undefined ? undefined : data[place[0]];
  if (byte === FALSE || byte === TRUE) return byte - FALSE;
  const y = coordinate(data, place);
  return y === undefined ? undefined : y[COORDINATE_BYTES - 1]! & 1;
}

/**
 * Read a key as people write it: `ALGORITHM:HEX`.
 *
 * @throws {@link Refusal} with the code `bad_argument`.
 */
export function readPublicKey(text: string): cose.PublicKey {
  const [algorithm, digits, ...rest] = text.trim().split(":");
  const key = digits === undefined || rest.length > 0 ? undefined : fromHex(digits);
  if (algorithm === undefined || key === undefined) {
    throw refused("bad_argument", `the key is ${text.slice(0, 100)}, expected ALGORITHM:HEX`);
  }
  return { algorithm, key };
}
