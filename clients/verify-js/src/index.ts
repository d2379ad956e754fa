/**
 * Verify proofs and receipts of Trine offline, in browsers and in Node.
 *
 * The terms, the formats and the order of the checks are those of docs/reference/proofs.md,
 * docs/reference/receipt.md, docs/reference/scitt.md and docs/reference/certificate.md.
 *
 * @example
 * ```ts
 * const verified = await verifyProof(proofBytes, trustBytes);
 * console.log(verified.kind, verified.about, verified.height);
 * ```
 *
 * @packageDocumentation
 */

export {
  type Certificate,
  type VerifiedCertificate,
  readCertificate,
  verifyCertificate,
} from "./evidence/certificate.js";
export {
  type IssuerCertificate,
  type ShownReceipt,
  type StatementChecks,
  type VerifiedStatement,
  verifyStatement,
} from "./evidence/checking.js";
export type { PublicKey } from "./evidence/cose.js";
export type { Origin } from "./evidence/origin.js";
export {
  type OwnKeys,
  type StatementCertificate,
  type VerifiedStatementCertificate,
  readStatementCertificate,
  verifyStatementCertificate,
} from "./evidence/statement-certificate.js";
export { readKeySet, readPublicKey } from "./evidence/keys.js";
export type * from "./facts.js";
export type { Suite } from "./hashing.js";
export type { EpochChange, Header, StateCommitment, Validator } from "./header.js";
export { type Verified, verifyProof } from "./proof.js";
export {
  type Bytes,
  type FileFacts,
  type VerifiedReceipt,
  measure,
  verifyReceipt,
} from "./receipt.js";
export type { Account, Call, Event, Outcome, Transaction, Transfer } from "./records.js";
export {
  type NegativeVerdict,
  Refusal,
  type RefusalCode,
  type RefusalReason,
  type Step,
  type Unchecked,
} from "./refusal.js";
export { Trust, type TrustedValidator } from "./trust.js";
export { type Certificate as X509Certificate, readCertificates } from "./x509/certificate.js";
