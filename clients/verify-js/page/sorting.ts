/** Tell by their first bytes what files are, and read those that are not the document itself. */

import {
  type PublicKey,
  Refusal,
  Trust,
  type X509Certificate,
  readCertificates,
  readKeySet,
  readPublicKey,
} from "../src/index.js";
import { CERTIFICATE_BYTES_MAX, STATEMENT_VERSION } from "../src/evidence/certificate.js";

/** A place for a file on the page. */
export type Slot = "file" | "evidence" | "trust" | "keys" | "roots";
/** What evidence can be. */
export type Kind = "receipt" | "certificate" | "statement" | "statement_certificate" | "proof";

/** Evidence as it was given. */
export interface Evidence {
  readonly kind: Kind;
  readonly bytes: Uint8Array;
}

/** Everything that was given so far; what is not there was not given. */
export interface Given {
  readonly file?: File;
  readonly evidence?: Evidence;
  readonly trust?: Trust;
  readonly keys?: readonly PublicKey[];
  /** Certificates that vouch for issuers. */
  readonly roots?: readonly X509Certificate[];
}

const ISSUER = /^(ed25519|p256|sm2):[0-9a-fA-F]{64,66}\s*$/;
const ISSUER_BYTES_MAX = 200;
const CERTIFICATE = "%trine-certificate ";
const PEM = "-----BEGIN CERTIFICATE-----";
/** Bytes in which certificates begin: programs write their names before them. */
const PEM_BYTES_MAX = 4096;

function startsWith(bytes: Uint8Array, text: string, from = 0): boolean {
  return [...text].every((character, at) => bytes[from + at] === character.charCodeAt(0));
}

/** Tell which evidence begins so; nothing for everything else. */
export function kindOf(bytes: Uint8Array): Kind | undefined {
  if (bytes[0] === 0xa4 && bytes[1] === 0 && startsWith(bytes, "trine-receipt", 3)) return "receipt";
  if (bytes[0] === 0xa4 && bytes[1] === 0 && startsWith(bytes, "trine-proof", 3)) return "proof";
  if (bytes[0] === 0xd2 && bytes[1] === 0x84) return "statement";
  const isCertificate = startsWith(bytes, "%PDF-") && startsWith(bytes, CERTIFICATE, 15);
  if (!isCertificate) return undefined;
  const isOfStatement = startsWith(bytes, `${CERTIFICATE}${STATEMENT_VERSION} `, 15);
  return isOfStatement ? "statement_certificate" : "certificate";
}

/** The file's bytes, where it is no larger than any evidence. */
async function small(file: File): Promise<Uint8Array | undefined> {
  if (file.size > CERTIFICATE_BYTES_MAX) return undefined;
  return new Uint8Array(await file.arrayBuffer());
}

/** Put a file where it belongs, or where the reader put it. */
export async function sorted(file: File, slot?: Slot): Promise<Given | { issuer: string }> {
  if (slot === "file") return { file };
  const bytes = await small(file);
  if (bytes === undefined) {
    if (slot === undefined) return { file };
    throw new Refusal("too_large", `${file.size} bytes, at most ${CERTIFICATE_BYTES_MAX}`);
  }
  if (slot === "trust") return { trust: Trust.read(bytes) };
  if (slot === "keys") return { keys: readKeySet(bytes) };
  if (slot === "roots") return { roots: readCertificates(bytes) };
  if (slot === "evidence") return { evidence: { kind: kindOf(bytes) ?? guess(bytes), bytes } };
  return found(file, bytes);
}

/** What unknown evidence is read as, so that its own reader says what is wrong. */
function guess(bytes: Uint8Array): Kind {
  return startsWith(bytes, "%PDF-") ? "certificate" : "receipt";
}

function found(file: File, bytes: Uint8Array): Given | { issuer: string } {
  const kind = kindOf(bytes);
  if (kind !== undefined) return { evidence: { kind, bytes } };
  const first = String.fromCharCode(...bytes.subarray(0, PEM_BYTES_MAX));
  if (bytes.length < ISSUER_BYTES_MAX && ISSUER.test(first)) return { issuer: first.trim() };
  if (/^\s*\{/.test(first)) {
    const trust = tried(() => Trust.read(bytes));
    if (trust !== undefined) return { trust };
  }
  if (first.includes(PEM)) {
    const roots = tried(() => readCertificates(bytes));
    if (roots !== undefined) return { roots };
  }
  // An array of maps; a text that begins with such a byte is not UTF-8.
  if ((bytes[0]! >> 5 === 4 || bytes[0] === 0x98) && bytes[1]! >> 5 === 5) {
    const keys = tried(() => readKeySet(bytes));
    if (keys !== undefined) return { keys };
  }
  return { file };
}

function tried<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}

/** Read the issuer's key as it was typed; nothing where there is none. */
export function issuerOf(text: string): PublicKey | undefined {
  return text.trim() === "" ? undefined : readPublicKey(text);
}
