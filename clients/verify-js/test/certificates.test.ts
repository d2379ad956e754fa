/** Test certificates and hand-overs of both suites with proofs that are made here. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { ascii } from "../src/bytes.js";
import type { Suite } from "../src/hashing.js";
import { Refusal, verifyProof, verifyReceipt } from "../src/index.js";
import * as making from "./making.js";

const { blockProof, chain, header, signer } = making;

const numbers = [0, 1, 2, 3];
/** A set of each suite, and one of `intl` in which the algorithms are mixed. */
const SETS: readonly (readonly [Suite, readonly making.Signer[]])[] = [
  ["intl", numbers.map((number) => signer(1, number))],
  ["intl", numbers.map((number) => signer(number % 2 === 0 ? 1 : 3, number))],
  ["gm", numbers.map((number) => signer(2, number))],
];

async function reasonOf(file: Uint8Array, trust: string): Promise<string> {
  try {
    await verifyProof(file, trust);
  } catch (error) {
    if (error instanceof Refusal) return error.reason;
    throw error;
  }
  return "accepted";
}

/**
 * Goal: every algorithm with which validators sign is verified, and a quorum suffices. Method: sets
 * of each suite; all sign, a quorum signs, one fewer signs.
 */
test("a quorum of either suite certifies", async () => {
  for (const [suite, set] of SETS) {
    const trust = making.trustFile(suite, set);
    const one = header({ height: 7n, epoch: 0n });
    const by = (count: number): Promise<string> =>
      reasonOf(blockProof(suite, chain(suite, [one], 0n, set, set.slice(0, count))), trust);
    assert.deepEqual(
      [await by(4), await by(3), await by(2)],
      ["accepted", "accepted", "too_few_signatures"],
      suite,
    );
  }
});

/**
 * Goal: no signature can be changed. Method: flip bits of a signature of each algorithm, and give a
 * signature to another signer.
 */
test("altered signatures are refused", async () => {
  for (const [suite, set] of SETS) {
    const trust = making.trustFile(suite, set);
    const one = header({ height: 7n, epoch: 0n });
    for (let bit = 0; bit < 2 * 512; bit += 13) {
      const flip = (right: readonly Uint8Array[]): readonly Uint8Array[] =>
        right.map((signature, place) => {
          const copy = signature.slice();
          if (place === bit >> 9) copy[(bit & 511) >> 3]! ^= 1 << (bit & 7);
          return copy;
        });
      const file = blockProof(suite, chain(suite, [one], 0n, set, set, { signatures: flip }));
      assert.equal(await reasonOf(file, trust), "bad_signature", `${suite}, bit ${bit}`);
    }
    const turn = (right: readonly Uint8Array[]): readonly Uint8Array[] => [...right].reverse();
    const file = blockProof(suite, chain(suite, [one], 0n, set, set, { signatures: turn }));
    assert.equal(await reasonOf(file, trust), "bad_signature");
  }
});

/**
 * Goal: each rule of a certified chain decides (proofs.md, section 4). Method: break one at a time.
 */
test("each rule of a chain decides", async () => {
  const [suite, set] = SETS[0]!;
  const trust = making.trustFile(suite, set);
  const one = header({ height: 7n, epoch: 0n });
  const parent = making.digestOf(suite, one);
  const next = header({ height: 8n, epoch: 0n, parent });
  const shown = (headers: readonly Uint8Array[], altered?: making.CertificateFields) =>
    reasonOf(blockProof(suite, chain(suite, headers, 0n, set, set, altered)), trust);
  assert.equal(await shown([one, next]), "accepted");
  assert.equal(await shown([next, one]), "broken_chain");
  assert.equal(await shown([one, header({ height: 9n, epoch: 0n, parent })]), "broken_chain");
  assert.equal(await shown([one, header({ height: 8n, epoch: 0n })]), "broken_chain");
  const stranger = header({ height: 7n, epoch: 0n, chainId: new Uint8Array(32) });
  assert.equal(await shown([stranger]), "other_chain");
  assert.equal(await shown([one], { digest: new Uint8Array(32) }), "other_block");
  assert.equal(await shown([one], { epoch: 1n }), "wrong_epoch");
  const fields = [[], [0x0f, 0], [0x1f], [0x07]].map((field) => Uint8Array.from(field));
  for (const signersField of fields) {
    assert.equal(await shown([one], { signersField }), "bad_signers");
  }
  assert.equal(await shown([], { digest: parent }), "malformed");
});

