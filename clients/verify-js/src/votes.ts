/**
 * Check two signed votes of one validator that exclude each other: proof of misbehaviour.
 *
 * Source: docs/reference/proofs.md, section 6, kind 8. Epoch and view stand once, so that votes of
 * different views cannot be written down.
 */

import { ascii, compare, concat, equal, u64, varint } from "./bytes.js";
import { SIGNATURE_BYTES } from "./certificate.js";
import type { Context } from "./context.js";
import type { ConflictingVotesFact } from "./facts.js";
import type { Item } from "./fields.js";
import { taggedHash } from "./hashing.js";
import type { Header } from "./header.js";
import { VALIDATOR_KEY_BYTES, signedBytes, verifySignature } from "./keys.js";
import { Refusal, malformed } from "./refusal.js";

/** What a vote says, as it stands in the namespace of its signature. */
type Word = "_NOTARIZE" | "_NULLIFY" | "_FINALIZE";

/** Name of each conflict and what its votes say; the place of each is its number less one. */
const CONFLICTS = [
  { name: "two_notarizations", words: ["_NOTARIZE", "_NOTARIZE"] },
  { name: "two_finalizations", words: ["_FINALIZE", "_FINALIZE"] },
  { name: "nullification_and_finalization", words: ["_NULLIFY", "_FINALIZE"] },
] as const satisfies readonly { name: string; words: readonly [Word, Word] }[];

/** A vote: what it says, its signature, and the proposal that it is for, where it is for one. */
interface Ballot {
  readonly word: Word;
  readonly signature: Uint8Array;
  readonly proposal: { readonly parentView: bigint; readonly digest: Uint8Array } | undefined;
}

/** Two votes with whose they are. */
interface Votes {
  readonly number: number;
  readonly key: Uint8Array;
  readonly epoch: bigint;
  readonly view: bigint;
  readonly ballots: readonly [Ballot, Ballot];
}

function readBallot(item: Item, word: Word): Ballot {
  if (word === "_NULLIFY") {
    const [signature] = item.named("vote").fields(1);
    return { word, signature: signature.fixed(SIGNATURE_BYTES), proposal: undefined };
  }
  const [signature, parentView, digest] = item.named("vote").fields(3);
  const proposal = { parentView: parentView.unsigned(), digest: digest.fixed(32) };
  return { word, signature: signature.fixed(SIGNATURE_BYTES), proposal };
}

/** Say whether two votes are for different proposals and stand in their one order. */
function isOrdered([{ proposal: one }, { proposal: other }]: readonly [Ballot, Ballot]): boolean {
  if (one === undefined || other === undefined) return true;
  if (one.parentView !== other.parentView) return one.parentView < other.parentView;
  return compare(one.digest, other.digest) < 0;
}

function checkSignatures(context: Context, votes: Votes, name: string): void {
  for (const { word, signature, proposal } of votes.ballots) {
    const namespace = concat(ascii("trine/consensus/"), context.chainId, ascii(word));
    const place = concat(varint(votes.epoch), varint(votes.view));
    const rest =
      proposal === undefined
        ? new Uint8Array(0)
        : concat(varint(proposal.parentView), proposal.digest);
    const signed = signedBytes(namespace, concat(place, rest));
    if (!verifySignature(context.suite, votes.key, signed, signature)) {
      throw new Refusal("bad_signature", `the signature of validator ${name} does not verify`);
    }
    context.passed("statement", `the vote of validator ${name} is signed`);
  }
}

function verifyVotes(context: Context, header: Header, votes: Votes): ConflictingVotesFact {
  const { number, key, epoch, view, ballots } = votes;
  const change = header.epochChange;
  if (change === undefined || change.epoch !== epoch) {
    const message = `does not name the validators of epoch ${epoch}`;
    throw new Refusal("not_named", `the header of height ${header.height} ${message}`);
  }
  const validator = change.validators.find((one) => equal(one.key, key));
  if (validator === undefined) {
    const message = `the key under the votes is that of no validator of epoch ${epoch}`;
    throw new Refusal("not_a_validator", message);
  }
  if (!isOrdered(ballots)) {
    const message = "the votes do not exclude each other: expected two proposals in order";
    throw new Refusal("no_conflict", message);
  }
  // The chain of the header is compared with that of the trust file afterwards.
  checkSignatures(context, votes, validator.name);
  const parts = [Uint8Array.of(number), key, u64(epoch), u64(view)];
  const signatures = ballots.map((ballot) => ballot.signature);
  const id = taggedHash(context.suite, "trine/conflicting-votes", ...parts, ...signatures);
  const conflict = CONFLICTS[number - 1]!.name;
  return { kind: "conflicting_votes", id, conflict, validator, epoch, view };
}

/** Kind 8: conflicting votes; nothing is verified yet. */
export function readConflictingVotes(item: Item): {
  verify(context: Context, header: Header): ConflictingVotesFact;
} {
  const fields = item.fields(6);
  const number = fields[0].unsigned();
  const conflict = CONFLICTS[Number(number) - 1];
  if (conflict === undefined) {
    throw malformed("statement", `conflict ${number}, expected 1 to ${CONFLICTS.length}`);
  }
  const [word, otherWord] = conflict.words;
  const votes: Votes = {
    number: Number(number),
    key: fields[1].fixed(VALIDATOR_KEY_BYTES),
    epoch: fields[2].unsigned(),
    view: fields[3].unsigned(),
    ballots: [readBallot(fields[4], word), readBallot(fields[5], otherWord)],
  };
  return { verify: (context, header) => verifyVotes(context, header, votes) };
}
