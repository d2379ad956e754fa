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
import type { Trust } from "../trust.js";
import { refused } from "./cbor.js";

/** Form that this verifier knows. */
const VERSION = "1";
const LANGUAGES: readonly string[] = ["en", "zh"];
/** Bytes of a certificate: a receipt, and fonts and page around it. */
export const CERTIFICATE_BYTES_MAX = PROOF_BYTES_MAX + 1024 * 1024;
/** Bytes in which everything before the receipt ends. */
const START_BYTES_MAX = 512;

/** Everything that comes before the receipt, a character for a byte. */
const START = new RegExp(
  String.raw`^%PDF-1\.7\n%\xe2\xe3\xcf\xd3\n%trine-certificate ([1-9][0-9]{0,5}) ([a-z]{2})\n` +
    String.raw`1 0 obj\n<< /Type /EmbeddedFile [ -~]{1,200} /Length ([1-9][0-9]{0,9}) >>\nstream\n`,
);

/** What a certificate holds. */
export interface Certificate {
  /** Language of its page. */
  readonly language: string;
  /** The receipt, which proves what the page says. */
  readonly receipt: Uint8Array;
}

/** What a certificate's receipt showed. */
export interface VerifiedCertificate extends VerifiedReceipt {
  /** Language of the page. */
  readonly language: string;
  /** What was not checked: the page. */
  readonly unchecked: readonly Unchecked[];
}

/**
 * Take the receipt out of a certificate, without believing anything of its page.
 *
 * @throws {@link Refusal} where the PDF is no certificate as it was made.
 */
export function readCertificate(content: Uint8Array): Certificate {
  if (!(content instanceof Uint8Array)) throw refused("not_a_certificate", "no bytes");
  if (content.length > CERTIFICATE_BYTES_MAX) {
    const message = `the PDF has more than ${CERTIFICATE_BYTES_MAX} bytes`;
    throw refused("certificate_too_large", message);
  }
  const start = Array.from(content.subarray(0, START_BYTES_MAX), (byte) =>
    String.fromCharCode(byte),
  );
  const found = START.exec(start.join(""));
  if (found === null) {
    const message =
      "the PDF is no certificate as Trine makes it: where a program saved it again, take " +
      "evidence.receipt out of it and verify that";
    throw refused("not_a_certificate", message);
  }
  const [head, version, language, digits] = found as unknown as [string, string, string, string];
  if (version !== VERSION || !LANGUAGES.includes(language)) {
    const known = `this release knows form ${VERSION} in ${LANGUAGES.join(" and ")}`;
    const message = `the certificate has form ${version} in language ${language}, ${known}`;
    throw refused("certificate_version", message);
  }
  const length = Number(digits);
  if (length > PROOF_BYTES_MAX) {
    const message = `the receipt in the PDF has more than ${PROOF_BYTES_MAX} bytes`;
    throw new Refusal("too_large", message);
  }
  const receipt = content.slice(head.length, head.length + length);
  if (receipt.length < length) {
    throw refused("not_a_certificate", "the PDF ends inside its receipt");
  }
  return { language, receipt };
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
  const { language, receipt } = readCertificate(certificate);
  const text = "the PDF has the form of a certificate, and a receipt as its first object";
  const attachment = { check: "attachment", text } as const;
  try {
    const verified = await verifyReceipt(receipt, content, trust);
    const why = "the words, the picture and the code on the PDF's page were not compared";
    const unchecked = [{ check: "page", text: why }] as const;
    return { ...verified, steps: [attachment, ...verified.steps], language, unchecked };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new Refusal(error.reason, error.message, [attachment, ...error.steps]);
  }
}
