/** Read and verify a `.proof` file (docs/reference/proofs.md). */

import { toHex } from "./bytes.js";
import { type CertifiedChain, readChain, readHandOvers, verifyFinal } from "./chain.js";
import { type Context, verifyUnder } from "./context.js";
import { openEnvelope } from "./envelope.js";
import { type Fact, aboutOf } from "./facts.js";
import { Item } from "./fields.js";
import type { Header } from "./header.js";
import type { Step } from "./refusal.js";
import { type Statement, readStatement } from "./statements.js";
import type { Trust } from "./trust.js";

/** What a proof showed. */
export interface Verified {
  /** Name of the chain in the trust file. */
  readonly chain: string;
  /** Kind of the statement. */
  readonly kind: Fact["kind"];
  /**
   * What it is about, in hexadecimal digits: the transaction's identifier (also of a transfer), the
   * block's digest, the address, the state key, the entry.
   */
  readonly about: string;
  /** Height of the block that the fact is about. */
  readonly height: bigint;
  /** Time of that block, in Unix milliseconds. */
  readonly timeMs: bigint;
  /** Digest of that block's header, in hexadecimal digits. */
  readonly digest: string;
  /** Names of the validators that certified it. */
  readonly signers: readonly string[];
  /** What was shown, in full. */
  readonly fact: Fact;
  /** Header of the block. */
  readonly header: Header;
  /** Every check that was made, in order. */
  readonly steps: readonly Step[];
}

/** A statement about a block with everything that shows it. */
export interface Proof {
  /** What is said about the block. */
  readonly statement: Statement;
  /** The block, shown to be final. */
  readonly chain: CertifiedChain;
  /** Hand-overs from one set of validators to the next, oldest first. */
  readonly handOvers: readonly CertifiedChain[];
}

/** Read the body of a proof; nothing is verified yet. */
export function readProof(body: Uint8Array): Proof {
  const [kind, statement, chain, handOvers] = Item.read(body, "proof").fields(4);
  return {
    statement: readStatement(kind.named("statement").unsigned(), statement),
    chain: readChain(chain),
    handOvers: readHandOvers(handOvers),
  };
}

/** Check a proof that was read: the statement first, since hashes cost less than signatures. */
export function checkProof(context: Context, proof: Proof): Verified {
  const fact = proof.statement.verify(context, proof.chain.header);
  const { header, digest, signers } = verifyFinal(context, proof.chain, proof.handOvers);
  return {
    chain: context.trust.chain,
    kind: fact.kind,
    about: aboutOf(fact, digest),
    height: header.height,
    timeMs: header.timeMs,
    digest: toHex(digest),
    signers,
    fact,
    header,
    steps: context.steps,
  };
}

/**
 * Verify a `.proof` file, offline.
 *
 * @param proof The whole file.
 * @param trust Contents of `trust.json`, or what {@link Trust.read} made of them.
 * @returns What the proof shows.
 * @throws {@link Refusal}, for any input that is not accepted, and nothing else.
 */
export async function verifyProof(
  proof: Uint8Array,
  trust: string | Uint8Array | Trust,
): Promise<Verified> {
  return verifyUnder(trust, (context) => {
    const body = openEnvelope(context.suite, "proof", proof);
    context.passed("seal", "the file is a proof of version 1, and its seal matches");
    return checkProof(context, readProof(body));
  });
}
