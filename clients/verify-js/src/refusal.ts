/** Name every reason why a proof or receipt is not accepted. */

/** Stable code of a refusal: the same in the SDK, on the command line and over HTTP. */
export type RefusalCode =
  | "not_a_proof"
  | "proof_truncated"
  | "proof_too_large"
  | "bad_trust_file"
  | "proof_version"
  | "wrong_trust"
  | "file_altered"
  | "proof_mismatch"
  | EvidenceCode;

/**
 * Codes of signed statements, COSE receipts, certificates on paper, and those of issuers
 * (docs/reference/scitt.md, sections 9 and 10).
 */
type EvidenceCode = (typeof EVIDENCE_BAD_INPUT)[number] | (typeof EVIDENCE_REFUSED)[number];

/** Codes of evidence that cannot be judged. */
const EVIDENCE_BAD_INPUT = [
  "not_a_cose_message",
  "cose_truncated",
  "cose_too_large",
  "cose_encoding",
  "trailing_bytes",
  "nested_too_deep",
  "duplicate_label",
  "header_missing",
  "header_not_protected",
  "bad_header",
  "critical_header",
  "signature_algorithm",
  "detached_payload",
  "bad_receipt",
  "unknown_structure",
  "not_a_certificate",
  "certificate_version",
  "certificate_too_large",
  "bad_argument",
  "bad_certificate",
  "unsupported_certificate",
] as const;

/** Codes of evidence of which something does not match. */
const EVIDENCE_REFUSED = [
  "statement_not_yet_valid",
  "statement_expired",
  "cose_signature",
  "tree_mismatch",
  "receipt_missing",
  "file_differs",
  "unknown_issuer",
  "certificate_not_allowed",
  "certificate_signature",
  "certificate_expired",
  "certificate_not_yet_valid",
  "issuer_not_admitted",
  "issuer_key_not_admitted",
  "origin_mismatch",
] as const;

/** Codes that are their own reason. */
function themselves<T extends string>(codes: readonly T[]): { readonly [C in T]: C } {
  return Object.fromEntries(codes.map((code) => [code, code])) as { readonly [C in T]: C };
}

/** Verdict on an input that is not accepted: it cannot be judged, or something does not match. */
export type NegativeVerdict = "bad_input" | "refused";

/** Code that each reason has in every interface. */
const CODES = {
  not_a_proof: "not_a_proof",
  truncated: "proof_truncated",
  too_large: "proof_too_large",
  unusable_trust: "bad_trust_file",
  unknown_version: "proof_version",
  unknown_key: "proof_version",
  other_chain: "wrong_trust",
  other_size: "file_altered",
  file_altered: "file_altered",
  damaged: "proof_mismatch",
  malformed: "proof_mismatch",
  broken_chain: "proof_mismatch",
  other_block: "proof_mismatch",
  wrong_epoch: "proof_mismatch",
  epoch_before_trust: "proof_mismatch",
  bad_signers: "proof_mismatch",
  too_few_signatures: "proof_mismatch",
  bad_signature: "proof_mismatch",
  not_a_hand_over: "proof_mismatch",
  not_included: "proof_mismatch",
  not_current: "proof_mismatch",
  not_absent: "proof_mismatch",
  other_reference: "proof_mismatch",
  not_named: "proof_mismatch",
  not_a_validator: "proof_mismatch",
  no_conflict: "proof_mismatch",
  not_an_entry: "proof_mismatch",
  ...themselves(EVIDENCE_BAD_INPUT),
  ...themselves(EVIDENCE_REFUSED),
} as const satisfies Record<string, RefusalCode>;

/** Every code, for those who say them in other words. */
export const REFUSAL_CODES: readonly RefusalCode[] = [...new Set(Object.values(CODES))];

/** What exactly did not match; several reasons share a code. */
export type RefusalReason = keyof typeof CODES;

/** Reasons for which an input cannot be judged at all (docs/reference/proofs.md, section 1). */
const BAD_INPUT: ReadonlySet<RefusalReason> = new Set([
  "not_a_proof",
  "truncated",
  "too_large",
  "unusable_trust",
  ...EVIDENCE_BAD_INPUT,
]);

/** One check that was made and passed. */
export interface Step {
  /** What was checked, for programs: a page can translate by it. */
  readonly check:
    | "seal"
    | "file"
    | "message"
    | "statement"
    | "hand_over"
    | "chain"
    | "certificate"
    | "signature"
    | "issuer"
    | "vouched"
    | "inclusion"
    | "service"
    | "content"
    | "attachment"
    | "origin";
  /** What was checked and found, in words. */
  readonly text: string;
}

/** A check that was not made, and why not. */
export interface Unchecked {
  /**
   * What was not checked: `page` is the page of a certificate, `issuer_inside` and `service_inside`
   * are whether the keys that a certificate brings are theirs.
   */
  readonly check:
    | "issuer"
    | "service"
    | "chain"
    | "content"
    | "page"
    | "issuer_inside"
    | "service_inside";
  /** Why not, in words. */
  readonly text: string;
}

/**
 * A proof, receipt, statement or trust file that is not accepted; the message says in one sentence why.
 *
 * Nothing else is thrown for any input.
 */
export class Refusal extends Error {
  override readonly name = "Refusal";
  /** Stable code. */
  readonly code: RefusalCode;
  /** What exactly did not match. */
  readonly reason: RefusalReason;
  /** Whether the input cannot be judged (`bad_input`) or something does not match (`refused`). */
  readonly verdict: NegativeVerdict;
  /** Checks that had passed before, in order. */
  readonly steps: readonly Step[];

  constructor(reason: RefusalReason, message: string, steps: readonly Step[] = []) {
    super(message);
    this.reason = reason;
    this.code = CODES[reason];
    this.verdict = BAD_INPUT.has(reason) ? "bad_input" : "refused";
    this.steps = [...steps];
  }
}

/** Make the refusal of a part that breaks the rules of the format. */
export function malformed(part: string, problem: string): Refusal {
  return new Refusal("malformed", `the ${part} is malformed: ${problem}`);
}
