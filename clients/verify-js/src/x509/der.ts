/**
 * Take elements out of DER (X.690, sections 8 and 10), and read the simple ones.
 *
 * Lengths must be definite and in their shortest form; tags above 30 are not read.
 */

import { toBigInt } from "../bytes.js";
import type { Refusal } from "../refusal.js";
import { refused } from "../evidence/cbor.js";

/** Tags of elements (X.680, section 8.6; X.690, section 8.1.2). */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  oid: 0x06,
  utcTime: 0x17,
  generalTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Bytes in which a length may stand. */
const LENGTH_BYTES_MAX = 4;

/** An element of DER. */
export interface Element {
  readonly tag: number;
  /** What is inside. */
  readonly content: Uint8Array;
  /** The whole element. */
  readonly raw: Uint8Array;
}

/** Make the refusal of a certificate that cannot be read. */
export function bad(problem: string): Refusal {
  return refused("bad_certificate", `no X.509 certificate as RFC 5280 wants it: ${problem}`);
}

/** Read the elements that stand one behind the other. */
export function elements(data: Uint8Array): Element[] {
  const found: Element[] = [];
  let at = 0;
  while (at < data.length) {
    const element = elementAt(data, at);
    found.push(element);
    at += element.raw.length;
  }
  return found;
}

function elementAt(data: Uint8Array, at: number): Element {
  const [tag, first] = [data[at]!, data[at + 1]];
  if (first === undefined || (tag & 31) === 31) {
    throw bad("an element that is cut short, or has a high tag");
  }
  let [length, start] = [first, at + 2];
  if (first >= 0x80) {
    const count = first - 0x80;
    start += count;
    const digits = data.subarray(at + 2, start);
    length = Number(toBigInt(digits));
    const isShort = length < 0x80 || digits[0] === 0;
    if (count < 1 || count > LENGTH_BYTES_MAX || start > data.length || isShort) {
      throw bad("a length is not in its shortest form");
    }
  }
  if (start + length > data.length) throw bad("an element is longer than what it lies in");
  return {
    tag,
    content: data.subarray(start, start + length),
    raw: data.subarray(at, start + length),
  };
}

/** Read one element of a tag, and nothing behind it. */
export function only(data: Uint8Array, tag: number): Element {
  const [found, ...rest] = elements(data);
  if (found === undefined || rest.length > 0) throw bad("not one element where one belongs");
  return expected(found, tag);
}

/** Check the tag of an element; nothing is there where it is undefined. */
export function expected(element: Element | undefined, tag: number): Element {
  if (element?.tag !== tag) throw bad(`the tag ${element?.tag ?? "of nothing"}, expected ${tag}`);
  return element;
}

/** Read the elements of a SEQUENCE that is all of `data`. */
export function sequence(data: Uint8Array): Element[] {
  return elements(only(data, TAG.sequence).content);
}

/** Read an object identifier as numbers with dots (X.690, section 8.19). */
export function oid(element: Element | undefined): string {
  const { content } = expected(element, TAG.oid);
  const numbers: bigint[] = [];
  let number = 0n;
  let isNew = true;
  for (const byte of content) {
    if (isNew && byte === 0x80) throw bad("an identifier is not in its shortest form");
    number = (number << 7n) | BigInt(byte & 0x7f);
    isNew = byte < 0x80;
    if (!isNew) continue;
    numbers.push(number);
    number = 0n;
  }
  const [first] = numbers;
  if (first === undefined || !isNew) throw bad("an identifier is cut short");
  const top = first < 80n ? first / 40n : 2n;
  return [top, first - 40n * top, ...numbers.slice(1)].join(".");
}

/** Read a whole number that is not negative (X.690, section 8.3). */
export function unsigned(element: Element | undefined): bigint {
  const { content } = expected(element, TAG.integer);
  const [first, second] = content;
  if (first === undefined || first >= 0x80) throw bad("a number that is negative or empty");
  if (first === 0 && second !== undefined && second < 0x80) {
    throw bad("a number is not in its shortest form");
  }
  return toBigInt(content);
}

/** Read a truth value (X.690, section 11.1). */
export function boolean(element: Element): boolean {
  const { content } = expected(element, TAG.boolean);
  if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) {
    throw bad("a truth value is not in its one form");
  }
  return content[0] === 0xff;
}

/** Read a string of whole bytes out of one of bits (X.690, section 8.6). */
export function bitsAsBytes(element: Element | undefined): Uint8Array {
  const { content } = expected(element, TAG.bits);
  if (content[0] !== 0) throw bad("a string of bits that are no whole bytes");
  return content.subarray(1);
}

/** Read a time in Unix milliseconds (RFC 5280, section 4.1.2.5). */
export function time(element: Element | undefined): number {
  const text = String.fromCharCode(...(element?.content ?? []));
  const isShort = element?.tag === TAG.utcTime;
  if (!isShort && element?.tag !== TAG.generalTime) throw bad("a time of another form");
  const found = (isShort ? /^(\d\d)(\d{10})Z$/ : /^(\d{4})(\d{10})Z$/).exec(text);
  if (found === null) throw bad("a time is not in its one form");
  const year = Number(found[1]) + (isShort ? (Number(found[1]) < 50 ? 2000 : 1900) : 0);
  const parts = found[2]!.match(/\d\d/g)!.map(Number) as [number, number, number, number, number];
  const [month, day, hour, minute, second] = parts;
  const made = new Date(0);
  made.setUTCFullYear(year, month - 1, day);
  made.setUTCHours(hour, minute, second);
  const isReal = made.getUTCMonth() === month - 1 && made.getUTCDate() === day;
  if (!isReal || hour > 23 || minute > 59 || second > 59) throw bad("a time that is none");
  return Math.max(0, made.getTime());
}
