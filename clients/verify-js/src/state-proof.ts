/**
 * Check that an operation of a state database is active: it holds the current value of its key.
 *
 * Source: docs/reference/proofs.md, section 7, whose steps are numbered here too.
 */

import { concat, equal, u64 } from "./bytes.js";
import type { Item } from "./fields.js";
import { type Suite, hash } from "./hashing.js";
import type { StateCommitment } from "./header.js";
import { PROOF_PATH_MAX } from "./limits.js";
import { Refusal } from "./refusal.js";

/** Bytes of one chunk of the activity bits. */
const CHUNK_BYTES = 64;
/** Operations whose bits one chunk holds. */
const CHUNK_BITS = 512n;
/** Height of the nodes that cover one chunk's operations. */
const GRAFTING_HEIGHT = 9;
/** Operations of the largest mountain range. */
const OPERATIONS_MAX = 2n ** 62n;
/** First bytes under every root: mountain range, peaks folded from the right. */
const ROOT_DOMAIN = Uint8Array.of(0, 1);

/** Shows that one operation is active. */
export interface StateProof {
  /** Location of the operation, from 0. */
  readonly location: bigint;
  /** Activity bits of the 512 operations around it. */
  readonly chunk: Uint8Array;
  /** Siblings from the leaf up to the mountain's peak. */
  readonly path: readonly Uint8Array[];
  /** The row of peaks without the operation's own. */
  readonly peaks: readonly Uint8Array[];
  /** Digest of the last chunk where it is incomplete and another one, else empty. */
  readonly lastChunk: Uint8Array;
}

/** A perfect tree over `2^height` operations. */
interface Mountain {
  readonly height: number;
  /** Location after its last operation. */
  readonly end: bigint;
}

/** Read a state proof; nothing is verified yet. */
export function readStateProof(item: Item): StateProof {
  const [location, chunk, path, peaks, lastChunk] = item.named("state proof").fields(5);
  return {
    location: location.unsigned(),
    chunk: chunk.fixed(CHUNK_BYTES),
    path: path.pieces(32, PROOF_PATH_MAX),
    peaks: peaks.pieces(32, PROOF_PATH_MAX),
    lastChunk: lastChunk.bytes().length === 0 ? lastChunk.bytes() : lastChunk.fixed(32),
  };
}

/** Split `size` operations into mountains: one for each bit set, the highest first. */
export function mountains(size: bigint): Mountain[] {
  const found: Mountain[] = [];
  let end = 0n;
  for (let height = 62; height >= 0; height -= 1) {
    if (((size >> BigInt(height)) & 1n) === 1n) {
      end += 1n << BigInt(height);
      found.push({ height, end });
    }
  }
  return found;
}

/** Number of a node in the order in which nodes come into being; leaves have height 0. */
export function nodePosition(first: bigint, height: number): bigint {
  let ones = 0n;
  for (let rest = first; rest > 0n; rest >>= 1n) ones += rest & 1n;
  return 2n * first - ones + (2n << BigInt(height)) - 2n;
}

/** Hash from the leaf to the peak, taking in the chunk on the way (step 3). */
function climb(suite: Suite, proof: StateProof, operation: Uint8Array): Uint8Array {
  const { location } = proof;
  let node = hash(suite, u64(nodePosition(location, 0)), operation);
  proof.path.forEach((sibling, place) => {
    const height = place + 1;
    const first = (location >> BigInt(height)) << BigInt(height);
    const isOnRight = ((location >> BigInt(place)) & 1n) === 1n;
    const pair = isOnRight ? concat(sibling, node) : concat(node, sibling);
    node = hash(suite, u64(nodePosition(first, height)), pair);
    if (height === GRAFTING_HEIGHT) node = hash(suite, proof.chunk, node);
  });
  return node;
}

/** Join the grafted root with what else the root commits to (step 6). */
function combine(
  suite: Suite,
  proof: StateProof,
  grafted: Uint8Array,
  commitment: StateCommitment,
): Uint8Array | undefined {
  const [complete, rest] = [commitment.size / CHUNK_BITS, commitment.size % CHUNK_BITS];
  const isInLast = proof.location / CHUNK_BITS === complete;
  if (proof.lastChunk.length > 0 !== (rest > 0n && !isInLast)) return undefined;
  if (rest === 0n) return hash(suite, commitment.operationsRoot, grafted);
  const last = isInLast ? hash(suite, proof.chunk) : proof.lastChunk;
  return hash(suite, commitment.operationsRoot, grafted, u64(rest), last);
}

/** Compute the root, or nothing where the parts do not fit the commitment. */
function rootOf(
  suite: Suite,
  proof: StateProof,
  operation: Uint8Array,
  commitment: StateCommitment,
): Uint8Array | undefined {
  const { size, floor } = commitment;
  const { location } = proof;
  if (location >= size || size > OPERATIONS_MAX) return undefined; // step 1
  const row = mountains(size);
  const place = row.findIndex((mountain) => location < mountain.end); // step 2
  if (proof.path.length !== row[place]!.height) return undefined;
  const inactive = row.filter((mountain) => mountain.end <= floor).length; // step 4
  if (inactive > place) return undefined;
  const left = (inactive > 0 ? 1 : 0) + (place - inactive); // step 5
  const right = place + 1 < row.length ? 1 : 0;
  if (proof.peaks.length !== left + right) return undefined;
  const peaks = [...proof.peaks];
  peaks.splice(left, 0, climb(suite, proof, operation));
  const folded = peaks.reduceRight((node, peak) => hash(suite, peak, node));
  const boundary = inactive > 0 ? u64(BigInt(inactive)) : new Uint8Array();
  const grafted = hash(suite, ROOT_DOMAIN, u64(size), boundary, folded);
  return combine(suite, proof, grafted, commitment);
}

/** Check that `operation` is active under `commitment`; `what` names it in messages. */
export function verifyStateProof(
  suite: Suite,
  proof: StateProof,
  operation: Uint8Array,
  commitment: StateCommitment,
  what: string,
): void {
  const bit = Number(proof.location % CHUNK_BITS);
  if (((proof.chunk[bit >> 3]! >> (bit & 7)) & 1) === 0) {
    throw new Refusal("not_current", `the ${what} is not current: its activity bit is not set`);
  }
  const root = rootOf(suite, proof, operation, commitment);
  if (root === undefined || !equal(root, commitment.root)) {
    const message = `the ${what} is not in the block: the path leads to another root`;
    throw new Refusal("not_included", message);
  }
}
