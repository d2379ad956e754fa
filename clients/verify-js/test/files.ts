/** Read the golden files where they are, and alter them under a right seal. */

import { readFileSync, readdirSync } from "node:fs";

import { fromHex, toHex } from "../src/bytes.js";
import { sealOf } from "../src/envelope.js";
import { Refusal, Trust, verifyProof, verifyReceipt } from "../src/index.js";

/** Compiled tests lie in `dist/test`, four folders below the root of the repository. */
const ROOT = new URL("../../../../", import.meta.url);
const FOLDER = new URL("tests/proofs/vectors/", ROOT);

/** Bytes of a file after its body: key, head and seal. */
export const SEAL_BYTES = 3 + 32;

/** What a good proof shows. */
export interface Row {
  readonly about: string;
  readonly digest: string;
  readonly height: number;
  readonly kind: string;
  readonly signers: readonly string[];
  readonly time_ms: number;
}

/** An altered file with the verdict of the verifier in Rust. */
export interface Case {
  readonly name: string;
  readonly verdict: Verdict;
  readonly file?: string;
  readonly edits?: readonly (readonly [number, number])[];
}

/** What a verifier says of a file. */
export type Verdict = "accepted" | "refused" | "bad_input";

/** Read a golden file. */
export function read(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(name, FOLDER)));
}

function json<T>(file: URL): T {
  return JSON.parse(readFileSync(file, "utf8")) as T;
}

/** What the good proofs are about. */
export const TABLE = json<Readonly<Record<string, Row>>>(new URL("table.json", FOLDER));
/** The altered files. */
export const CASES = json<readonly Case[]>(new URL("cases.json", FOLDER));
/** The golden encodings of the wire's values. */
export const WIRE = json<Readonly<Record<string, readonly Readonly<Record<string, string>>[]>>>(
  new URL("tests/vectors/wire.json", ROOT),
);
/** The numbers of the verdicts. */
export const PYTHON_VERDICTS = readFileSync(
  new URL("src/trine/model/verdicts.py", ROOT),
  "utf8",
);

const names = readdirSync(FOLDER).sort();
/** Names of the good proofs. */
export const PROOFS = names.filter((name) => name.endsWith(".proof"));
/** Names of the good receipts. */
export const RECEIPTS = names.filter((name) => name.endsWith(".receipt"));

/** Names of the proofs of the other suite, good (`.proof`) and bad (`.refused`). */
export const GM = readdirSync(new URL("gm/", FOLDER)).filter((name) => !name.endsWith(".json"));

/** What the golden files are verified with. */
export const TRUST = Trust.read(read("trust.json"));
/** The file whose receipts are among the golden files. */
export const ORIGINAL = read("vector.txt");

/** Read digits that are known to be hexadecimal. */
export function hex(digits: string): Uint8Array {
  const data = fromHex(digits);
  if (data === undefined) throw new Error(`${digits} is not hexadecimal`);
  return data;
}

/** Verify a file of the kind that `name` says, and return the refusal, or nothing. */
export async function refusal(
  name: string,
  file: Uint8Array,
  trust: Trust = TRUST,
): Promise<Refusal | undefined> {
  try {
    if (name.endsWith(".proof")) await verifyProof(file, trust);
    else await verifyReceipt(file, ORIGINAL, trust);
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
  return undefined;
}

/** Verify a file, and return the verdict. */
export async function verdict(name: string, file: Uint8Array, trust = TRUST): Promise<Verdict> {
  return (await refusal(name, file, trust))?.verdict ?? "accepted";
}

/** Place of the body's first byte in a file, whose body has 256 to 65,535 bytes. */
export function bodyStart(name: string): number {
  const text = name.endsWith(".proof") ? "trine-proof" : "trine-receipt";
  return 3 + text.length + 2 + 1 + 3;
}

/** Put the right seal under an altered body. */
export function sealed(name: string, file: Uint8Array): Uint8Array {
  const body = file.subarray(bodyStart(name), -SEAL_BYTES);
  const whole = file.slice();
  whole.set(sealOf("intl", body), file.length - 32);
  return whole;
}

/** Flip a bit of a copy. */
export function flipped(file: Uint8Array, bit: number): Uint8Array {
  const altered = file.slice();
  altered[bit >> 3]! ^= 1 << (bit & 7);
  return altered;
}

/** Return the places of a file that no hash on the chain covers. */
export function uncovered(name: string, file: Uint8Array): ReadonlySet<number> {
  const digits = name.endsWith(".receipt")
    ? ["vector.txt", "text/plain"].map((text) => toHex(new TextEncoder().encode(text)))
    : name.startsWith("absence")
      ? [TABLE[name]!.about]
      : [];
  const whole = toHex(file);
  return new Set(
    digits.flatMap((one) => {
      const place = whole.indexOf(one) / 2;
      return Array.from({ length: one.length / 2 }, (_, at) => place + at);
    }),
  );
}
