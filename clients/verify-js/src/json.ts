/**
 * Read JSON (RFC 8259) strictly: no field twice, integers exact, nesting bounded.
 *
 * `JSON.parse` rounds integers above 2^53 and lets the last of two fields win; a trust file decides
 * whom to believe, so both are refused here.
 */

import { TRUST_DIGITS_MAX, TRUST_NESTING_MAX } from "./limits.js";

/** A value: an integer is a `bigint`, any other number a `number`. */
export type Json = null | boolean | number | bigint | string | readonly Json[] | JsonObject;

/** An object by its fields. */
export type JsonObject = ReadonlyMap<string, Json>;

/** Text that is not JSON as it is read here. */
export class NotJson extends Error {}

const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const WORDS: ReadonlyMap<string, Json> = new Map<string, Json>([
  ["true", true],
  ["false", false],
  ["null", null],
]);

class Parser {
  #place = 0;

  constructor(readonly text: string) {}

  /** Take what a pattern matches here; nothing where it does not. */
  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#place;
    const found = pattern.exec(this.text);
    if (found !== null) this.#place = pattern.lastIndex;
    return found;
  }

  /** Take a character, with the space around it, where it stands here. */
  #took(character: string): boolean {
    this.#match(SPACE);
    if (this.text[this.#place] !== character) return false;
    this.#place += 1;
    this.#match(SPACE);
    return true;
  }

  #expect(character: string): void {
    if (!this.#took(character)) throw new NotJson(`expected ${character} at ${this.#place}`);
  }

  /** Take a string; `JSON.parse` gives its escapes their meaning (RFC 8259, section 7). */
  #string(): string {
    const start = this.#place;
    if (this.text[start] !== '"') throw new NotJson(`expected a string at ${start}`);
    let end = start + 1;
    while (end < this.text.length && this.text[end] !== '"') {
      end += this.text[end] === "\\" ? 2 : 1;
    }
    this.#place = end + 1;
    try {
      return JSON.parse(this.text.slice(start, this.#place)) as string;
    } catch {
      throw new NotJson(`no string at ${start}`);
    }
  }

  #number(): Json {
    const found = this.#match(NUMBER);
    if (found === null) throw new NotJson(`no value at ${this.#place}`);
    const [text, fraction, exponent] = found;
    // A signed zero is no unsigned integer.
    if (fraction !== undefined || exponent !== undefined || text === "-0") return Number(text);
    if (text.length > TRUST_DIGITS_MAX) throw new NotJson("an integer has too many digits");
    return BigInt(text);
  }

  #array(depth: number): Json[] {
    const items: Json[] = [];
    if (this.#took("]")) return items;
    do items.push(this.#value(depth));
    while (this.#took(","));
    this.#expect("]");
    return items;
  }

  #object(depth: number): JsonObject {
    const fields = new Map<string, Json>();
    if (this.#took("}")) return fields;
    do {
      const name = this.#string();
      if (fields.has(name)) throw new NotJson("a field stands twice");
      this.#expect(":");
      fields.set(name, this.#value(depth));
    } while (this.#took(","));
    this.#expect("}");
    return fields;
  }

  #value(depth: number): Json {
    // This bounds the recursion.
    if (depth > TRUST_NESTING_MAX) throw new NotJson("nested too deep");
    if (this.#took("{")) return this.#object(depth + 1);
    if (this.#took("[")) return this.#array(depth + 1);
    if (this.text[this.#place] === '"') return this.#string();
    for (const [word, value] of WORDS) {
      if (this.text.startsWith(word, this.#place)) {
        this.#place += word.length;
        return value;
      }
    }
    return this.#number();
  }

  document(): Json {
    const value = this.#value(0);
    this.#match(SPACE);
    if (this.#place !== this.text.length) throw new NotJson(`unexpected at ${this.#place}`);
    return value;
  }
}

/**
 * Read a JSON document.
 *
 * @throws {@link NotJson}
 */
export function parseJson(text: string): Json {
  return new Parser(text).document();
}
