/** Say what verified proofs show (docs/reference/proofs.md, section 6). */

import { toHex } from "./bytes.js";
import type { Validator } from "./header.js";
import type { Account, Outcome, Transaction, Transfer } from "./records.js";

/** The transaction is in the block and had this outcome. */
export interface TransactionFact {
  readonly kind: "transaction";
  /** Identifier of the transaction. */
  readonly transactionId: Uint8Array;
  /** Transaction. */
  readonly transaction: Transaction;
  /** Outcome. */
  readonly outcome: Outcome;
}

/** The block is final. */
export interface BlockFact {
  readonly kind: "block";
}

/** The account after the block. */
export interface AccountFact {
  readonly kind: "account";
  /** Address. */
  readonly address: Uint8Array;
  /** Account. */
  readonly account: Account;
}

/** The key has this value after the block. */
export interface ValueFact {
  readonly kind: "value";
  /** State key. */
  readonly key: Uint8Array;
  /** Value. */
  readonly value: Uint8Array;
}

/** The key has no value after the block. */
export interface AbsenceFact {
  readonly kind: "absence";
  /** State key. */
  readonly key: Uint8Array;
}

/** The entry was recorded in the block or before. */
export interface EvidenceFact {
  readonly kind: "evidence";
  /** Entry. */
  readonly entry: Uint8Array;
  /** Number of the log. */
  readonly log: number;
  /** Index in the log, from 0. */
  readonly index: bigint;
  /** Size of the log after the block. */
  readonly size: bigint;
}

/** The transfer was made in the block or before. */
export interface TransferFact {
  readonly kind: "transfer";
  /** Sender. */
  readonly sender: Uint8Array;
  /** Reference. */
  readonly reference: Uint8Array;
  /** Record. */
  readonly transfer: Transfer;
}

/** The validator signed both votes, which exclude each other. */
export interface ConflictingVotesFact {
  readonly kind: "conflicting_votes";
  /** Name of the votes. */
  readonly id: Uint8Array;
  /** How the votes exclude each other. */
  readonly conflict:
    | "two_notarizations"
    | "two_finalizations"
    | "nullification_and_finalization";
  /** The validator, as the block before their epoch names it. */
  readonly validator: Validator;
  /** Epoch of both votes. */
  readonly epoch: bigint;
  /** View of both votes. */
  readonly view: bigint;
}

/** What a verified proof shows. */
export type Fact =
  | TransactionFact
  | BlockFact
  | AccountFact
  | ValueFact
  | AbsenceFact
  | EvidenceFact
  | TransferFact
  | ConflictingVotesFact;

/** Name what a fact is about, in hexadecimal digits; of a block, its digest. */
export function aboutOf(fact: Fact, digest: Uint8Array): string {
  switch (fact.kind) {
    case "transaction":
      return toHex(fact.transactionId);
    case "block":
      return toHex(digest);
    case "account":
      return toHex(fact.address);
    case "value":
    case "absence":
      return toHex(fact.key);
    case "evidence":
      return toHex(fact.entry);
    case "transfer":
      return toHex(fact.transfer.transaction);
    case "conflicting_votes":
      return toHex(fact.id);
  }
}
