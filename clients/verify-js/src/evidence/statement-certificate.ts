/**
 * Take statement and keys out of the certificate of a signed statement, and verify them.
 *
 * The keys in the PDF prove nothing before they are compared: whoever makes a PDF can put any key
 * beside a name. `unchecked` names each that nobody brought in its place, and the page, which only
 * `trine evidence verify` makes again and compares.
 *
 * Source: docs/reference/certificate.md, "Certificates of statements".
 */

import { fromHex, toHex } from "../bytes.js";
import { type Verified, verifyProof } from "../proof.js";
import type { Bytes } from "../receipt.js";
import { Refusal, type Unchecked } from "../refusal.js";
import { Trust } from "../trust.js";
import { type Certificate, readCertificates } from "../x509/certificate.js";
import { refused } from "./cbor.js";
import {
  LANGUAGES,
  STATEMENT_VERSION,
  attached,
  characters,
  readHead,
  unchangedPage,
} from "./certificate.js";
import { type StatementChecks, type VerifiedStatement, verifyStatement } from "./checking.js";
import type { PublicKey } from "./cose.js";
import { readKeySet } from "./keys.js";
import { readReceipt } from "./receipt.js";
import { TRANSPARENT_BYTES_MAX, receiptsIn } from "./statement.js";

/** Bytes of a certificate: a transparent statement, and keys, fonts and page around it. */
export const STATEMENT_CERTIFICATE_BYTES_MAX = TRANSPARENT_BYTES_MAX + 1024 * 1024;
/** Files in such a certificate: statement, key or root of the issuer, keys of the service. */
const ATTACHMENTS = 3;
const SECOND_MS = 1000;

const PEM = "-----BEGIN";

/** Whom to believe about a statement; what is left out is taken from the PDF. */
export type OwnKeys = Pick<StatementChecks, "issuerKey" | "issuerRoots" | "serviceKeys">;

/** What a certificate holds, none of it verified. */
export interface StatementCertificate {
  /** Language of its page. */
  readonly language: string;
  /** The transparent statement, which proves what the page says. */
  readonly statement: Uint8Array;
  /** Key of the issuer with which it was made; or else the next. */
  readonly issuerKey: PublicKey | undefined;
  /** Certificates that vouch for the issuer with which it was made. */
  readonly issuerRoots: readonly Certificate[] | undefined;
  /** Keys of the service with which it was made. */
  readonly serviceKeys: readonly PublicKey[];
}

/** What a certificate's statement showed. */
export interface VerifiedStatementCertificate extends VerifiedStatement {
  /** Language of the page. */
  readonly language: string;
}

/** Read the key of the issuer as it stands in a PDF; whether it is one, its use will show. */
function keyIn(text: string): PublicKey {
  const [, algorithm, digits] = /^\s*([^:]*):?(.*?)\s*$/s.exec(text) as unknown as [
    string,
    string,
    string,
  ];
  const key = fromHex(digits);
  if (key === undefined || /[^\0-\x7f]/.test(text)) {
    throw refused("bad_header", "issuer-key.txt in the PDF is no key: expected ALGORITHM:HEX");
  }
  return { algorithm, key };
}

/**
 * Take statement and keys out of a certificate, without believing anything of its page.
 *
 * @throws {@link Refusal} where the PDF is no certificate of a statement as it was made.
 */
export function readStatementCertificate(content: Uint8Array): StatementCertificate {
  const { version, language, start } = readHead(content, STATEMENT_CERTIFICATE_BYTES_MAX);
  if (version !== STATEMENT_VERSION) {
    const message = "the PDF is no certificate of a statement as Trine makes it";
    throw refused("not_a_certificate", message);
  }
  if (!LANGUAGES.includes(language)) {
    const message = `the certificate has the language ${language}, expected one of`;
    throw refused("certificate_version", `${message} ${LANGUAGES.join(" and ")}`);
  }
  const [statement, issuer, services] = attached(content, start, ATTACHMENTS);
  if (statement === undefined || issuer === undefined || services === undefined) {
    const message =
      "the PDF lacks its statement or keys: where a program saved it again, take " +
      "evidence.statement out of it and verify that";
    throw refused("not_a_certificate", message);
  }
  const text = characters(issuer, 0, issuer.length);
  const isRooted = text.startsWith(PEM);
  return {
    language,
    statement,
    issuerKey: isRooted ? undefined : keyIn(text),
    issuerRoots: isRooted ? readCertificates(issuer) : undefined,
    serviceKeys: readKeySet(services),
  };
}

