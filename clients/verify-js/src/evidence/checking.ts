/**
 * Check a transparent statement step by step, with keys that are at hand and no network.
 *
 * Source: docs/reference/scitt.md. Nothing is believed but what the caller gives.
 */

import { sha256, sha384, sha512 } from "@noble/hashes/sha2.js";

import { equal, toHex } from "../bytes.js";
import type { EvidenceFact } from "../facts.js";
import { type Verified, verifyProof } from "../proof.js";
import { type Bytes, piecesOf } from "../receipt.js";
import { Refusal, type Step, type Unchecked } from "../refusal.js";
import { Trust } from "../trust.js";
import { type Certificate, signingKey } from "../x509/certificate.js";
import { checkSigner } from "../x509/path.js";
import { refused } from "./cbor.js";
import { type PublicKey, verifySign1 } from "./cose.js";
import { type Receipt, readReceipt, verifyInclusion } from "./receipt.js";
import {
  type Statement,
  certificatesOf,
  entryOf,
  readStatement,
  receiptsOf,
} from "./statement.js";

/** What a statement is checked with. What is left out is not checked, and `unchecked` says so. */
export interface StatementChecks {
  /** Unix time in seconds. */
  readonly nowS: number;
  /** Key of the issuer; or give the next. */
  readonly issuerKey?: PublicKey | undefined;
  /**
   * Certificates that vouch for the issuer, whose own the statement brings. They are checked at the
   * time at which it was recorded: by the chain's proof, else by the receipt of a service whose
   * keys are given, else now.
   */
  readonly issuerRoots?: readonly Certificate[] | undefined;
  /** Keys with which the service signs receipts. */
  readonly serviceKeys?: readonly PublicKey[] | undefined;
  /** Whom to believe about the chain. */
  readonly trust?: string | Uint8Array | Trust | undefined;
  /** The file that the statement is about. */
  readonly content?: Bytes | undefined;
}

/** What one receipt shows. */
export interface ShownReceipt {
  /** The service, as the receipt says. */
  readonly service: string;
  /** The log, as the receipt says. */
  readonly log: string;
  /** Index of the entry in the log. */
  readonly index: bigint;
  /** Entries of the log. */
  readonly size: bigint;
  /** Whether the service signed the size; otherwise it is no more than a remark. */
  readonly isSizeSigned: boolean;
  /** Unix time in seconds at which the service signed, as it says. */
  readonly issuedAtS: number | undefined;
  /** Entry of the statement, in hexadecimal digits. */
  readonly entry: string;
  /** What the chain's own proof shows; nothing where it was not checked. */
  readonly chain: (Verified & { readonly fact: EvidenceFact }) | undefined;
}

/** A certificate that names the issuer, with the root that vouches for it. */
export interface IssuerCertificate {
  /** Whom it names, beside the issuer's URI. */
  readonly subject: string;
  /** Whom the trusted certificate names. */
  readonly root: string;
  /** Everybody on the path, from one to the other. */
  readonly path: readonly string[];
}

/** What a transparent statement shows. */
export interface VerifiedStatement {
  /** Who says it. */
  readonly issuer: string;
  /** What it is about. */
  readonly subject: string;
  /** Media type of the content, or its number in the registry of CoAP. */
  readonly contentType: string | number;
  /** Unix time in seconds at which the issuer says that it was made. */
  readonly issuedAtS: number | undefined;
  /** Name of the issuer's key; by default the key itself. */
  readonly keyId: Uint8Array | undefined;
  /** By which certificate the issuer is known; nothing where no root was given. */
  readonly certificate: IssuerCertificate | undefined;
  /** Digest of the content, in hexadecimal digits. */
  readonly contentDigest: string;
  /** Function of the digest. */
  readonly contentFunction: "SHA-256" | "SHA-384" | "SHA-512";
  /** What each receipt shows. */
  readonly receipts: readonly ShownReceipt[];
  /** Every check that was made, in order. */
  readonly steps: readonly Step[];
  /** What was not checked. */
  readonly unchecked: readonly Unchecked[];
}

const SECOND_MS = 1000;

