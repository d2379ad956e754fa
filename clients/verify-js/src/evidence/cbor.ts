/**
 * Find the parts of a CBOR item (RFC 8949) without decoding it, and bound it first.
 *
 * Input of strangers goes through this scanner: it reads heads, keeps nothing of the lengths that
 * they announce, and gives the places of the parts in the bytes as they came. The same bytes are
 * hashed and verified later; nothing is encoded again. Lengths are definite and in their shortest
 * form (RFC 8949, section 4.2.1), keys in any order; `../cbor` reads proof files, which are stricter.
 *
 * Source: docs/reference/scitt.md, section 2.
 */

import { concat, fromUtf8, toBigInt, u64 } from "../bytes.js";
import { Refusal, type RefusalReason } from "../refusal.js";

/** Entries of a map of headers, and of every map and array inside one. */
export const HEADERS_MAX = 64;
/** Arrays, maps and tags inside each other. */
export const NESTING_MAX = 8;

/** Major types (RFC 8949, section 3.1). */
export const [UNSIGNED, NEGATIVE, BYTES, TEXT, ARRAY, MAP, , SIMPLE] = [
  0, 1, 2, 3, 4, 5, 6, 7,
] as const;

/** Encoding of null. */
export const NULL = 0xf6;

/** Label of a header: a number, a bigint where a number is not exact, or a text. */
export type Label = number | bigint | string;
/** First byte of an encoded item and the byte after its last. */
export type Slice = readonly [number, number];
/** Places of the values of a map, by their labels. */
export type Places = Map<Label, Slice>;

/** Smallest argument of each width in bytes (RFC 8949, section 4.2.1). */
const LEAST: Readonly<Record<number, number>> = { 1: 24, 2: 2 ** 8, 4: 2 ** 16, 8: 2 ** 32 };
/** False, true and null; then the floats. */
const SIMPLES: ReadonlySet<number> = new Set([20, 21, 22, 25, 26, 27]);

/** Make a refusal whose code is its reason. */
export function refused(code: RefusalReason, message: string): Refusal {
  return new Refusal(code, message);
}

/** First bytes of an item: major type, argument, and where its content begins. */
interface Head {
  readonly major: number;
  /** Above 2^53 not exact, and then larger than every message. */
  readonly argument: number;
  readonly start: number;
}

/** Read a head that may reach to `end`. */
export function head(data: Uint8Array, at: number, end: number, what: string): Head {
  if (at >= end) throw refused("cose_truncated", `${what} ends early, at byte ${at}`);
  const first = data[at]!;
  const [major, low] = [first >> 5, first & 31];
  if (low < 24) return { major, argument: low, start: at + 1 };
  if (low > 27) {
    const message = `${what} has an indefinite or reserved length at byte ${at}`;
    throw refused("cose_encoding", message);
  }
  const width = 1 << (low - 24);
  const start = at + 1 + width;
  if (start > end) {
    throw refused("cose_truncated", `${what} ends early, in the head at byte ${at}`);
  }
  let argument = 0;
  for (let place = at + 1; place < start; place += 1) argument = argument * 256 + data[place]!;
  if (major !== SIMPLE && argument < LEAST[width]!) {
    const message = `${what} has a length or number in a longer form at byte ${at}`;
    throw refused("cose_encoding", message);
  }
  return { major, argument, start };
}

/** Return where a string of `length` bytes ends. */
export function stringEnd(start: number, length: number, end: number, what: string): number {
  if (length > end - start) {
    const message = `${what} announces ${length} bytes, ${end - start} are left`;
    throw refused("cose_truncated", message);
  }
  return start + length;
}

/** Decode UTF-8. */
export function text(data: Uint8Array, start: number, stop: number, what: string): string {
  const found = fromUtf8(data.subarray(start, stop));
  if (found === undefined) {
    throw refused("cose_encoding", `${what} has a text that is not UTF-8 at byte ${start}`);
  }
  return found;
}

