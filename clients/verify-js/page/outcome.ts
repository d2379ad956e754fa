/** Make the check that what was given allows, and say its result in the words of the page. */

import {
  type FileFacts,
  type IssuerCertificate,
  type Origin,
  Refusal,
  type ShownReceipt,
  type Step,
  type Trust,
  type Unchecked,
  type Verified,
  type VerifiedCertificate,
  type VerifiedReceipt,
  type VerifiedStatement,
  measure,
  verifyCertificate,
  verifyProof,
  verifyReceipt,
  readStatementCertificate,
  verifyStatement,
  verifyStatementCertificate,
} from "../src/index.js";
import { toHex } from "../src/bytes.js";
import { algorithm } from "../src/evidence/cose.js";
import { readStatement } from "../src/evidence/statement.js";
import { type Evidence, type Given, issuerOf } from "./sorting.js";
import { type Key, cause, moment, number, t, utc } from "./texts.js";

export type Verdict = "waiting" | "good" | "partial" | "refused" | "bad_input";

/** One step as it is shown. */
export interface Line {
  readonly state: "ok" | "failed" | "unchecked";
  readonly title: string;
  readonly meaning: string;
  readonly details: readonly string[];
}

/** Facts under a heading; code is written in another font. */
export interface Section {
  readonly title: string;
  readonly rows: readonly (readonly [string, string, ("code" | "text")?])[];
}

/** What the page shows. */
export interface Outcome {
  readonly verdict: Verdict;
  readonly text: string;
  /** What is still needed. */
  readonly needed: readonly string[];
  readonly lines: readonly Line[];
  readonly facts: readonly Section[];
  readonly limits: readonly string[];
}

/** A result that can be said in either language. */
export type Finding = () => Outcome;

type Row = Section["rows"][number];

const SECOND_MS = 1000;
const FUNCTIONS = { intl: "SHA-256", gm: "SM3" } as const;

/** Check what was given; the finding is said in the language that is in use when it is asked. */
export async function examine(given: Given, issuer: string): Promise<Finding> {
  const { evidence, file, trust } = given;
  const needed: Key[] = [];
  if (evidence === undefined) needed.push("need_evidence");
  const isReceipt = evidence?.kind === "receipt" || evidence?.kind === "certificate";
  if (file === undefined && (isReceipt || evidence === undefined)) needed.push("need_file");
  if (trust === undefined && evidence?.kind !== "statement") needed.push("need_trust");
  if (evidence === undefined || needed.length > 0) return () => waiting(needed);
  try {
    return await checked(evidence, given, issuer);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return () => failed(error, trust);
  }
}

async function checked(evidence: Evidence, given: Given, issuer: string): Promise<Finding> {
  const { file, trust, keys, roots } = given;
  const { kind, bytes } = evidence;
  if (kind === "statement") {
    const issuerKey = issuerOf(issuer);
    const nowS = Math.floor(Date.now() / SECOND_MS);
    const whom = { issuerKey, issuerRoots: roots, serviceKeys: keys, trust };
    const found = await verifyStatement(bytes, { nowS, ...whom, content: file?.stream() });
    return () => statementOutcome(found, file, trust);
  }
  if (kind === "statement_certificate") {
    const own = { issuerKey: issuerOf(issuer), issuerRoots: roots, serviceKeys: keys };
    const found = await verifyStatementCertificate(bytes, trust!, own, file?.stream());
    return () => statementOutcome(found, file, trust);
  }
  if (kind === "proof") {
    const found = await verifyProof(bytes, trust!);
    return () => proofOutcome(found, trust!);
  }
  const facts = await measure(trust!.suite, file!.stream());
  if (kind === "certificate") {
    const found = await verifyCertificate(bytes, facts, trust!);
    return () => receiptOutcome(found, facts, file!, trust!, found);
  }
  const found = await verifyReceipt(bytes, facts, trust!);
  return () => receiptOutcome(found, facts, file!, trust!);
}

function waiting(needed: readonly Key[]): Outcome {
  const text = t("text_waiting");
  const words = needed.map((key) => t(key));
  return { verdict: "waiting", text, needed: words, lines: [], facts: [], limits: [] };
}

function failed(error: Refusal, trust: Trust | undefined): Outcome {
  const lines = [
    ...stepLines(error.steps),
    {
      state: "failed" as const,
      title: t("step_failed"),
      meaning: cause(error.code),
      details: [error.message, t("and_more", { code: error.code })],
    },
    rest(),
  ];
  const text = `${t(`text_${error.verdict}`)} ${cause(error.code)}`;
  const facts = trust === undefined ? [] : [trustSection(trust)];
  return { verdict: error.verdict, text, needed: [], lines, facts, limits: [] };
}