const FUNCTIONS = {
  [-16]: { name: "SHA-256", start: () => sha256.create() },
  [-43]: { name: "SHA-384", start: () => sha384.create() },
  [-44]: { name: "SHA-512", start: () => sha512.create() },
} as const;

/** Checks that were made and not made so far. */
class Notes {
  readonly steps: Step[] = [];
  readonly unchecked: Unchecked[] = [];

  passed(check: Step["check"], text: string): void {
    this.steps.push({ check, text });
  }

  left(check: Unchecked["check"], text: string): void {
    this.unchecked.push({ check, text });
  }
}

/**
 * Verify a signed statement with its receipts, offline: the issuer's signature, every receipt, the
 * chain's proof in each, and the file.
 *
 * @param data The transparent statement.
 * @param checks What to check it with.
 * @throws {@link Refusal}, for any input that is not accepted, and nothing else.
 */
export async function verifyStatement(
  data: Uint8Array,
  checks: StatementChecks,
): Promise<VerifiedStatement> {
  const notes = new Notes();
  try {
    return await check(data, checks, notes);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new Refusal(error.reason, error.message, [...notes.steps, ...error.steps]);
  }
}

async function check(
  given: Uint8Array,
  checks: StatementChecks,
  notes: Notes,
): Promise<VerifiedStatement> {
  if (!(given instanceof Uint8Array)) throw refused("not_a_cose_message", "no bytes");
  const trust = checks.trust === undefined ? undefined : trustOf(checks.trust);
  // A copy: what was checked stays as it is, whatever the caller does with the bytes.
  const statement = readStatement(new Uint8Array(given), checks.nowS);
  notes.passed("message", "the file is a signed statement, and its headers are as they must be");
  checkIssuer(statement, checks, notes);
  const receipts = receiptsOf(statement);
  if (receipts.length === 0) {
    const text = "the statement has no receipt: it is not registered, or not yet";
    throw refused("receipt_missing", text);
  }
  const shown: ShownReceipt[] = [];
  for (const one of receipts) {
    shown.push(await checkReceipt(statement, one, checks.serviceKeys, trust, notes));
  }
  const certificate = checkCertificate(statement, checks, shown, notes);
  const content = await checkContent(statement, checks.content, notes);
  const { issuer, subject, contentType, issuedAtS, keyId } = statement;
  const about = { issuer, subject, contentType, issuedAtS, keyId, certificate, ...content };
  return { ...about, receipts: shown, steps: notes.steps, unchecked: notes.unchecked };
}

function trustOf(given: string | Uint8Array | Trust): Trust {
  return given instanceof Trust ? given : Trust.read(given);
}

function checkIssuer(statement: Statement, checks: StatementChecks, notes: Notes): void {
  const { issuerKey, issuerRoots } = checks;
  if (issuerKey !== undefined && issuerRoots !== undefined) {
    const text = "give the key of the issuer, or the roots that vouch for it, not both";
    throw refused("bad_argument", text);
  }
  if (issuerRoots !== undefined) {
    const [own] = certificatesOf(statement);
    verifySign1(statement.message, signingKey(own!));
    notes.passed("issuer", `the key in the certificate of ${own!.subject} signed the statement`);
    return;
  }
  if (issuerKey === undefined) {
    const text = "neither a key of the issuer nor a root was given: anybody may have signed this";
    notes.left("issuer", text);
    return;
  }
  verifySign1(statement.message, issuerKey);
  notes.passed("issuer", `the key of ${statement.issuer} signed the statement`);
}

/** Check that a root vouches for the issuer's certificate at the time of the record. */
function checkCertificate(
  statement: Statement,
  checks: StatementChecks,
  receipts: readonly ShownReceipt[],
  notes: Notes,
): IssuerCertificate | undefined {
  if (checks.issuerRoots === undefined) return undefined;
  const [own, ...between] = certificatesOf(statement);
  const atMs = recordedMs(receipts, checks) ?? checks.nowS * SECOND_MS;
  const found = checkSigner(own!, checks.issuerRoots, between, atMs);
  const { issuer } = statement;
  if (!own!.uris.includes(issuer)) {
    const name = JSON.stringify(issuer.slice(0, 200));
    const text = `the certificate of ${own!.subject} does not name the issuer ${name}`;
    throw refused("issuer_not_admitted", `${text} (subjectAltName, URI)`);
  }
  const [path, root] = [found.map(({ subject }) => subject), found.at(-1)!.subject];
  const text = `certificate of ${own!.subject} for ${issuer}, by ${root}`;
  notes.passed("vouched", `${text}, in force on ${new Date(atMs).toISOString()}`);
  return { subject: own!.subject, root, path };
}

