/** Decode what statements are about: transactions, outcomes, accounts, transfer records. */

import { equal, toBigInt } from "./bytes.js";
import { type Suite, taggedHash } from "./hashing.js";
import { admitsSignatureBytes, algorithmOf } from "./keys.js";
import * as limits from "./limits.js";
import { type Reader, Undecodable } from "./wire.js";

/** One call of a module's method, with its arguments still encoded. */
export interface Call {
  /** Number of the module. */
  readonly module: number;
  /** Number of the method in the module. */
  readonly method: number;
  /** Encoded arguments. */
  readonly arguments: Uint8Array;
}

/** A signed transaction (docs/reference/wire.md, section 4). */
export interface Transaction {
  /** Chain for which it is meant. */
  readonly chainId: Uint8Array;
  /** Account that acts. */
  readonly sender: Uint8Array;
  /** Index of the key that signs, among the sender's. */
  readonly keyIndex: number;
  /** Number that the account uses once. */
  readonly nonce: bigint;
  /** Last block time at which it may stand in a block, in Unix milliseconds. */
  readonly validUntilMs: bigint;
  /** Calls, executed in order, all or nothing. */
  readonly calls: readonly Call[];
  /** Number of the signature's algorithm. */
  readonly algorithm: number;
  /** Signature; whether it is right is part of what the validators certified. */
  readonly signature: Uint8Array;
  /** Bytes of the transaction without its signature. */
  readonly unsignedBytes: number;
}

function readAlgorithm(reader: Reader): NonNullable<ReturnType<typeof algorithmOf>> {
  const algorithm = algorithmOf(reader.small(1));
  if (algorithm === undefined) throw new Undecodable("unknown algorithm");
  return algorithm;
}

function readCall(reader: Reader): Call {
  return {
    module: reader.small(1),
    method: reader.small(1),
    arguments: reader.bytes(2, limits.ARGUMENTS_BYTES_MAX, "arguments"),
  };
}

/** Take a transaction. */
export function readTransaction(reader: Reader): Transaction {
  if (reader.small(1) !== 1) throw new Undecodable("unknown version");
  const body = {
    chainId: reader.take(32),
    sender: reader.take(20),
    keyIndex: reader.small(1),
    nonce: reader.u64(),
    validUntilMs: reader.u64(),
    calls: reader.list(1, 1, limits.CALLS_MAX, "calls", () => readCall(reader)),
  };
  const unsignedBytes = reader.place;
  const algorithm = readAlgorithm(reader);
  const signature = reader.bytes(2, limits.SIGNATURE_BYTES_MAX, "signature");
  if (!admitsSignatureBytes(algorithm, signature.length)) {
    throw new Undecodable("signature length is not its algorithm's");
  }
  return { ...body, algorithm: algorithm.number, signature, unsignedBytes };
}

/** Hash a transaction without its signature; `encoded` is the whole (wire.md, section 4). */
export function transactionId(
  suite: Suite,
  encoded: Uint8Array,
  transaction: Transaction,
): Uint8Array {
  const unsigned = encoded.subarray(0, transaction.unsignedBytes);
  return taggedHash(suite, "trine/transaction", unsigned);
}

/** Something that happened in a call. */
export interface Event {
  /** What emitted it: for a module, 19 zero bytes and the module's number. */
  readonly emitter: Uint8Array;
  /** Up to four values to search by. */
  readonly topics: readonly Uint8Array[];
  /** For a module: the event's number as one byte, then its fields. */
  readonly data: Uint8Array;
}

/** What execution says about a transaction in a block. */
export interface Outcome {
  /** Number of the verdict: 0 for success. */
  readonly code: number;
  /** Index of the call that failed; 0 where none did or none ran. */
  readonly failedCall: number;
  /** Quota units used. */
  readonly gasUsed: bigint;
  /** Events in order. */
  readonly events: readonly Event[];
}

/** First and last number of each run of verdicts (`trine.model.verdicts`). */
const VERDICTS: readonly (readonly [number, number])[] = [
  [0, 14],
  [100, 109],
  [110, 117],
  [120, 129],
  [130, 137],
  [140, 142],
  [150, 156],
  [160, 164],
];

/** Say whether a verdict has this number. */
export function isVerdict(number: number): boolean {
  return VERDICTS.some(([first, last]) => first <= number && number <= last);
}

function readEvent(reader: Reader): Event {
  return {
    emitter: reader.take(20),
    topics: reader.list(1, 0, limits.TOPICS_MAX, "topics", () => reader.take(32)),
    data: reader.bytes(4, limits.EVENT_DATA_BYTES_MAX, "event data"),
  };
}