/**
 * Goal: trust passes from set to set, and only as proofs.md, section 5, says. Method: hand-overs
 * that are right, and wrong in one way each, in either suite.
 */
test("hand-overs are followed", async () => {
  for (const [suite, first] of SETS) {
    const algorithm = suite === "gm" ? 2 : 1;
    const second = numbers.map((number) => signer(algorithm, 10 + number));
    const trust = making.trustFile(suite, first);
    const last = (epoch: bigint, change?: readonly [bigint, readonly making.Signer[]]) =>
      header({ height: 7n, epoch, ...(change === undefined ? {} : { change }) });
    const over = chain(suite, [last(0n, [1n, second])], 0n, first);
    const shown = chain(suite, [header({ height: 9n, epoch: 1n })], 1n, second);
    const reason = (chainShown: Uint8Array, ...overs: readonly Uint8Array[]) =>
      reasonOf(blockProof(suite, chainShown, overs), trust);
    assert.equal(await reason(shown, over), "accepted");
    assert.equal(await reason(shown), "bad_signature");
    assert.equal(await reason(shown, over, over), "bad_signature");
    assert.equal(await reason(shown, chain(suite, [last(0n)], 0n, first)), "not_a_hand_over");
    const skips = chain(suite, [last(0n, [2n, second])], 0n, first);
    assert.equal(await reason(shown, skips), "not_a_hand_over");
    const byOthers = chain(suite, [last(0n, [1n, second])], 0n, second);
    assert.equal(await reason(shown, byOthers), "bad_signature");
    const early = chain(suite, [header({ height: 9n, epoch: 0n })], 0n, second);
    assert.equal(await reason(early, over), "epoch_before_trust");
    const later = making.trustFile(suite, second, 1n);
    assert.equal(await reasonOf(blockProof(suite, shown, [over]), later), "accepted");
  }
});

/**
 * Goal: validators of another suite are none. Method: hand over to keys of the other suite, and
 * name them in a trust file.
 */
test("keys of another suite are refused", async () => {
  const [, intl] = SETS[0]!;
  const [, gm] = SETS[2]!;
  for (const [suite, own, other] of [["intl", intl, gm], ["gm", gm, intl]] as const) {
    const change = [1n, other] as const;
    const over = chain(suite, [header({ height: 7n, epoch: 0n, change })], 0n, own);
    const shown = chain(suite, [header({ height: 9n, epoch: 1n })], 1n, other);
    const file = blockProof(suite, shown, [over]);
    assert.equal(await reasonOf(file, making.trustFile(suite, own)), "bad_signature");
    assert.equal(await reasonOf(file, making.trustFile(suite, other)), "unusable_trust");
  }
});

/**
 * Goal: receipts of either suite verify. Method: receipts that are made here, for their file and
 * for another.
 */
test("receipts of either suite verify", async () => {
  for (const [suite, set] of SETS) {
    const trust = making.trustFile(suite, set);
    const file = making.receipt(suite, set, ascii("contents"));
    const verified = await verifyReceipt(file, ascii("contents"), trust);
    const { log, index, size } = verified.fact;
    assert.deepEqual([log, index, size, verified.height], [5, 0n, 1n, 7n]);
    const other = verifyReceipt(file, ascii("CONTENTS"), trust);
    await assert.rejects(other, { code: "file_altered" });
  }
});
