/**
 * Follow paths from a leaf of a Merkle tree to its root.
 *
 * Sources: docs/reference/proofs.md, section 6; RFC 9162, section 2.1.
 */

import { equal } from "./bytes.js";
import type { Item } from "./fields.js";
import { type Suite, leafHash, nodeHash } from "./hashing.js";
import { PROOF_PATH_MAX } from "./limits.js";
import { Refusal, malformed } from "./refusal.js";

/** Siblings from a leaf up, each with its side; shows that the leaf is in a tree. */
export type SidedPath = readonly { readonly isRight: boolean; readonly sibling: Uint8Array }[];

/** Read a path of 33-byte steps. */
export function readSidedPath(item: Item): SidedPath {
  return item
    .named("path")
    .pieces(33, PROOF_PATH_MAX)
    .map((step) => {
      if (step[0]! > 1) throw malformed("path", "a side is 0 or 1");
      return { isRight: step[0] === 1, sibling: step.subarray(1) };
    });
}

/** Check that a sided path leads from `leaf` to `root`; `what` and `name` are for messages. */
export function verifySidedPath(
  suite: Suite,
  path: SidedPath,
  leaf: Uint8Array,
  root: Uint8Array,
  what: string,
  name: string,
): void {
  let node = leafHash(suite, leaf);
  for (const { isRight, sibling } of path) {
    node = isRight ? nodeHash(suite, node, sibling) : nodeHash(suite, sibling, node);
  }
  if (!equal(node, root)) {
    const message = `the ${what} is not in the block: the path leads to another ${name}`;
    throw new Refusal("not_included", message);
  }
}

/**
 * Compute the head of a log to which an inclusion path leads (RFC 9162, section 2.1.3.2).
 *
 * Returns nothing where the path does not fit index and size.
 */
export function headOfPath(
  suite: Suite,
  entry: Uint8Array,
  index: bigint,
  size: bigint,
  path: readonly Uint8Array[],
): Uint8Array | undefined {
  if (index >= size) return undefined;
  let [place, last, node] = [index, size - 1n, leafHash(suite, entry)];
  for (const sibling of path) {
    if (last === 0n) return undefined;
    if ((place & 1n) === 1n || place === last) {
      node = nodeHash(suite, sibling, node);
      while (place !== 0n && (place & 1n) === 0n) {
        place >>= 1n;
        last >>= 1n;
      }
    } else {
      node = nodeHash(suite, node, sibling);
    }
    place >>= 1n;
    last >>= 1n;
  }
  return last === 0n ? node : undefined;
}
