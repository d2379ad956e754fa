/** Choose the language of the page; the reader's choice is remembered where the browser allows. */

import { CHINESE } from "./words-zh.js";
import { ENGLISH, type Words } from "./words-en.js";

/** Causes of refusals, which the build takes from the explanations of `trine explain`. */
declare const CAUSES: Readonly<Record<Language, Readonly<Record<string, string>>>>;

export type Language = "en" | "zh";
export type Key = keyof Words;

const WORDS: Readonly<Record<Language, Words>> = { en: ENGLISH, zh: CHINESE };
const STORED = "trine-language";

let current: Language = initial();

function initial(): Language {
  try {
    const stored = localStorage.getItem(STORED);
    if (stored === "en" || stored === "zh") return stored;
  } catch {
    // A browser may forbid pages from files to remember anything.
  }
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

/** The language in use. */
export function language(): Language {
  return current;
}

/** Change to the other language. */
export function switchLanguage(): void {
  current = current === "en" ? "zh" : "en";
  try {
    localStorage.setItem(STORED, current);
  } catch {
    // As above: then it holds until the page is closed.
  }
}

/** Say something, with values in the places of `{name}`. */
export function t(key: Key, values: Readonly<Record<string, string>> = {}): string {
  return WORDS[current][key].replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
}

/** Say why something was refused, in general. */
export function cause(code: string): string {
  return CAUSES[current][code] ?? code;
}

/** Write a whole number. */
export function number(value: bigint | number): string {
  return new Intl.NumberFormat(WORDS[current].tag).format(value);
}

/** Write a Unix time in milliseconds: in UTC, the same for every reader. */
export function utc(timeMs: number): string {
  if (!(Math.abs(timeMs) <= 8.64e15)) return `${timeMs} ms`;
  return new Date(timeMs).toISOString().replace("T", " ").replace(/(\.000)?Z$/, " UTC");
}

/** Write it with the reader's own time beside. */
export function moment(timeMs: number): string {
  if (!(Math.abs(timeMs) <= 8.64e15)) return utc(timeMs);
  const format = { dateStyle: "medium", timeStyle: "long", hourCycle: "h23" } as const;
  const own = new Intl.DateTimeFormat(WORDS[current].tag, format).format(new Date(timeMs));
  return `${utc(timeMs)} (${own})`;
}
