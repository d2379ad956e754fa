/**
 * Check what a proof says about a block against the block's header.
 *
 * Source: docs/reference/proofs.md, section 6. Each reader returns a statement that, once verified
 * against a header, gives the fact that it shows.
 */

import { compare, concat, equal, u32, u64, varint } from "./bytes.js";
import type { Context } from "./context.js";
import type { Fact } from "./facts.js";
import type { Item } from "./fields.js";
import { taggedHash } from "./hashing.js";
import type { Header } from "./header.js";
import * as limits from "./limits.js";
import { headOfPath, readSidedPath, verifySidedPath } from "./paths.js";
import {
  readAccount,
  readOutcome,
  readTransaction,
  readTransfer,
  transactionId,
} from "./records.js";
import { Refusal, malformed } from "./refusal.js";
import { type StateProof, readStateProof, verifyStateProof } from "./state-proof.js";
import { readConflictingVotes } from "./votes.js";
import { type Reader, Undecodable, decode } from "./wire.js";

/** A statement about a block with what shows it. */
export interface Statement {
  /** Entry that it is about, where it is one about evidence. */
  readonly entry?: Uint8Array;
  /** Check it against the header of its block. */
  verify(context: Context, header: Header): Fact;
}

/** First byte of an operation that sets a value. */
const UPDATE = Uint8Array.of(0xd2);

/** Number of the table of transfers (`trine.model.state_keys`). */
const TRANSFER_TABLE = Uint8Array.of(12);

function decodePart<T>(data: Uint8Array, part: string, read: (reader: Reader) => T): T {
  try {
    return decode(data, read);
  } catch (error) {
    if (error instanceof Undecodable) throw malformed(part, error.message);
    throw error;
  }
}

/** Kind 1: a transaction and its outcome; the transaction's identifier joins the two paths. */
function readTransactionStatement(item: Item): Statement {
  const fields = item.fields(4);
  const encoded = fields[0].named("transaction").bytes();
  const bodyPath = readSidedPath(fields[1]);
  const outcomeBytes = fields[2].named("outcome").bytes();
  const outcomePath = readSidedPath(fields[3]);
  return {
    verify: (context, header) => {
      const { suite } = context;
      const what = "transaction";
      verifySidedPath(suite, bodyPath, encoded, header.bodyRoot, what, "body root");
      context.passed("statement", "the transaction's path leads to the block's body root");
      if (encoded.length > limits.TRANSACTION_BYTES_MAX) throw malformed(what, "too long");
      const transaction = decodePart(encoded, what, readTransaction);
      const id = transactionId(suite, encoded, transaction);
      const leaf = concat(id, outcomeBytes);
      verifySidedPath(suite, outcomePath, leaf, header.outcomeRoot, "outcome", "outcome root");
      const outcome = decodePart(outcomeBytes, "outcome", readOutcome);
      context.passed("statement", "the outcome's path leads to the block's outcome root");
      return { kind: "transaction", transactionId: id, transaction, outcome };
    },
  };
}

/** Kind 2: a block; the header is the statement. */
function readBlockStatement(item: Item): Statement {
  item.fields(0);
  return { verify: () => ({ kind: "block" }) };
}

/** Kind 3: an account. */
function readAccountStatement(item: Item): Statement {
  const fields = item.fields(3);
  const address = fields[0].named("address").fixed(20);
  const encoded = fields[1].named("account").fixed(86);
  const proof = readStateProof(fields[2]);
  return {
    verify: (context, header) => {
      const operation = concat(UPDATE, address, encoded);
      verifyStateProof(context.suite, proof, operation, header.accounts, "account");
      const account = decodePart(encoded, "account", readAccount);
      context.passed("statement", "the account is current in the state after the block");
      return { kind: "account", address, account };
    },
  };
}

/** An entry of the state with what shows it; also the neighbour of an absent key. */
interface ValueEntry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly nextKey: Uint8Array;
  readonly proof: StateProof;
}

function readValueEntry(key: Uint8Array, value: Item, nextKey: Item, proof: Item): ValueEntry {
  return {
    key,
    value: value.named("value").bytes(limits.STATE_VALUE_BYTES_MAX),
    nextKey: nextKey.named("next key").fixed(32),
    proof: readStateProof(proof),
  };
}

/** Check that setting the value is an active operation. */
function checkEntry(context: Context, entry: ValueEntry, header: Header, what: string): void {
  const { key, value, nextKey, proof } = entry;
  const operation = concat(UPDATE, key, varint(BigInt(value.length)), value, nextKey);
  verifyStateProof(context.suite, proof, operation, header.values, what);
  context.passed("statement", `the ${what} is current in the state after the block`);
}