/** Take an outcome. */
export function readOutcome(reader: Reader): Outcome {
  const code = reader.small(2);
  if (!isVerdict(code)) throw new Undecodable("unknown outcome code");
  return {
    code,
    failedCall: reader.small(1),
    gasUsed: reader.u64(),
    events: reader.list(2, 0, limits.EVENTS_MAX, "events", () => readEvent(reader)),
  };
}

/** The record of an account. */
export interface Account {
  /** Whether the account may not act. */
  readonly frozen: boolean;
  /** Roles in the organisation: bits 1 administrator, 2 notary, 4 issuer. */
  readonly roles: number;
  /** Bit `i` is set while the key with index `i` lives. */
  readonly liveKeys: number;
  /** Number of key indices ever given. */
  readonly keyCount: number;
  /** Number of the first key's algorithm. */
  readonly algorithm: number;
  /** First key, padded with zeros to 33 bytes; of a longer key, its hash. */
  readonly key: Uint8Array;
  /** Number of the organisation. */
  readonly organisation: number;
  /** Lowest nonce of the window. */
  readonly nonceBase: bigint;
  /** Bit `i` is set when nonce `nonceBase + i` is used. */
  readonly nonceUsed: bigint;
  /** Balance of the primary asset. */
  readonly balance: bigint;
  /** Quota in units a window; 0 takes the chain's parameter. */
  readonly quota: number;
  /** Window in which `quotaUsed` counts. */
  readonly quotaWindow: number;
  /** Units used in that window. */
  readonly quotaUsed: number;
}

const ROLES_ALL = 7;
const ACCOUNT_KEY_BYTES = 33;
const HASH_BYTES = 32;

/** Take an account whose fields fit together. */
export function readAccount(reader: Reader): Account {
  const frozen = reader.flag("a flag");
  const roles = reader.small(1);
  if (roles > ROLES_ALL) throw new Undecodable("unknown role");
  const [liveKeys, keyCount] = [reader.small(1), reader.small(1)];
  const algorithm = readAlgorithm(reader);
  const account: Account = {
    frozen,
    roles,
    liveKeys,
    keyCount,
    algorithm: algorithm.number,
    key: reader.take(ACCOUNT_KEY_BYTES),
    organisation: reader.small(4),
    nonceBase: reader.u64(),
    nonceUsed: toBigInt(reader.take(16)),
    balance: reader.u64(),
    quota: reader.small(4),
    quotaWindow: reader.small(4),
    quotaUsed: reader.small(4),
  };
  if (keyCount < 1 || keyCount > limits.ACCOUNT_KEYS_MAX) {
    throw new Undecodable("number of keys");
  }
  if ((liveKeys & 1) === 0 || liveKeys >> keyCount !== 0) throw new Undecodable("live keys");
  // A key that is too long for the field lies beside the account, and its hash here.
  const isHashed = algorithm.keyBytes > ACCOUNT_KEY_BYTES;
  const padding = account.key.subarray(isHashed ? HASH_BYTES : algorithm.keyBytes);
  if (!equal(padding, new Uint8Array(padding.length))) {
    throw new Undecodable("padding of the first key");
  }
  if ((account.nonceUsed & 1n) === 1n) {
    throw new Undecodable("the lowest nonce of the window is unused");
  }
  const window = account.nonceUsed === 0n ? 0 : account.nonceUsed.toString(2).length;
  if (account.nonceBase + BigInt(window) > limits.U64_MAX) {
    throw new Undecodable("2^64 - 1 and more are no nonces");
  }
  return account;
}

/** A transfer that carried a reference. */
export interface Transfer {
  /** Transaction that made it. */
  readonly transaction: Uint8Array;
  /** Index of the call in the transaction. */
  readonly call: number;
  /** Block that holds the transaction. */
  readonly height: bigint;
  /** Number of the asset. */
  readonly asset: number;
  /** Recipient. */
  readonly to: Uint8Array;
  /** Units. */
  readonly amount: bigint;
  /** The reference itself. */
  readonly reference: Uint8Array;
}

/** Take a transfer record. */
export function readTransfer(reader: Reader): Transfer {
  const most = limits.TRANSFER_REFERENCE_BYTES_MAX;
  const record: Transfer = {
    transaction: reader.take(32),
    call: reader.small(1),
    height: reader.u64(),
    asset: reader.small(4),
    to: reader.take(20),
    amount: reader.u64(),
    reference: reader.bytes(1, most, "transfer reference"),
  };
  if (record.reference.length < limits.TRANSFER_REFERENCE_BYTES_MIN) {
    throw new Undecodable("transfer reference: too short");
  }
  return record;
}
