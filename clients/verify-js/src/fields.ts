/** Read typed values from checked CBOR; every length is checked before anything is kept. */

import { fromUtf8 } from "./bytes.js";
import * as cbor from "./cbor.js";
import { Refusal, malformed } from "./refusal.js";

/** One item whose encoding was checked. */
export class Item {
  readonly #data: Uint8Array;
  readonly #part: string;

  private constructor(data: Uint8Array, part: string) {
    this.#data = data;
    this.#part = part;
  }

  /** Check bytes that should be one item; `part` names it in messages. */
  static read(data: Uint8Array, part: string): Item {
    try {
      cbor.check(data);
    } catch (error) {
      if (error instanceof cbor.Flaw) throw malformed(part, error.message);
      throw error;
    }
    return new Item(data, part);
  }

  /** Name the part that this item is. */
  named(part: string): Item {
    return new Item(this.#data, part);
  }

  #wrong(expected: string): Refusal {
    return malformed(this.#part, `expected ${expected}`);
  }

  #head(major: number, expected: string): { argument: number; end: number } {
    const head = cbor.headAt(this.#data, 0);
    if (head.major !== major) throw this.#wrong(expected);
    return head;
  }

  /** Take an unsigned integer. */
  unsigned(): bigint {
    const { end } = this.#head(cbor.UNSIGNED, "an unsigned integer");
    let number = end === 1 ? BigInt(this.#data[0]! & 31) : 0n;
    for (let place = 1; place < end; place += 1) {
      number = (number << 8n) | BigInt(this.#data[place]!);
    }
    return number;
  }

  /** Take a byte string of at most `most` bytes. */
  bytes(most = Infinity): Uint8Array {
    const { end } = this.#head(cbor.BYTES, "a byte string");
    const data = this.#data.subarray(end);
    if (data.length > most) throw this.#wrong(`at most ${most} bytes`);
    return data;
  }

  /** Take a byte string of exactly `length` bytes. */
  fixed(length: number): Uint8Array {
    const data = this.bytes();
    if (data.length !== length) throw this.#wrong(`${length} bytes`);
    return data;
  }

  /** Take a byte string of at most `most` pieces of `size` bytes each. */
  pieces(size: number, most: number): Uint8Array[] {
    const data = this.bytes(size * most);
    if (data.length % size !== 0) throw this.#wrong(`pieces of ${size} bytes`);
    const count = data.length / size;
    return Array.from({ length: count }, (_, at) => data.subarray(at * size, (at + 1) * size));
  }

  /** Take a text. */
  text(): string {
    const { end } = this.#head(cbor.TEXT, "a text");
    const text = fromUtf8(this.#data.subarray(end));
    if (text === undefined) throw this.#wrong("a text");
    return text;
  }

  /** Take an array of at most `most` items. */
  items(most: number): Item[] {
    const expected = `an array of at most ${most} items`;
    const { argument, end } = this.#head(cbor.ARRAY, expected);
    if (argument > most) throw this.#wrong(expected);
    const items: Item[] = [];
    for (let at = end; items.length < argument; ) {
      const next = cbor.itemEnd(this.#data, at);
      items.push(new Item(this.#data.subarray(at, next), this.#part));
      at = next;
    }
    return items;
  }

  /**
   * Take the values of the keys 0 to `count - 1` of a map.
   *
   * Negative keys are for later versions and ignored; every other is refused
   * (docs/reference/proofs.md, section 2).
   */
  fields<N extends number>(count: N): Fields<N> {
    const { argument, end } = this.#head(cbor.MAP, "a map");
    const found: Item[] = [];
    let at = end;
    for (let left = argument; left > 0; left -= 1) {
      const key = cbor.headAt(this.#data, at);
      if (key.major > cbor.NEGATIVE) throw this.#wrong("integer keys");
      const next = cbor.itemEnd(this.#data, key.end);
      if (key.major === cbor.UNSIGNED && key.argument >= count) {
        const message = `the ${this.#part} has an unknown field, a later version may know it`;
        throw new Refusal("unknown_key", message);
      }
      if (key.major === cbor.UNSIGNED) {
        found.push(new Item(this.#data.subarray(key.end, next), this.#part));
      }
      at = next;
    }
    // Keys are unique and below `count`, so as many of them are all of them, in order.
    if (found.length !== count) throw this.#wrong(`the keys 0 to ${count - 1}`);
    return found as Fields<N>;
  }
}

/** A tuple of `N` items. */
export type Fields<N extends number, Found extends Item[] = []> = Found["length"] extends N
  ? Found
  : Fields<N, [...Found, Item]>;