/** Kind 4: a value of the state. */
function readValueStatement(item: Item): Statement {
  const [key, value, nextKey, proof] = item.fields(4);
  const entry = readValueEntry(key.named("key").fixed(32), value, nextKey, proof);
  return {
    verify: (context, header) => {
      checkEntry(context, entry, header, "value");
      return { kind: "value", key: entry.key, value: entry.value };
    },
  };
}

/** Say whether a key lies between two that follow each other in the ring of keys. */
function isBetween(key: Uint8Array, before: Uint8Array, after: Uint8Array): boolean {
  const [isAfter, isBefore] = [compare(key, before) > 0, compare(key, after) < 0];
  return compare(before, after) < 0 ? isAfter && isBefore : isAfter || isBefore;
}

/** Kind 5: absence of a value. */
function readAbsenceStatement(item: Item): Statement {
  const [absent, before, value, nextKey, proof] = item.fields(5);
  const key = absent.named("key").fixed(32);
  const neighbour = readValueEntry(before.named("key").fixed(32), value, nextKey, proof);
  return {
    verify: (context, header) => {
      checkEntry(context, neighbour, header, "neighbour");
      if (!isBetween(key, neighbour.key, neighbour.nextKey)) {
        throw new Refusal("not_absent", "the proof does not show that the key has no value");
      }
      context.passed("statement", "the key lies between its neighbour and the key after that");
      return { kind: "absence", key };
    },
  };
}

/** Kind 6: an evidence entry. */
function readEvidenceStatement(item: Item): Statement {
  const fields = item.fields(6);
  const entry = fields[0].named("entry").fixed(32);
  const number = fields[1].named("log number").unsigned();
  if (number > BigInt(limits.U32_MAX)) throw malformed("log number", "too large");
  const log = Number(number);
  const index = fields[2].named("index").unsigned();
  const size = fields[3].named("size").unsigned();
  const path = fields[4].named("path").pieces(32, limits.PROOF_PATH_MAX);
  const rootPath = readSidedPath(fields[5]);
  return {
    entry,
    verify: (context, header) => {
      const { suite } = context;
      const head = headOfPath(suite, entry, index, size, path);
      if (head === undefined) {
        const message = "the evidence entry's path does not fit its index and size";
        throw new Refusal("not_included", message);
      }
      const leaf = concat(u32(log), u64(size), head);
      const what = "evidence entry";
      verifySidedPath(suite, rootPath, leaf, header.evidenceRoot, what, "evidence root");
      const place = `entry ${index} of ${size} in log ${log}`;
      context.passed("statement", `the path of ${place} leads to the block's evidence root`);
      return { kind: "evidence", entry, log, index, size };
    },
  };
}

/** Kind 7: a transfer; the state key follows from sender and reference. */
function readTransferStatement(item: Item): Statement {
  const [from, name, record, nextKey, proof] = item.fields(5);
  const sender = from.named("sender").fixed(20);
  const reference = name.named("reference").bytes(limits.TRANSFER_REFERENCE_BYTES_MAX);
  if (reference.length < limits.TRANSFER_REFERENCE_BYTES_MIN) {
    throw malformed("reference", "of impossible length");
  }
  const entry = readValueEntry(new Uint8Array(32), record, nextKey, proof);
  return {
    verify: (context, header) => {
      const parts = [TRANSFER_TABLE, sender, Uint8Array.of(reference.length), reference];
      const digest = taggedHash(context.suite, "trine/state-key", ...parts);
      const key = concat(TRANSFER_TABLE, digest.subarray(0, 31));
      checkEntry(context, { ...entry, key }, header, "transfer");
      const transfer = decodePart(entry.value, "transfer record", readTransfer);
      if (!equal(transfer.reference, reference)) {
        throw new Refusal("other_reference", "the transfer record has another reference");
      }
      context.passed("statement", "the transfer's record is of this reference");
      return { kind: "transfer", sender, reference, transfer };
    },
  };
}

/** How to read a statement; the place of each is the number of its kind less one. */
const READERS: readonly ((item: Item) => Statement)[] = [
  readTransactionStatement,
  readBlockStatement,
  readAccountStatement,
  readValueStatement,
  readAbsenceStatement,
  readEvidenceStatement,
  readTransferStatement,
  readConflictingVotes,
];

/** Read a statement of a kind; nothing is verified yet. */
export function readStatement(kind: bigint, item: Item): Statement {
  const read = READERS[Number(kind) - 1];
  if (read === undefined) {
    throw malformed("statement", `kind ${kind}, expected 1 to ${READERS.length}`);
  }
  return read(item.named("statement"));
}
