/** Compare hashes and signatures with standards and with other implementations. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { ed25519 } from "@noble/curves/ed25519.js";

import { ascii, concat, toHex } from "../src/bytes.js";
import { start } from "../src/hashing.js";
import { validatorKey, verifySignature } from "../src/keys.js";
import { verifySm2 } from "../src/sm2.js";
import { hex } from "./files.js";
import { signSm2 } from "./making.js";

/**
 * Goal: SM3 is that of the standard. Method: its two examples (GB/T 32905-2016, annex A); every
 * length around one and two blocks, in one part and in two, against OpenSSL.
 */
test("SM3 hashes as the standard says", () => {
  const digest = (...parts: readonly Uint8Array[]): string => {
    const function_ = start("gm");
    parts.forEach((part) => function_.update(part));
    return toHex(function_.digest());
  };
  const first = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0";
  const second = "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732";
  assert.equal(digest(ascii("abc")), first);
  assert.equal(digest(ascii("abcd".repeat(16))), second);
  const data = Uint8Array.from({ length: 300 }, (_, place) => (place * place) & 0xff);
  for (let length = 0; length <= data.length; length += 1) {
    const part = data.subarray(0, length);
    const expected = createHash("sm3").update(part).digest("hex");
    assert.equal(digest(part), expected, `${length} bytes`);
    assert.equal(digest(part.subarray(0, length >> 1), part.subarray(length >> 1)), expected);
  }
});

/**
 * Goal: SM2 is that of the standard. Method: the example of GB/T 32918.5-2017, annex A.2, signed
 * here too; then each number of the signature out of its range.
 */
test("SM2 verifies as the standard says", () => {
  const secret = 0x3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8n;
  const k = 0x59276e27d506861a16680f3ad9c02dccef3cc1fa3cdbe4ce6d54b80deac1bc21n;
  const key = hex("0309f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020");
  const r = hex("f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3");
  const s = hex("b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa");
  const order = hex("fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123");
  const message = ascii("message digest");
  assert.equal(toHex(signSm2(secret, message, k)), toHex(concat(r, s)));
  assert.ok(verifySm2(key, message, concat(r, s)));
  assert.ok(!verifySm2(key, ascii("message digesT"), concat(r, s)));
  assert.ok(!verifySm2(concat(Uint8Array.of(2), key.subarray(1)), message, concat(r, s)));
  for (const wrong of [new Uint8Array(32), order, new Uint8Array(32).fill(0xff)]) {
    assert.ok(!verifySm2(key, message, concat(wrong, s)));
    assert.ok(!verifySm2(key, message, concat(r, wrong)));
  }
  assert.ok(!verifySm2(key, message, concat(r, s, Uint8Array.of(0))));
  assert.ok(!verifySm2(new Uint8Array(33).fill(2), message, concat(r, s)));
});

/**
 * Goal: Ed25519 follows ZIP 215, where it differs from RFC 8032. Method: the points of small order
 * in all their encodings as key and as R with s = 0, all of which ZIP 215 accepts; s at the order.
 */
test("Ed25519 follows ZIP 215", () => {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  const prime = 2n ** 255n - 19n;
  const write = (number: bigint): Uint8Array =>
    Uint8Array.from({ length: 32 }, (_, at) => Number((number >> BigInt(8 * at)) & 0xffn));
  // y of points of order 8: one of the roots of d y^4 + 2 y^2 - 1 (doubling gives y = 0).
  const eighth = 0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n;
  const ys = [0n, 1n, prime - 1n, prime, prime + 1n, eighth, prime - eighth];
  const points = ys.flatMap((y) => [y, y | (2n ** 255n)]).map(write);
  let refusedByRfc = 0;
  for (const key of points) {
    const form = validatorKey("intl", 1, key);
    assert.ok(form, toHex(key));
    for (const r of points) {
      const signature = concat(r, new Uint8Array(32));
      assert.ok(verifySignature("intl", form, ascii("Zcash"), signature), toHex(key));
      refusedByRfc += Number(!ed25519.verify(signature, ascii("Zcash"), key, { zip215: false }));
      const high = concat(r, write(order));
      assert.ok(!verifySignature("intl", form, ascii("Zcash"), high));
    }
  }
  assert.equal(refusedByRfc, points.length ** 2);
  assert.equal(validatorKey("intl", 1, write(2n)), undefined);
});