/** Say when a statement was first recorded, as the chain proves it: Unix time in seconds. */
async function recordedAtS(statement: Uint8Array, trust: Trust): Promise<number> {
  const proofs = receiptsIn(statement).flatMap((one) => readReceipt(one).chainProof ?? []);
  if (proofs.length === 0) {
    const text = "no receipt of the statement has the chain's proof: ask the service";
    throw refused("receipt_missing", text);
  }
  const shown: Verified[] = [];
  for (const proof of proofs) shown.push(await verifyProof(proof, trust));
  return Math.floor(Math.min(...shown.map(({ timeMs }) => Number(timeMs))) / SECOND_MS);
}

/** Name the keys that the PDF brought and nobody else. */
function borrowed(inside: StatementCertificate, own: OwnKeys): Unchecked[] {
  const { issuerKey, issuerRoots } = inside;
  const found: Unchecked[] = [];
  if (own.issuerKey === undefined && own.issuerRoots === undefined) {
    const what =
      issuerKey === undefined
        ? `the root ${issuerRoots!.map(({ subject }) => subject).join("; ")}`
        : `the key ${issuerKey.algorithm}:${toHex(issuerKey.key)}`;
    const text = `${what} came with the PDF: anybody may have put it there`;
    found.push({ check: "issuer_inside", text });
  }
  if (own.serviceKeys === undefined) {
    const names = inside.serviceKeys.map(({ algorithm, key }) => `${algorithm}:${toHex(key)}`);
    const text = `the service's keys came with the PDF: ${names.join(", ")}`;
    found.push({ check: "service_inside", text });
  }
  return found;
}

/**
 * Verify the statement in a certificate, offline, as of the time at which it was recorded: first
 * with the keys in the PDF, then with those that are given in their place. Believe what this
 * returns, not the words on the page: the page is not compared.
 *
 * @param certificate The whole PDF.
 * @param trust Contents of `trust.json`, or what `Trust.read` made of them.
 * @param own Whom to believe in the place of what the PDF brings.
 * @param content The file that the statement is about.
 * @throws {@link Refusal}, for any input that is not accepted, and nothing else.
 */
export async function verifyStatementCertificate(
  certificate: Uint8Array,
  trust: string | Uint8Array | Trust,
  own: OwnKeys = {},
  content?: Bytes,
): Promise<VerifiedStatementCertificate> {
  const inside = readStatementCertificate(certificate);
  const text = "the PDF has the form of a certificate, and statement and keys as its first objects";
  const attachment = { check: "attachment", text } as const;
  try {
    const believed = trust instanceof Trust ? trust : Trust.read(trust);
    const at = { nowS: await recordedAtS(inside.statement, believed), trust: believed };
    const { issuerKey, issuerRoots, serviceKeys } = inside;
    const theirs = { ...at, issuerKey, issuerRoots, serviceKeys };
    const isOwn = own.issuerKey !== undefined || own.issuerRoots !== undefined;
    const ours = {
      ...(isOwn ? { ...at, issuerKey: own.issuerKey, issuerRoots: own.issuerRoots } : theirs),
      serviceKeys: own.serviceKeys ?? serviceKeys,
    };
    if (isOwn || own.serviceKeys !== undefined) await verifyStatement(inside.statement, theirs);
    const found = await verifyStatement(inside.statement, { ...ours, content });
    return {
      ...found,
      steps: [attachment, ...found.steps],
      unchecked: [...found.unchecked, ...borrowed(inside, own), unchangedPage],
      language: inside.language,
    };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new Refusal(error.reason, error.message, [attachment, ...error.steps]);
  }
}
