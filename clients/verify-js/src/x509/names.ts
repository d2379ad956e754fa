/** Write the names in certificates for people (RFC 4514). */

import { fromUtf8, toHex } from "../bytes.js";
import { type Element, TAG, bad, elements, expected, oid, sequence } from "./der.js";

/** Characters of a name that are shown. */
const NAME_CHARACTERS_MAX = 256;

/** Short names of attributes (RFC 4514, section 3). */
const SHORT: Readonly<Record<string, string>> = {
  "2.5.4.3": "CN",
  "2.5.4.7": "L",
  "2.5.4.8": "ST",
  "2.5.4.10": "O",
  "2.5.4.11": "OU",
  "2.5.4.6": "C",
  "2.5.4.9": "STREET",
  "0.9.2342.19200300.100.1.25": "DC",
  "0.9.2342.19200300.100.1.1": "UID",
};

/** Write a name, the last part first, without what a page or terminal would obey. */
export function readable(name: Uint8Array): string {
  const parts = sequence(name).map((part) =>
    elements(expected(part, TAG.set).content).map(attribute).join("+"),
  );
  const text = parts.reverse().join(",");
  const characters = [...text].map((one) => (/[\p{C}\p{Zl}\p{Zp}]/u.test(one) ? "\uFFFD" : one));
  const shown = characters.slice(0, NAME_CHARACTERS_MAX).join("");
  return characters.length > NAME_CHARACTERS_MAX ? `${shown}...` : shown;
}

function attribute(element: Element): string {
  const [type, value, ...rest] = elements(expected(element, TAG.sequence).content);
  if (value === undefined || rest.length > 0) throw bad("a part of a name is none");
  const identifier = oid(type);
  return `${SHORT[identifier] ?? identifier}=${escaped(text(value))}`;
}

/** Read a string of one of the kinds in names (X.690, section 8.23). */
function text({ tag, content, raw }: Element): string {
  const characters = (bytes: Uint8Array): string => String.fromCharCode(...bytes);
  switch (tag) {
    case 0x0c: {
      const found = fromUtf8(content);
      if (found === undefined) throw bad("a name is not UTF-8");
      return found;
    }
    case 0x12: // digits
    case 0x13: // printable
    case 0x14: // teletex, which all read as Latin-1
    case 0x16: // ASCII
    case 0x1a: // visible
      return characters(content);
    case 0x1e: // two bytes a character
      return new TextDecoder("utf-16be").decode(content);
    default:
      return `#${toHex(raw)}`;
  }
}

/** Escape what means something between parts (RFC 4514, section 2.4). */
function escaped(value: string): string {
  const inner = value.replace(/[\\,+"<>;\0]/g, (one) => (one === "\0" ? "\\00" : `\\${one}`));
  const first = inner.replace(/^[# ]/, (one) => `\\${one}`);
  return first.endsWith(" ") && first.length > 1 ? `${first.slice(0, -1)}\\ ` : first;
}
