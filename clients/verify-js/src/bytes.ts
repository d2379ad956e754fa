/** Join, compare and write byte strings. */

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Join byte strings. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let place = 0;
  for (const part of parts) {
    whole.set(part, place);
    place += part.length;
  }
  return whole;
}

/** Compare bytewise: negative where `left` comes first, 0 where both are the same. */
export function compare(left: Uint8Array, right: Uint8Array): number {
  const length = Math.min(left.length, right.length);
  for (let place = 0; place < length; place += 1) {
    const difference = left[place]! - right[place]!;
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** Say whether two byte strings are the same; nothing compared here is secret. */
export function equal(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && compare(left, right) === 0;
}

/** Write bytes in hexadecimal digits, in lower case. */
export function toHex(data: Uint8Array): string {
  let text = "";
  for (const byte of data) text += HEX[byte];
  return text;
}

/** Read hexadecimal digits; nothing where `text` is something else. */
export function fromHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text) || text.includes("\n")) {
    return undefined;
  }
  const data = new Uint8Array(text.length / 2);
  for (let place = 0; place < data.length; place += 1) {
    data[place] = Number.parseInt(text.slice(2 * place, 2 * place + 2), 16);
  }
  return data;
}

/** Read a big-endian unsigned integer of any length. */
export function toBigInt(data: Uint8Array): bigint {
  return data.length === 0 ? 0n : BigInt(`0x${toHex(data)}`);
}

/** Write an unsigned integer of 32 bits, big-endian. */
export function u32(number: number): Uint8Array {
  const data = new Uint8Array(4);
  new DataView(data.buffer).setUint32(0, number);
  return data;
}

/** Write an unsigned integer of 64 bits, big-endian. */
export function u64(number: bigint): Uint8Array {
  const data = new Uint8Array(8);
  new DataView(data.buffer).setBigUint64(0, number);
  return data;
}

/** Write an unsigned LEB128 number: seven bits a byte, least significant first. */
export function varint(number: bigint): Uint8Array {
  const parts: number[] = [];
  let rest = number;
  while (rest >= 0x80n) {
    parts.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  return Uint8Array.from([...parts, Number(rest)]);
}

/** Write ASCII text as bytes. */
export function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

const STRICT_UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Read UTF-8 (RFC 3629); nothing where the bytes are something else. */
export function fromUtf8(data: Uint8Array): string | undefined {
  try {
    return STRICT_UTF8.decode(data);
  } catch {
    return undefined;
  }
}

/** Write text as UTF-8. */
export function toUtf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Say whether `text` holds half of a surrogate pair, which is no character. */
export function hasHalfCharacter(text: string): boolean {
  return /[\ud800-\udfff]/u.test(text);
}
