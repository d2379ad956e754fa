/** Verify the golden files, and refuse everything near them. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Trust, verifyProof, verifyReceipt } from "../src/index.js";
import * as files from "./files.js";

/** Bits between two flips under a right seal in the longer files; 1 in the receipt. */
const FLIPS_APART = 29;

/**
 * Goal: all verifiers read the same facts. Method: the table was written by the one in Rust.
 */
test("proofs show what the table says", async () => {
  assert.deepEqual(files.PROOFS, Object.keys(files.TABLE).sort());
  for (const name of files.PROOFS) {
    const expected = files.TABLE[name]!;
    const verified = await verifyProof(files.read(name), files.TRUST);
    const { kind, about, digest, signers } = verified;
    const [height, time_ms] = [Number(verified.height), Number(verified.timeMs)];
    assert.deepEqual({ about, digest, height, kind, signers, time_ms }, expected, name);
    const checks = verified.steps.map((step) => step.check);
    assert.equal(checks[0], "seal");
    assert.equal(checks.at(-1), "signature");
    assert.equal(checks.includes("hand_over"), name.includes("handed-over"));
  }
});

/**
 * Goal: the receipts are good. Method: verify them for the file that they are of.
 */
test("receipts verify", async () => {
  for (const name of files.RECEIPTS) {
    const verified = await verifyReceipt(files.read(name), files.ORIGINAL, files.TRUST);
    assert.deepEqual([verified.name, verified.mediaType], ["vector.txt", "text/plain"]);
    const { log, index, size } = verified.fact;
    assert.deepEqual([log, index, size], [2, 6n, 11n]);
    assert.equal(verified.size, BigInt(files.ORIGINAL.length));
    assert.equal(verified.steps[1]!.check, "file");
  }
});

/**
 * Goal: conflicting votes of the other suite are judged alike. Method: files that the verifier in
 * Rust made and judged.
 */
test("conflicting votes of gm", async () => {
  const trust = Trust.read(files.read("gm/trust.json"));
  assert.ok(files.GM.length > 4);
  for (const name of files.GM) {
    const verdict = await files.verdict("a.proof", files.read(`gm/${name}`), trust);
    assert.equal(verdict, name.endsWith(".proof") ? "accepted" : "refused", name);
  }
});

/**
 * Goal: all verifiers decide alike. Method: altered files with the verdict of the one in Rust.
 */
test("cases have the same verdict in every verifier", async () => {
  const counts = { accepted: 0, refused: 0, bad_input: 0 };
  for (const [place, one] of files.CASES.entries()) {
    let file: Uint8Array;
    if (one.file === undefined) {
      const altered = files.read(one.name);
      for (const [at, value] of one.edits ?? []) altered[at] = value;
      file = files.sealed(one.name, altered);
    } else {
      file = files.hex(one.file);
    }
    assert.equal(await files.verdict(one.name, file), one.verdict, `case ${place}`);
    counts[one.verdict] += 1;
  }
  assert.ok(Math.min(...Object.values(counts)) > 0, JSON.stringify(counts));
  assert.equal(files.CASES.length, 361);
});

/**
 * Goal: no bit of a file can be changed. Method: flip each bit of every file.
 */
test("every bit flip is refused", async () => {
  for (const name of [...files.PROOFS, ...files.RECEIPTS]) {
    const file = files.read(name);
    for (let bit = 0; bit < 8 * file.length; bit += 1) {
      const found = await files.verdict(name, files.flipped(file, bit));
      assert.notEqual(found, "accepted", `${name}, bit ${bit}`);
    }
  }
});

/**
 * Goal: the seal is not what protects a proof. Method: flip bits and seal anew. Only the name and
 * the media type of a receipt may change: no hash covers them; and the key of which an absence is
 * shown: the same proof shows it of every key between the neighbours.
 */
test("bit flips under a right seal are refused", async () => {
  for (const name of [...files.PROOFS, ...files.RECEIPTS]) {
    const file = files.read(name);
    const free = files.uncovered(name, file);
    const step = name === "vector.receipt" ? 1 : FLIPS_APART;
    const end = 8 * (file.length - files.SEAL_BYTES);
    for (let bit = 8 * files.bodyStart(name); bit < end; bit += step) {
      const found = await files.verdict(name, files.sealed(name, files.flipped(file, bit)));
      assert.ok(found === "refused" || free.has(bit >> 3), `${name}, bit ${bit}: ${found}`);
    }
  }
});

/**
 * Goal: part of a file is told from a wrong one. Method: every length, and one byte more.
 */
test("every truncation is bad input", async () => {
  for (const name of [...files.PROOFS, ...files.RECEIPTS]) {
    const file = files.read(name);
    for (let length = 0; length < file.length; length += 1) {
      const found = await files.verdict(name, file.subarray(0, length));
      assert.equal(found, "bad_input", `${name}, ${length} bytes`);
    }
    const longer = Uint8Array.from([...file, 0]);
    assert.equal(await files.verdict(name, longer), "refused", name);
  }
});