function rest(): Line {
  return { state: "unchecked", title: t("step_rest"), meaning: t("mean_rest"), details: [] };
}

/** Steps as lines; the same check several times in a row is one line. */
function stepLines(steps: readonly Step[]): Line[] {
  const groups: { check: Step["check"]; details: string[] }[] = [];
  for (const { check, text } of steps) {
    const last = groups.at(-1);
    if (last?.check === check) last.details.push(text);
    else groups.push({ check, details: [text] });
  }
  return groups.map(({ check, details }) => ({
    state: "ok",
    title: t(`step_${check}`),
    meaning: t(`mean_${check}`),
    details,
  }));
}

function leftLines(unchecked: readonly Unchecked[]): Line[] {
  return unchecked.map(({ check, text }) => ({
    state: "unchecked",
    title: t(`left_${check}`),
    meaning: t(`why_${check}`),
    details: [text],
  }));
}

function trustSection(trust: Trust): Section {
  const names = trust.validators.map((one) => one.name).join(", ");
  return {
    title: t("section_trust"),
    rows: [
      [t("chain"), trust.chain],
      [t("chain_id"), trust.chainId, "code"],
      [t("epoch"), number(trust.epoch)],
      [t("validators"), names],
    ],
  };
}

function fileRows(file: File, digest: string, name: string): Row[] {
  return [
    [t("file_given"), file.name],
    [t("size"), t("bytes", { n: number(file.size) })],
    [t("digest"), `${name} ${digest}`, "code"],
  ];
}

/** Rows about the block that a proof shows. */
function blockRows(found: Verified): Row[] {
  const { signers } = found;
  const names = signers.join(", ");
  return [
    [t("chain"), found.chain],
    [t("height"), number(found.height)],
    [t("time"), moment(Number(found.timeMs))],
    [t("block"), found.digest, "code"],
    [t("certified_by"), t("signers", { names, n: number(signers.length) })],
  ];
}

function entryRows({ fact }: ShownReceipt["chain"] & object): Row[] {
  const place = { index: number(fact.index), size: number(fact.size) };
  return [
    [t("log"), number(fact.log)],
    [t("entry_index"), t("entry_of", place)],
    [t("entry"), toHex(fact.entry), "code"],
  ];
}

function receiptOutcome(
  found: VerifiedReceipt,
  { digest }: FileFacts,
  file: File,
  trust: Trust,
  paper?: VerifiedCertificate,
): Outcome {
  const origin = paper?.origin;
  const named: Row = [t("file_name"), t("unproven", { value: found.name })];
  const rows = [...fileRows(file, toHex(digest), FUNCTIONS[trust.suite]), named];
  const values = { chain: found.chain, time: utc(Number(found.timeMs)) };
  const isPaper = paper !== undefined;
  const known = origin === undefined ? "limit_author" : "limit_person";
  return {
    verdict: "good",
    text: t(isPaper ? "text_good_certificate" : "text_good_receipt", values),
    needed: [],
    lines: [...stepLines(found.steps), ...leftLines(paper?.unchecked ?? [])],
    facts: [
      { title: t("section_file"), rows },
      { title: t("section_record"), rows: [...blockRows(found), ...entryRows(found)] },
      ...(origin === undefined ? [] : [originSection(origin)]),
      trustSection(trust),
    ],
    limits: limits("limit_truth", known, "limit_before", "limit_trust"),
  };
}

function originSection(origin: Origin): Section {
  const { organisation: name, key } = origin;
  return {
    title: t("section_origin"),
    rows: [
      [t("organisation"), t("organisation_value", { name, number: number(origin.number) })],
      [t("account"), origin.account, "code"],
      [t("account_key"), key ?? t("account_key_other", { index: number(origin.keyIndex) }), "code"],
      [t("transaction"), origin.transaction, "code"],
      [t("height"), number(origin.height)],
      [t("known_at"), number(origin.knownHeight)],
    ],
  };
}

