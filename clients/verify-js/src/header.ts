/** Decode a block's header: what validators certify (docs/reference/wire.md, section 8). */

import { compare, equal } from "./bytes.js";
import { type Suite, taggedHash } from "./hashing.js";
import { VALIDATOR_KEY_BYTES } from "./keys.js";
import * as limits from "./limits.js";
import { type Reader, Undecodable } from "./wire.js";

/** What a header commits about one authenticated database. */
export interface StateCommitment {
  /** Root that proofs of current values lead to. */
  readonly root: Uint8Array;
  /** Root over the log of operations. */
  readonly operationsRoot: Uint8Array;
  /** First operation that state sync needs. */
  readonly floor: bigint;
  /** Number of operations. */
  readonly size: bigint;
}

/** One validator. */
export interface Validator {
  /** Key that signs its votes: number of the algorithm, the key, zeros to 34 bytes. */
  readonly key: Uint8Array;
  /** Number of the organisation that runs it. */
  readonly organisation: number;
  /** Name for people. */
  readonly name: string;
  /** Where peers reach it, as `host:port`. */
  readonly address: string;
}

/** What the last block of an epoch commits: who decides the next two epochs. */
export interface EpochChange {
  /** The epoch that begins after this block. */
  readonly epoch: bigint;
  /** Validators of that epoch, ordered by key. */
  readonly validators: readonly Validator[];
  /** Validators of the epoch after it, where they differ. */
  readonly following: readonly Validator[] | undefined;
}

/** The header of a block. */
export interface Header {
  /** The bytes from which it was decoded: its one encoding. */
  readonly encoded: Uint8Array;
  /** Chain. */
  readonly chainId: Uint8Array;
  /** Position in the chain. */
  readonly height: bigint;
  /** Epoch in which it was proposed. */
  readonly epoch: bigint;
  /** View of the consensus in which it was proposed. */
  readonly view: bigint;
  /** View of its parent. */
  readonly parentView: bigint;
  /** Key of the validator that proposed it. */
  readonly proposer: Uint8Array;
  /** Digest of the parent's header. */
  readonly parent: Uint8Array;
  /** Block time in Unix milliseconds. */
  readonly timeMs: bigint;
  /** Root over the transactions. */
  readonly bodyRoot: Uint8Array;
  /** Root over the outcomes. */
  readonly outcomeRoot: Uint8Array;
  /** Root over the heads of the evidence logs. */
  readonly evidenceRoot: Uint8Array;
  /** State of the accounts after this block. */
  readonly accounts: StateCommitment;
  /** State of everything else after this block. */
  readonly values: StateCommitment;
  /** How often the chain's parameters have changed. */
  readonly parametersVersion: bigint;
  /** Next validators; on genesis and on the last block of an epoch. */
  readonly epochChange: EpochChange | undefined;
  /** Room for what later versions add. */
  readonly extension: Uint8Array;
}

/** Version of the header format: the first byte of a header. */
const HEADER_VERSION = 1;

function readCommitment(reader: Reader): StateCommitment {
  return {
    root: reader.take(32),
    operationsRoot: reader.take(32),
    floor: reader.u64(),
    size: reader.u64(),
  };
}

function readValidator(reader: Reader): Validator {
  return {
    key: reader.take(VALIDATOR_KEY_BYTES),
    organisation: reader.small(4),
    name: reader.text(limits.NAME_BYTES_MAX, "name"),
    address: reader.text(limits.ADDRESS_TEXT_BYTES_MAX, "address"),
  };
}

/** Take a set of validators: 1 to 100, ordered by key, no key twice. */
function readValidators(reader: Reader): Validator[] {
  const most = limits.VALIDATORS_MAX;
  const members = reader.list(2, 1, most, "validators", () => readValidator(reader));
  members.forEach((member, place) => {
    if (place > 0 && compare(members[place - 1]!.key, member.key) >= 0) {
      throw new Undecodable("validators are ordered by key, each once");
    }
  });
  return members;
}

function isSameSet(left: readonly Validator[], right: readonly Validator[]): boolean {
  const isSame = (one: Validator, other: Validator): boolean =>
    equal(one.key, other.key) &&
    one.organisation === other.organisation &&
    one.name === other.name &&
    one.address === other.address;
  return left.length === right.length && left.every((one, place) => isSame(one, right[place]!));
}

function readEpochChange(reader: Reader): EpochChange {
  const epoch = reader.u64();
  const validators = readValidators(reader);
  const following = reader.flag("an option's first byte") ? readValidators(reader) : undefined;
  if (following !== undefined && isSameSet(following, validators)) {
    throw new Undecodable("a following set that does not differ");
  }
  return { epoch, validators, following };
}

/** Take a header that fills `encoded`; `reader` is at its front. */
export function readHeader(encoded: Uint8Array, reader: Reader): Header {
  if (reader.small(1) !== HEADER_VERSION) throw new Undecodable("unknown version");
  return {
    encoded,
    chainId: reader.take(32),
    height: reader.u64(),
    epoch: reader.u64(),
    view: reader.u64(),
    parentView: reader.u64(),
    proposer: reader.take(VALIDATOR_KEY_BYTES),
    parent: reader.take(32),
    timeMs: reader.u64(),
    bodyRoot: reader.take(32),
    outcomeRoot: reader.take(32),
    evidenceRoot: reader.take(32),
    accounts: readCommitment(reader),
    values: readCommitment(reader),
    parametersVersion: reader.u64(),
    epochChange: reader.flag("an option's first byte") ? readEpochChange(reader) : undefined,
    extension: reader.bytes(2, limits.EXTENSION_BYTES_MAX, "extension"),
  };
}

/** Hash a header: what validators certify and the next header names as its parent. */
export function headerDigest(suite: Suite, header: Header): Uint8Array {
  return taggedHash(suite, "trine/header", header.encoded);
}
