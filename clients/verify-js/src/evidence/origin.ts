/**
 * Check three proofs that show by whom an entry was recorded: the transaction that appended it, the
 * account that sent it, and the organisation's record.
 *
 * Source: docs/reference/certificate.md, "By whom".
 */

import { concat, equal, fromUtf8, toHex, u32 } from "../bytes.js";
import { taggedHash } from "../hashing.js";
import { algorithmOf } from "../keys.js";
import { type Verified, verifyProof } from "../proof.js";
import type { VerifiedReceipt } from "../receipt.js";
import type { Call, Event } from "../records.js";
import type { Step } from "../refusal.js";
import type { Trust } from "../trust.js";
import { Reader, Undecodable, decode } from "../wire.js";
import { refused } from "./cbor.js";

/** Proof files: transaction, account, organisation. */
export const PROOFS = 3;

/** Module and method of `evidence.append` (docs/reference/wire.md, section 5). */
const [EVIDENCE, APPEND] = [4, 2] as const;
/** Number of the event that follows from it (section 6). */
const APPENDED = 2;
/** Number of the table of organisations (section 7). */
const ORGANISATION_TABLE = Uint8Array.of(4);
const MEDIA_TYPE_BYTES_MAX = 127;
const REFERENCE_BYTES_MAX = 64;
const ENTRIES_MAX = 1000;
const NAME_BYTES_MAX = 32;

/** By whom an entry was recorded. */
export interface Origin {
  /** Name of the organisation, as the chain's registry has it. */
  readonly organisation: string;
  /** Number of the organisation. */
  readonly number: number;
  /** The organisation's account that sent the transaction, in hexadecimal digits. */
  readonly account: string;
  /** First key of the account as `ALGORITHM:HEX`, where that signed and its record holds it. */
  readonly key: string | undefined;
  /** Number of the key that signed. */
  readonly keyIndex: number;
  /** The transaction, in hexadecimal digits. */
  readonly transaction: string;
  /** Block of the transaction. */
  readonly height: bigint;
  /** Block at which key and name were as shown. */
  readonly knownHeight: bigint;
}

/** What proofs showed, and the steps of their checks. */
export interface ProvenOrigin {
  readonly origin: Origin;
  readonly steps: readonly Step[];
}

/** A call that appends entries, with where its log had the first of them. */
interface Appended {
  readonly log: number;
  readonly first: bigint;
  readonly entries: readonly Uint8Array[];
}

function entriesOf({ arguments: encoded }: Call): readonly Uint8Array[] {
  return decode(encoded, (reader) => {
    reader.small(4);
    reader.text(MEDIA_TYPE_BYTES_MAX, "media type");
    reader.bytes(1, REFERENCE_BYTES_MAX, "reference");
    return reader.list(2, 1, ENTRIES_MAX, "entries", () => reader.take(32));
  });
}

/** Pair each call that appends with the event that it emitted: they come in the same order. */
function appendedBy(calls: readonly Call[], events: readonly Event[]): readonly Appended[] {
  const emitter = Uint8Array.of(...new Uint8Array(19), EVIDENCE);
  const made = events.filter((one) => equal(one.emitter, emitter) && one.data[0] === APPENDED);
  return calls
    .filter(({ module, method }) => module === EVIDENCE && method === APPEND)
    .map((call, place) => {
      const reader = new Reader(made[place]?.data ?? new Uint8Array());
      reader.take(1);
      return { log: reader.small(4), first: reader.u64(), entries: entriesOf(call) };
    });
}

function holds({ log, first, entries }: Appended, { fact }: VerifiedReceipt): boolean {
  const entry = entries[Number(fact.index - first)];
  return log === fact.log && fact.index >= first && entry !== undefined && equal(entry, fact.entry);
}

/** Read the transaction that recorded an entry, and check that it did. */
function sentBy(said: Verified, receipt: VerifiedReceipt): { sender: Uint8Array; index: number } {
  const { fact } = said;
  if (fact.kind !== "transaction" || fact.outcome.code !== 0) {
    const text = "the first proof is not about a transaction that succeeded";
    throw refused("origin_mismatch", text);
  }
  const { calls, sender, keyIndex } = fact.transaction;
  try {
    if (appendedBy(calls, fact.outcome.events).some((one) => holds(one, receipt))) {
      return { sender, index: keyIndex };
    }
  } catch (error) {
    if (!(error instanceof Undecodable)) throw error;
  }
  const { index, log } = receipt.fact;
  const text = `transaction ${said.about} did not append entry ${index} of log ${log}`;
  throw refused("origin_mismatch", text);
}

/** Return the account's first key, where that has the number of the one that signed. */
function keyOf(number: number, padded: Uint8Array, index: number): string | undefined {
  const algorithm = algorithmOf(number);
  if (algorithm === undefined || index !== 0 || algorithm.keyBytes > padded.length) return undefined;
  return `${algorithm.label}:${toHex(padded.subarray(0, algorithm.keyBytes))}`;
}

/** Read the name in an organisation's record (section 7, table 4). */
function nameOf(record: Uint8Array): string {
  const name = fromUtf8(record.subarray(1, 1 + record[0]!));
  if (name === undefined || record[0]! > NAME_BYTES_MAX) {
    throw refused("origin_mismatch", "the organisation's record has no name");
  }
  return name;
}

/**
 * Check that three proofs show by whom the entry of a verified receipt was recorded.
 *
 * @throws {@link Refusal} where one does not hold or is about something else.
 */
export async function proveOrigin(
  proofs: readonly Uint8Array[],
  receipt: VerifiedReceipt,
  trust: Trust,
): Promise<ProvenOrigin> {
  const [first, second, third] = proofs;
  if (first === undefined || second === undefined || third === undefined) {
    throw refused("origin_mismatch", `${proofs.length} proofs, expected ${PROOFS}`);
  }
  const said = await verifyProof(first, trust);
  const account = await verifyProof(second, trust);
  const record = await verifyProof(third, trust);
  const { sender, index } = sentBy(said, receipt);
  if (account.fact.kind !== "account" || !equal(account.fact.address, sender)) {
    const text = "the second proof is not about the account that sent the transaction";
    throw refused("origin_mismatch", text);
  }
  const { organisation: number, algorithm, key } = account.fact.account;
  const parts = [ORGANISATION_TABLE, u32(number)];
  const digest = taggedHash(trust.suite, "trine/state-key", ...parts);
  const wanted = concat(ORGANISATION_TABLE, digest.subarray(0, 31));
  if (record.fact.kind !== "value" || !equal(record.fact.key, wanted)) {
    const text = "the third proof is not about the organisation of the account";
    throw refused("origin_mismatch", text);
  }
  const origin: Origin = {
    organisation: nameOf(record.fact.value),
    number,
    account: toHex(sender),
    key: keyOf(algorithm, key, index),
    keyIndex: index,
    transaction: said.about,
    height: said.height,
    knownHeight: account.height,
  };
  const whose = `account ${origin.account} of ${origin.organisation}`;
  const texts = [
    `transaction ${origin.transaction} in block ${origin.height} appended this entry`,
    `${whose} sent it, as of block ${origin.knownHeight}`,
  ];
  return { origin, steps: texts.map((text) => ({ check: "origin", text })) };
}