function proofOutcome(found: Verified, trust: Trust): Outcome {
  const about: Row[] = [
    [t("kind"), found.kind, "code"],
    [t("about"), found.about, "code"],
  ];
  return {
    verdict: "good",
    text: t("text_good_proof", { chain: found.chain, time: utc(Number(found.timeMs)) }),
    needed: [],
    lines: stepLines(found.steps),
    facts: [
      { title: t("section_record"), rows: [...about, ...blockRows(found)] },
      trustSection(trust),
    ],
    limits: limits("limit_trust"),
  };
}

function limits(...keys: readonly Key[]): string[] {
  return keys.map((key) => t(key));
}

function statementOutcome(
  found: VerifiedStatement,
  file: File | undefined,
  trust: Trust | undefined,
): Outcome {
  const isWhole = found.unchecked.every(({ check }) => check === "page");
  const isPaper = found.unchecked.some(({ check }) => check === "page");
  const chain = found.receipts.find((one) => one.chain !== undefined)?.chain;
  const time = chain === undefined ? "" : utc(Number(chain.timeMs));
  const values = { issuer: found.issuer, chain: chain?.chain ?? "", time };
  const text = isWhole ? t("text_good_statement", values) : t("text_partial");
  const { contentDigest, contentFunction } = found;
  const isCompared = found.steps.some(({ check }) => check === "content");
  const aboutFile: Section[] =
    file === undefined || !isCompared
      ? []
      : [{ title: t("section_file"), rows: fileRows(file, contentDigest, contentFunction) }];
  const revoked: Key[] = found.certificate === undefined ? [] : ["limit_revoked"];
  return {
    verdict: isWhole ? "good" : "partial",
    text: isPaper ? `${text}${t("text_paper")}` : text,
    needed: [],
    lines: [...stepLines(found.steps), ...leftLines(found.unchecked)],
    facts: [
      ...aboutFile,
      { title: t("section_statement"), rows: statementRows(found) },
      ...found.receipts.flatMap(receiptSections),
      ...(trust === undefined ? [] : [trustSection(trust)]),
    ],
    limits: limits("limit_truth", "limit_issuer", ...revoked, "limit_before", "limit_trust"),
  };
}

function saidAt(timeS: number, who: Key): string {
  return t("as_said", { value: utc(timeS * SECOND_MS), who: t(who) });
}

function certificateRow({ subject, root }: IssuerCertificate): Row {
  return [t("issuer_by"), t("certificate_by", { subject, root })];
}

function statementRows(found: VerifiedStatement): Row[] {
  const { issuedAtS, keyId, contentDigest, contentFunction, certificate } = found;
  const at: Row[] =
    issuedAtS === undefined ? [] : [[t("issued_at"), saidAt(issuedAtS, "the_issuer")]];
  const key: Row[] = keyId === undefined ? [] : [[t("key"), toHex(keyId), "code"]];
  const by = certificate === undefined ? [] : [certificateRow(certificate)];
  return [
    [t("issuer"), found.issuer],
    ...by,
    [t("subject"), found.subject],
    [t("content_type"), String(found.contentType)],
    [t("digest"), `${contentFunction} ${contentDigest}`, "code"],
    ...at,
    ...key,
  ];
}

function receiptSections(one: ShownReceipt): Section[] {
  const place = { index: number(one.index), size: number(one.size) };
  const at: Row[] =
    one.issuedAtS === undefined ? [] : [[t("log_at"), saidAt(one.issuedAtS, "the_service")]];
  const rows: Row[] = [
    [t("service"), one.service],
    [t("log"), one.log],
    [t("entry_index"), t(one.isSizeSigned ? "entry_of" : "entry_remark", place)],
    [t("entry"), one.entry, "code"],
    ...at,
  ];
  const log = { title: t("section_service"), rows };
  if (one.chain === undefined) return [log];
  const record = [...blockRows(one.chain), ...entryRows(one.chain)];
  return [log, { title: t("section_record"), rows: record }];
}

/** The key that a statement names, where its name is the key, so that a reader can compare it. */
export function claimedKey(evidence: Evidence | undefined): string | undefined {
  const { kind, bytes } = evidence ?? {};
  if (bytes === undefined || (kind !== "statement" && kind !== "statement_certificate")) {
    return undefined;
  }
  try {
    const isPaper = kind === "statement_certificate";
    const data = isPaper ? readStatementCertificate(bytes).statement : bytes;
    const { keyId, message } = readStatement(data, Math.floor(Date.now() / SECOND_MS));
    const name = algorithm(message);
    const isKey = keyId?.length === (name === "ed25519" ? 32 : 33);
    return isKey ? `${name}:${toHex(keyId)}` : undefined;
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}
