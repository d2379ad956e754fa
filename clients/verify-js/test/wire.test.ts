/** Decode the golden values of the wire, and refuse what is near them. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { concat, toHex } from "../src/bytes.js";
import { headerDigest, readHeader } from "../src/header.js";
import * as records from "../src/records.js";
import { Undecodable, decode } from "../src/wire.js";
import * as files from "./files.js";

/**
 * Goal: the wire's values are read as wire.md says. Method: its golden values, each ending early,
 * with a byte more, and the refused ones.
 */
test("wire values decode strictly", () => {
  const { headers, outcomes, accounts, transactions, refused_transactions } = files.WIRE;
  const readers = [
    [headers, (data: Uint8Array) => decode(data, (reader) => readHeader(data, reader))],
    [outcomes, (data: Uint8Array) => decode(data, records.readOutcome)],
    [accounts, (data: Uint8Array) => decode(data, records.readAccount)],
    [transactions, (data: Uint8Array) => decode(data, records.readTransaction)],
  ] as const;
  for (const [values, read] of readers) {
    for (const value of values!) {
      const data = files.hex(value["bytes"]!);
      read(data);
      for (let length = 0; length < data.length; length += 7) {
        assert.throws(() => read(data.subarray(0, length)), Undecodable);
      }
      assert.throws(() => read(concat(data, Uint8Array.of(0))), Undecodable);
    }
  }
  for (const value of refused_transactions!) {
    const data = files.hex(value["bytes"]!);
    assert.throws(() => decode(data, records.readTransaction), Undecodable);
  }
});

/**
 * Goal: each field of a value is the right one. Method: the golden values say their fields.
 */
test("wire values have the fields that the golden values say", () => {
  const plain = (value: unknown): string =>
    value instanceof Uint8Array ? toHex(value) : String(value);
  const agree = (found: object, expected: Readonly<Record<string, unknown>>): void => {
    for (const [name, value] of Object.entries(expected)) {
      const own = name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
      const field = (found as Readonly<Record<string, unknown>>)[own];
      if (field === undefined || Array.isArray(field)) continue;
      // JSON rounds the golden numbers, so that both sides are rounded here.
      const isNumber = typeof field === "number" || typeof field === "bigint";
      assert.equal(isNumber ? plain(Number(field)) : plain(field), plain(value), name);
    }
  };
  const { headers, outcomes, accounts, transactions } = files.WIRE;
  for (const value of headers!) {
    const data = files.hex(value["bytes"]!);
    const header = decode(data, (reader) => readHeader(data, reader));
    assert.equal(toHex(headerDigest("intl", header)), value["digest"]);
  }
  for (const value of outcomes!) {
    agree(decode(files.hex(value["bytes"]!), records.readOutcome), value);
  }
  for (const value of accounts!) {
    const found = decode(files.hex(value["bytes"]!), records.readAccount);
    const key = found.key.subarray(0, value["key"]!.length / 2);
    const nonceUsed = found.nonceUsed.toString(16).padStart(32, "0");
    agree({ ...found, key, nonceUsed }, value);
  }
  for (const value of transactions!) {
    const data = files.hex(value["bytes"]!);
    const transaction = decode(data, records.readTransaction);
    agree(transaction, value);
    assert.equal(toHex(records.transactionId("intl", data, transaction)), value["id"]);
  }
});

/**
 * Goal: the numbers of verdicts are those of the model. Method: read them from its source.
 */
test("verdict numbers are the model's", () => {
  const found = [...files.PYTHON_VERDICTS.matchAll(/number=(\d+)\)/g)].map((one) => Number(one[1]));
  const own = Array.from({ length: 65_536 }, (_, number) => number).filter(records.isVerdict);
  assert.deepEqual(own, [0, ...found].sort((left, right) => left - right));
});
