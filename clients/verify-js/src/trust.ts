/**
 * Read what a verifier believes without proof: `trust.json`.
 *
 * Source: docs/reference/proofs.md, section 5.
 */

import { compare, fromHex, fromUtf8, hasHalfCharacter, toHex, toUtf8 } from "./bytes.js";
import type { Suite } from "./hashing.js";
import { type Json, type JsonObject, NotJson, parseJson } from "./json.js";
import { ALGORITHMS, OF_SUITE, validatorKey } from "./keys.js";
import { TRUST_BYTES_MAX, U32_MAX, U64_MAX, VALIDATORS_MAX } from "./limits.js";
import { Refusal } from "./refusal.js";

/** Value of `format` in the file. */
const TRUST_FORMAT = "trine-trust-v1";

const SUITES: readonly string[] = ["gm", "intl"] satisfies Suite[];

/** A validator in the trust file. */
export interface TrustedValidator {
  /** Name for people. */
  readonly name: string;
  /** Organisation that runs it, by number or by name. */
  readonly organisation: number | string;
  /** Public key: number of the algorithm, the key, zeros to 34 bytes, in hexadecimal digits. */
  readonly key: string;
}

/** The chain and the validators that a verifier trusts, from one epoch on. */
export class Trust {
  /** Name of the chain; for people, nothing is verified with it. */
  readonly chain: string;
  /** Chain, in hexadecimal digits. */
  readonly chainId: string;
  /** Suite of the chain. */
  readonly suite: Suite;
  /** Epoch from which the validators are trusted. */
  readonly epoch: bigint;
  /** Validators, ordered by key. */
  readonly validators: readonly TrustedValidator[];

  private constructor(document: JsonObject) {
    if (textOf(document, "format") !== TRUST_FORMAT) {
      throw unusable(`another format, expected ${TRUST_FORMAT}`);
    }
    const suite = textOf(document, "suite");
    if (!isSuite(suite)) throw unusable(`unknown suite, expected one of ${SUITES.join(", ")}`);
    this.suite = suite;
    this.validators = readValidators(suite, document);
    this.chain = textOf(document, "chain");
    this.chainId = toHex(hexOf(document, "chain_id"));
    if (this.chainId.length !== 64) throw unusable("chain_id has not 32 bytes");
    this.epoch = numberOf(document, "epoch", U64_MAX);
    Object.freeze(this);
  }

  /**
   * Read a trust file.
   *
   * @param file The contents of `trust.json`, as bytes or as text.
   * @throws {@link Refusal} with the code `bad_trust_file`; the message names what is wrong.
   */
  static read(file: string | Uint8Array): Trust {
    const document = parse(contents(file));
    if (!(document instanceof Map)) throw unusable("no object");
    return new Trust(document);
  }
}

function unusable(problem: string): Refusal {
  return new Refusal("unusable_trust", `the trust file cannot be used: ${problem}`);
}

/** Return the text of a file, whose size is checked first. */
function contents(file: string | Uint8Array): string {
  const isText = typeof file === "string";
  if (!isText && !(file instanceof Uint8Array)) throw unusable("neither text nor bytes");
  // Text has a byte for each of its units at least.
  const length = isText && file.length <= TRUST_BYTES_MAX ? toUtf8(file).length : file.length;
  if (length > TRUST_BYTES_MAX) throw unusable(`over ${TRUST_BYTES_MAX} bytes`);
  const text = isText ? file : fromUtf8(file);
  if (text === undefined || hasHalfCharacter(text)) throw unusable("not UTF-8");
  return text;
}

function parse(text: string): Json {
  try {
    return parseJson(text);
  } catch (error) {
    if (error instanceof NotJson) throw unusable(error.message);
    throw error;
  }
}

function isSuite(text: string): text is Suite {
  return SUITES.includes(text);
}

function textOf(object: JsonObject, name: string): string {
  const value = object.get(name);
  if (typeof value !== "string") throw unusable(`${name} is missing or not of its type`);
  if (hasHalfCharacter(value)) throw unusable(`${name} holds half of a character`);
  return value;
}

function numberOf(object: JsonObject, name: string, most: bigint): bigint {
  const value = object.get(name);
  if (typeof value !== "bigint") throw unusable(`${name} is missing or not of its type`);
  if (value < 0n || value > most) throw unusable(`${name} is not from 0 to ${most}`);
  return value;
}

function hexOf(object: JsonObject, name: string): Uint8Array {
  const data = fromHex(textOf(object, name));
  if (data === undefined) throw unusable(`${name} is not hexadecimal`);
  return data;
}

/** Read the algorithm of a key; left out, or null, it is the suite's. */
function algorithmNumber(suite: Suite, member: JsonObject): number {
  if ((member.get("algorithm") ?? null) === null) return OF_SUITE[suite];
  const label = textOf(member, "algorithm");
  const found = ALGORITHMS.find((algorithm) => algorithm.label === label);
  if (found === undefined) throw unusable("unknown algorithm");
  return found.number;
}

function readValidator(suite: Suite, member: Json): TrustedValidator & { bytes: Uint8Array } {
  if (!(member instanceof Map)) throw unusable("a validator is no object");
  const one = member as JsonObject;
  const name = textOf(one, "name");
  const bytes = validatorKey(suite, algorithmNumber(suite, one), hexOf(one, "key"));
  if (bytes === undefined) throw unusable(`the key of ${name} is no key of suite ${suite}`);
  const isNamed = typeof one.get("organisation") === "string";
  const organisation = isNamed
    ? textOf(one, "organisation")
    : Number(numberOf(one, "organisation", BigInt(U32_MAX)));
  return { name, organisation, key: toHex(bytes), bytes };
}

function readValidators(suite: Suite, document: JsonObject): readonly TrustedValidator[] {
  const list = document.get("validators");
  if (!Array.isArray(list)) throw unusable("validators is missing or not of its type");
  if (list.length < 1 || list.length > VALIDATORS_MAX) {
    throw unusable(`${list.length} validators, expected 1 to ${VALIDATORS_MAX}`);
  }
  const members = list.map((member: Json) => readValidator(suite, member));
  members.sort((left, right) => compare(left.bytes, right.bytes));
  if (new Set(members.map((member) => member.key)).size !== members.length) {
    throw unusable("a validator's key stands twice");
  }
  const trusted = members.map(({ name, organisation, key }) =>
    Object.freeze({ name, organisation, key }),
  );
  return Object.freeze(trusted);
}
