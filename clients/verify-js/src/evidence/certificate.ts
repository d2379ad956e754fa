/**
 * Take the receipt out of a certificate, the PDF that people hold, and verify it.
 *
 * Only `trine evidence verify` compares the page: it makes the page again, byte for byte, with the
 * fonts. Here its words are not read at all, and `unchecked` says so.
 *
 * Source: docs/reference/certificate.md, "The file".
 */

import { PROOF_BYTES_MAX } from "../limits.js";
import { type FileFacts, type VerifiedReceipt, verifyReceipt } from "../receipt.js";
import { Refusal, type Unchecked } from "../refusal.js";
import { Trust } from "../trust.js";
import { refused } from "./cbor.js";
import { type Origin, PROOFS, proveOrigin } from "./origin.js";

/** Form of the certificates of files, which are read here. */
const VERSION = "1";
/** Form of those that also prove by whom it was recorded. */
const ORIGIN_VERSION = "3";
/** Form of the certificates of statements. */
export const STATEMENT_VERSION = "2";
/** Languages of pages. */
export const LANGUAGES: readonly string[] = ["en", "zh"];
/** Bytes of a certificate: a receipt, and fonts and page around it. */
export const CERTIFICATE_BYTES_MAX = PROOF_BYTES_MAX + 1024 * 1024;
/** Bytes in which everything before the receipt ends. */
const START_BYTES_MAX = 512;

/** What a certificate of any form begins with, a character for a byte. */
const HEAD = /^%PDF-1\.7\n%\xe2\xe3\xcf\xd3\n%trine-certificate ([1-9][0-9]{0,5}) ([a-z]{2})\n/;
/** What stands before an attached file, and behind it. */
const OBJECT =
  /^[1-9] 0 obj\n<< \/Type \/EmbeddedFile [ -~]{1,200} \/Length ([1-9][0-9]{0,9}) >>\nstream\n/;
const BETWEEN = "\nendstream\nendobj\n";

/** What every certificate says, whose page is not compared here. */
export const unchangedPage: Unchecked = {
  check: "page",
  text: "the words, the picture and the code on the PDF's page were not compared",
};

/** Bytes as characters, one for each. */
export function characters(content: Uint8Array, start: number, count: number): string {
  const bytes = content.subarray(start, start + count);
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

/** Take the attached files out, in their order; the one that the PDF ends in is left away. */
export function attached(content: Uint8Array, first: number, countMax: number): Uint8Array[] {
  const found: Uint8Array[] = [];
  let start = first;
  while (found.length < countMax) {
    const head = OBJECT.exec(characters(content, start, START_BYTES_MAX));
    if (head === null) break;
    const from = start + head[0].length;
    const stop = from + Number(head[1]);
    if (characters(content, stop, BETWEEN.length) !== BETWEEN) break;
    found.push(content.slice(from, stop));
    start = stop + BETWEEN.length;
  }
  return found;
}

/** The first lines of a certificate. */
export interface Head {
  /** Number of its form. */
  readonly version: string;
  /** Language of its page. */
  readonly language: string;
  /** Byte at which its first object begins. */
  readonly start: number;
}

/**
 * Read the first lines of a certificate.
 *
 * @throws {@link Refusal} where the PDF is too large or no certificate.
 */
export function readHead(content: Uint8Array, bytesMax: number): Head {
  if (!(content instanceof Uint8Array)) throw refused("not_a_certificate", "no bytes");
  if (content.length > bytesMax) {
    throw refused("certificate_too_large", `the PDF has more than ${bytesMax} bytes`);
  }
  const found = HEAD.exec(characters(content, 0, START_BYTES_MAX));
  if (found === null) throw notOurs();
  const [head, version, language] = found as unknown as [string, string, string];
  return { version, language, start: head.length };
}

function notOurs(): Refusal {
  const message =
    "the PDF is no certificate as Trine makes it: where a program saved it again, take " +
    "evidence.receipt out of it and verify that";
  return refused("not_a_certificate", message);
}

/** What a certificate holds. */
export interface Certificate {
  /** Language of its page. */
  readonly language: string;
  /** The receipt, which proves what the page says. */
  readonly receipt: Uint8Array;
  /** Proofs by whom it was recorded: transaction, account, organisation; or none. */
  readonly byWhom: readonly Uint8Array[];
}

/** What a certificate's receipt showed. */
export interface VerifiedCertificate extends VerifiedReceipt {
  /** Language of the page. */
  readonly language: string;
  /** By whom the file was recorded, where the certificate proves that. */
  readonly origin: Origin | undefined;
  /** What was not checked: the page. */
  readonly unchecked: readonly Unchecked[];
}

/**
 * Take the receipt out of a certificate, without believing anything of its page.
 *
 * @throws {@link Refusal} where the PDF is no certificate as it was made.
 */
export function readCertificate(content: Uint8Array): Certificate {
  const { version, language, start } = readHead(content, CERTIFICATE_BYTES_MAX);
  const found = OBJECT.exec(characters(content, start, START_BYTES_MAX));
  if (found === null) throw notOurs();
  if (version === STATEMENT_VERSION) {
    const message = "the PDF is the certificate of a statement, and has no receipt file";
    throw refused("not_a_certificate", message);
  }
  if (![VERSION, ORIGIN_VERSION].includes(version) || !LANGUAGES.includes(language)) {
    const known = `forms ${VERSION} to ${ORIGIN_VERSION} in ${LANGUAGES.join(" and ")}`;
    const message = `the certificate has form ${version} in language ${language}`;
    throw refused("certificate_version", `${message}, this release knows ${known}`);
  }
  const [first, length] = [start + found[0].length, Number(found[1])];
  if (length > PROOF_BYTES_MAX) {
    const message = `the receipt in the PDF has more than ${PROOF_BYTES_MAX} bytes`;
    throw new Refusal("too_large", message);
  }
  const receipt = content.slice(first, first + length);
  if (receipt.length < length) {
    throw refused("not_a_certificate", "the PDF ends inside its receipt");
  }
  if (version === VERSION) return { language, receipt, byWhom: [] };
  const [, ...byWhom] = attached(content, start, 1 + PROOFS);
  if (byWhom.length !== PROOFS) {
    const message = "the PDF lacks proofs by whom the file was recorded";
    throw refused("not_a_certificate", message);
  }
  return { language, receipt, byWhom };
}

/**
 * Verify the receipt in a certificate for the file at hand, offline. Believe what this returns, not
 * the words on the page: the page is not compared.
 *
 * @param certificate The whole PDF.
 * @param content The file itself, or its digest and size as `measure` gives them.
 * @param trust Contents of `trust.json`, or what `Trust.read` made of them.
 * @throws {@link Refusal}, for any input that is not accepted, and nothing else.
 */
export async function verifyCertificate(
  certificate: Uint8Array,
  content: Uint8Array | FileFacts,
  trust: string | Uint8Array | Trust,
): Promise<VerifiedCertificate> {
  const { language, receipt, byWhom } = readCertificate(certificate);
  const text = "the PDF has the form of a certificate, and a receipt as its first object";
  const attachment = { check: "attachment", text } as const;
  try {
    const believed = trust instanceof Trust ? trust : Trust.read(trust);
    const verified = await verifyReceipt(receipt, content, believed);
    const proven = byWhom.length === 0 ? undefined : await proveOrigin(byWhom, verified, believed);
    const steps = [attachment, ...verified.steps, ...(proven?.steps ?? [])];
    const unchecked = [unchangedPage];
    return { ...verified, steps, language, origin: proven?.origin, unchecked };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new Refusal(error.reason, error.message, [attachment, ...error.steps]);
  }
}
