/**
 * Refuse all but one item of CBOR (RFC 8949) in deterministic encoding, as proof files use it.
 *
 * `check` walks over an item and keeps nothing, so that a hostile file cannot ask for memory; what
 * `fields` and its neighbours read afterwards is known to be well-formed.
 *
 * Source: docs/reference/proofs.md, section 2.
 */

import { fromUtf8 } from "./bytes.js";
import { PROOF_NESTING_MAX } from "./limits.js";

/** Major types (RFC 8949, section 3.1). */
export const [UNSIGNED, NEGATIVE, BYTES, TEXT, ARRAY, MAP] = [0, 1, 2, 3, 4, 5] as const;

/** Why bytes are not one item in deterministic encoding. */
export class Flaw extends Error {
  /** Whether the item goes on after the last byte, and nothing else is wrong before. */
  readonly endsEarly: boolean;

  constructor(problem: string, endsEarly = false) {
    super(problem);
    this.endsEarly = endsEarly;
  }
}

/** First bytes of an item. */
interface Head {
  /** Major type. */
  readonly major: number;
  /** Argument; above 2^53 not exact, and then larger than every file. */
  readonly argument: number;
  /** Whether the argument stands in its shortest form. */
  readonly isShortest: boolean;
  /** Place after the head. */
  readonly end: number;
}

/** Smallest argument of each width in bytes (RFC 8949, section 4.2.1). */
const LEAST: Readonly<Record<number, number>> = { 1: 24, 2: 2 ** 8, 4: 2 ** 16, 8: 2 ** 32 };

/** Read the head at a place. */
export function headAt(data: Uint8Array, place: number): Head {
  const first = data[place];
  if (first === undefined) throw new Flaw("it ends early", true);
  const major = first >> 5;
  if (major > MAP) throw new Flaw("a type that proof files do not use");
  const low = first & 31;
  if (low < 24) return { major, argument: low, isShortest: true, end: place + 1 };
  if (low > 27) throw new Flaw("of no definite length");
  const width = 1 << (low - 24);
  const end = place + 1 + width;
  if (end > data.length) throw new Flaw("it ends early", true);
  let argument = 0;
  for (let at = place + 1; at < end; at += 1) argument = argument * 256 + data[at]!;
  return { major, argument, isShortest: argument >= LEAST[width]!, end };
}

/** Say whether bytes are UTF-8; ASCII is, and needs no decoder, of which a file can ask many. */
function isUtf8(data: Uint8Array): boolean {
  return data.every((byte) => byte < 0x80) || fromUtf8(data) !== undefined;
}

/** Walk over the item at a place that stands in `depth` arrays and maps; return where it ends. */
function walk(data: Uint8Array, place: number, depth: number): number {
  const { major, argument, isShortest, end } = headAt(data, place);
  const isString = major === BYTES || major === TEXT;
  if (isString && argument > data.length - end) throw new Flaw("it ends early", true);
  if (!isShortest) throw new Flaw("not in the shortest form");
  if (major === TEXT && !isUtf8(data.subarray(end, end + argument))) {
    throw new Flaw("a text is not UTF-8");
  }
  if (major < ARRAY) return isString ? end + argument : end;
  // This bounds the recursion.
  if (depth === PROOF_NESTING_MAX) throw new Flaw("nested too deep");
  let at = end;
  if (major === MAP) return walkEntries(data, at, argument, depth + 1);
  // Each item takes a byte at least, so the file's length bounds the loop.
  for (let left = argument; left > 0; left -= 1) at = walk(data, at, depth + 1);
  return at;
}

/** Walk over the entries of a map, whose keys ascend as they are encoded. */
function walkEntries(data: Uint8Array, start: number, count: number, depth: number): number {
  let [at, lastStart, lastEnd] = [start, start, start];
  for (let left = count; left > 0; left -= 1) {
    const first = data[at];
    if (first === undefined) throw new Flaw("it ends early", true);
    if (first >> 5 >= ARRAY) throw new Flaw("a key is no number and no string");
    const end = walk(data, at, depth);
    if (!ascends(data, lastStart, lastEnd, at, end)) {
      throw new Flaw("keys are not in ascending order, each once");
    }
    [lastStart, lastEnd] = [at, end];
    at = walk(data, end, depth);
  }
  return at;
}

/** Say whether the bytes of one range come before those of another. */
function ascends(
  data: Uint8Array,
  start: number,
  end: number,
  nextStart: number,
  nextEnd: number,
): boolean {
  const length = Math.min(end - start, nextEnd - nextStart);
  for (let place = 0; place < length; place += 1) {
    const difference = data[start + place]! - data[nextStart + place]!;
    if (difference !== 0) return difference < 0;
  }
  return end - start < nextEnd - nextStart;
}

/**
 * Check that `data` is exactly one item in deterministic encoding.
 *
 * @throws {@link Flaw} that says what it is instead.
 */
export function check(data: Uint8Array): void {
  if (walk(data, 0, 0) !== data.length) throw new Flaw("bytes follow the item");
}

/** Return where the item at a place of checked bytes ends. */
export function itemEnd(data: Uint8Array, place: number): number {
  return walk(data, place, 0);
}