/** Return where the item at a place ends, checking everything in it. */
export function skip(
  data: Uint8Array,
  at: number,
  end: number,
  what: string,
  depth = 0,
): number {
  const { major, argument, start } = head(data, at, end, what);
  if (major <= NEGATIVE) return start;
  if (major <= TEXT) {
    const stop = stringEnd(start, argument, end, what);
    if (major === TEXT) text(data, start, stop, what);
    return stop;
  }
  if (major === SIMPLE) {
    if (SIMPLES.has(data[at]! & 31)) return start;
    throw refused("cose_encoding", `${what} has a reserved simple value at byte ${at}`);
  }
  // This bounds the recursion.
  if (depth >= NESTING_MAX) {
    const message = `${what} is nested deeper than ${NESTING_MAX} at byte ${at}`;
    throw refused("nested_too_deep", message);
  }
  if (major === MAP) return mapPlaces(data, at, end, what, depth)[1];
  let place = start;
  const items = major === ARRAY ? counted(argument, what) : 1;
  for (let left = items; left > 0; left -= 1) place = skip(data, place, end, what, depth + 1);
  return place;
}

/**
 * Find the values of the map at a place by their labels, and where the map ends.
 *
 * @param maps Takes the places of the values of those values that are maps themselves.
 */
export function mapPlaces(
  data: Uint8Array,
  first: number,
  end: number,
  what: string,
  depth = 0,
  maps?: Map<Label, Places>,
): [Places, number] {
  const { major, argument, start } = head(data, first, end, what);
  if (major !== MAP) throw refused("cose_encoding", `${what} is no map`);
  const entries: Places = new Map();
  let at = start;
  for (let left = counted(argument, what); left > 0; left -= 1) {
    const [label, value] = labelAt(data, at, end, what);
    if (entries.has(label)) {
      throw refused("duplicate_label", `${what} has the label ${shown(label)} twice`);
    }
    if (maps !== undefined && value < end && data[value]! >> 5 === MAP) {
      const [inner, stop] = mapPlaces(data, value, end, what, depth + 1);
      maps.set(label, inner);
      at = stop;
    } else {
      at = skip(data, value, end, what, depth + 1);
    }
    entries.set(label, [value, at]);
  }
  return [entries, at];
}

/** Read the label at a place; return it and where its value begins. */
function labelAt(data: Uint8Array, at: number, end: number, what: string): [Label, number] {
  const { major, argument, start } = head(data, at, end, what);
  if (major <= NEGATIVE) return [labelOf(integerAt(data, at, end, what)), start];
  if (major !== TEXT) {
    throw refused("bad_header", `${what} has a label that is neither a number nor a text`);
  }
  const stop = stringEnd(start, argument, end, what);
  return [text(data, start, stop, what), stop];
}

/** Bring a number into the one form that it has as a label. */
function labelOf(number: bigint): Label {
  const isExact = number >= Number.MIN_SAFE_INTEGER && number <= Number.MAX_SAFE_INTEGER;
  return isExact ? Number(number) : number;
}

/** Read the number at a place where there is one, exactly. */
export function integerAt(data: Uint8Array, at: number, end: number, what: string): bigint {
  const { major, argument, start } = head(data, at, end, what);
  const inBytes = start > at + 1;
  const number = inBytes ? toBigInt(data.subarray(at + 1, start)) : BigInt(argument);
  return major === UNSIGNED ? number : -1n - number;
}

/** Return the places of the items of an array that was scanned; nothing where there is none. */
export function items(data: Uint8Array, place: Slice, what: string): Slice[] | undefined {
  const { major, argument, start } = head(data, place[0], place[1], what);
  if (major !== ARRAY) return undefined;
  const found: Slice[] = [];
  for (let at = start; found.length < argument; ) {
    const stop = skip(data, at, place[1], what, 1);
    found.push([at, stop]);
    at = stop;
  }
  return found;
}

/** Show a label in a message, cut where it is long. */
export function shown(label: Label): string {
  return typeof label === "string" ? JSON.stringify(label.slice(0, 40)) : String(label);
}

/** Encode a head in its shortest form. */
export function encodeHead(major: number, argument: number): Uint8Array {
  if (argument < 24) return Uint8Array.of((major << 5) | argument);
  const width = [1, 2, 4].find((bytes) => argument < 2 ** (8 * bytes)) ?? 8;
  const first = Uint8Array.of((major << 5) | (24 + Math.log2(width)));
  return concat(first, u64(BigInt(argument)).subarray(8 - width));
}

/** Encode a byte string. */
export function encodeBytes(content: Uint8Array): Uint8Array {
  return concat(encodeHead(BYTES, content.length), content);
}

function counted(count: number, what: string): number {
  if (count > HEADERS_MAX) {
    const message = `${what} has ${count} entries in a map or array, at most ${HEADERS_MAX}`;
    throw refused("cose_too_large", message);
  }
  return count;
}
