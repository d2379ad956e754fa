/**
 * Decode the values of the wire, front to back, each of which has exactly one encoding.
 *
 * Source: docs/reference/wire.md, section 1.
 */

import { fromUtf8, toBigInt } from "./bytes.js";

/** Bytes that are not the one encoding of a value; never leaves this package. */
export class Undecodable extends Error {}

/** Reads encoded bytes from the front. */
export class Reader {
  readonly #data: Uint8Array;
  #place = 0;

  constructor(data: Uint8Array) {
    this.#data = data;
  }

  /** Number of bytes taken so far. */
  get place(): number {
    return this.#place;
  }

  /** Take `length` bytes as they are. */
  take(length: number): Uint8Array {
    const end = this.#place + length;
    if (end > this.#data.length) throw new Undecodable("ends early");
    const taken = this.#data.subarray(this.#place, end);
    this.#place = end;
    return taken;
  }

  /** Take an unsigned integer of at most 32 bits. */
  small(width: 1 | 2 | 4): number {
    return this.take(width).reduce((number, byte) => number * 256 + byte, 0);
  }

  /** Take an unsigned integer of 64 bits. */
  u64(): bigint {
    return toBigInt(this.take(8));
  }

  /** Take a byte 0 or 1. */
  flag(what: string): boolean {
    const byte = this.small(1);
    if (byte > 1) throw new Undecodable(`${what} is 0 or 1`);
    return byte === 1;
  }

  /** Take a byte string with its length before it; the length is checked first. */
  bytes(prefix: 1 | 2 | 4, most: number, what: string): Uint8Array {
    const length = this.small(prefix);
    if (length > most) throw new Undecodable(`${what} is ${length}, at most ${most} allowed`);
    return this.take(length);
  }

  /** Take UTF-8 text with its length before it, as one byte. */
  text(most: number, what: string): string {
    const text = fromUtf8(this.bytes(1, most, what));
    if (text === undefined) throw new Undecodable(`${what} is not UTF-8`);
    return text;
  }

  /** Take items with their count before them; the count is checked first. */
  list<T>(prefix: 1 | 2, least: number, most: number, what: string, item: () => T): T[] {
    const count = this.small(prefix);
    if (count > most) throw new Undecodable(`${what} is ${count}, at most ${most} allowed`);
    if (count < least) throw new Undecodable(`${what}: at least ${least} expected`);
    return Array.from({ length: count }, item);
  }

  /** Refuse bytes after the value. */
  finish(): void {
    if (this.#place !== this.#data.length) throw new Undecodable("bytes follow the value");
  }
}

/** Read a value that fills `data`. */
export function decode<T>(data: Uint8Array, read: (reader: Reader) => T): T {
  const reader = new Reader(data);
  const value = read(reader);
  reader.finish();
  return value;
}