/** Say when a statement was recorded, as the chain proves it, or else as the service signed. */
function recordedMs(
  receipts: readonly ShownReceipt[],
  { serviceKeys }: StatementChecks,
): number | undefined {
  const proven = receipts.flatMap(({ chain }) => (chain === undefined ? [] : [chain.timeMs]));
  if (proven.length > 0) return Math.min(...proven.map(Number));
  if (serviceKeys === undefined) return undefined;
  const said = receipts.flatMap(({ issuedAtS }) => (issuedAtS === undefined ? [] : [issuedAtS]));
  return said.length === 0 ? undefined : Math.min(...said) * SECOND_MS;
}

async function checkReceipt(
  statement: Statement,
  data: Uint8Array,
  keys: readonly PublicKey[] | undefined,
  trust: Trust | undefined,
  notes: Notes,
): Promise<ShownReceipt> {
  const receipt = readReceipt(data);
  const key = keys?.find((one) => equal(one.key, receipt.keyId));
  if (keys !== undefined && key === undefined) {
    const name = toHex(receipt.keyId).slice(0, 80);
    throw refused("bad_receipt", `the service's key ${name} is not among those given`);
  }
  const entry = entryOf(statement, receipt.entrySuite);
  const { index, size } = verifyInclusion(receipt, entry, key);
  const place = `entry ${index} of ${size}`;
  notes.passed("inclusion", `the path of ${place} leads from the statement to a root of the log`);
  if (key === undefined) {
    const text = "no keys of the service were given: its signature under the root is not checked";
    notes.left("service", text);
  } else {
    notes.passed("service", `${receipt.issuer} signed this root of its log ${receipt.subject}`);
  }
  return {
    service: receipt.issuer,
    log: receipt.subject,
    index,
    size,
    isSizeSigned: receipt.size !== undefined && key !== undefined,
    issuedAtS: receipt.issuedAtS,
    entry: toHex(entry),
    chain: await checkChain(receipt, entry, trust, notes),
  };
}

async function checkChain(
  receipt: Receipt,
  entry: Uint8Array,
  trust: Trust | undefined,
  notes: Notes,
): Promise<ShownReceipt["chain"]> {
  if (receipt.chainProof === undefined) {
    notes.left("chain", "the receipt lacks the chain's proof: who certified the log is unknown");
    return undefined;
  }
  if (trust === undefined) {
    notes.left("chain", "no trust file was given: who certified the log is not checked");
    return undefined;
  }
  const verified = await verifyProof(receipt.chainProof, trust);
  const { fact } = verified;
  notes.steps.push(...verified.steps);
  if (fact.kind !== "evidence" || !equal(fact.entry, entry)) {
    const text = "the chain's proof in the receipt is about something else";
    throw refused("tree_mismatch", text);
  }
  return { ...verified, fact };
}

async function checkContent(
  statement: Statement,
  content: Bytes | undefined,
  notes: Notes,
): Promise<Pick<VerifiedStatement, "contentDigest" | "contentFunction">> {
  const isEmbedded = statement.payloadHash === undefined;
  const { name, start } = FUNCTIONS[(statement.payloadHash ?? -16) as keyof typeof FUNCTIONS];
  const expected = isEmbedded ? sha256(statement.payload) : statement.payload;
  const found = { contentDigest: toHex(expected), contentFunction: name };
  if (content === undefined) {
    notes.left("content", "no file was given: which file the statement is about is not checked");
    return found;
  }
  const hashing = start();
  for await (const piece of piecesOf(content)) hashing.update(piece);
  const digest = hashing.digest();
  if (!equal(digest, expected)) {
    const text = `the file has the ${name} digest ${toHex(digest)}, the statement ${toHex(expected)}`;
    throw refused("file_differs", text);
  }
  notes.passed("content", `the file has the ${name} digest that the statement is about`);
  return found;
}
