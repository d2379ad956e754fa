/** Judge the golden files of evidence as the verifier in Python does. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { inflateSync } from "node:zlib";

import { toHex } from "../src/bytes.js";
import * as cose from "../src/evidence/cose.js";
import { proveOrigin } from "../src/evidence/origin.js";
import { readReceipt, verifyInclusion } from "../src/evidence/receipt.js";
import { readStatement } from "../src/evidence/statement.js";
import { hash } from "../src/hashing.js";
import {
  Refusal,
  type FileFacts,
  type OwnKeys,
  type StatementChecks,
  Trust,
  readCertificate,
  readCertificates,
  readKeySet,
  readPublicKey,
  readStatementCertificate,
  verifyCertificate,
  verifyReceipt,
  verifyStatement,
  verifyStatementCertificate,
} from "../src/index.js";
import * as files from "./files.js";

/** One case of `cases.json`; tests/services/golden.py says what the fields mean. */
interface Case {
  readonly name: string;
  readonly form:
    | "transparent"
    | "statement"
    | "receipt"
    | "certificate"
    | "signed_certificate"
    | "origin_certificate";
  readonly data?: string;
  readonly file?: string;
  readonly flips_apart?: number;
  readonly lengths_apart?: number;
  readonly code: string;
  readonly now_s: number;
  readonly issuer_key: string | null;
  readonly issuer_roots?: string | null;
  readonly service_key: string;
  readonly entry: string;
  readonly keys: string;
  readonly trust: string | null;
  readonly content: string | null;
}

const FOLDER = new URL("../../../../tests/services/vectors/", import.meta.url);
const read = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(name, FOLDER)));
const CASES = JSON.parse(readFileSync(new URL("cases.json", FOLDER), "utf8")) as readonly Case[];

/** Files that a case is about. */
function* filesOf(one: Case): Generator<Uint8Array> {
  const data =
    one.file === undefined
      ? new Uint8Array(inflateSync(Buffer.from(one.data!, "base64")))
      : read(one.file);
  if (one.flips_apart !== undefined) {
    for (let bit = 0; bit < 8 * data.length; bit += one.flips_apart) yield files.flipped(data, bit);
  } else if (one.lengths_apart !== undefined) {
    for (let length = 0; length < data.length; length += one.lengths_apart) {
      yield data.subarray(0, length);
    }
  } else {
    yield data;
  }
}

/** What a transparent statement of a case is checked with. */
function checksOf(one: Case): StatementChecks {
  return {
    nowS: one.now_s,
    issuerKey: one.issuer_key === null ? undefined : readPublicKey(one.issuer_key),
    issuerRoots: one.issuer_roots ? readCertificates(read(one.issuer_roots)) : undefined,
    serviceKeys: readKeySet(read(one.keys)),
    trust: one.trust === null ? undefined : read(one.trust),
    content: one.content === null ? undefined : read(one.content),
  };
}

/** The file that a case is about, hashed as its chain does. */
function contentOf(one: Case): FileFacts {
  const content = read(one.content!);
  const { suite } = Trust.read(read(one.trust!));
  return { digest: hash(suite, content), size: BigInt(content.length) };
}

async function judged(one: Case, data: Uint8Array): Promise<string> {
  switch (one.form) {
    case "statement": {
      const { message } = readStatement(data, one.now_s);
      cose.verifySign1(message, readPublicKey(one.issuer_key!));
      return "verified";
    }
    case "receipt": {
      const key = readPublicKey(one.service_key);
      verifyInclusion(readReceipt(data), files.hex(one.entry), key);
      return "verified";
    }
    case "certificate": {
      const found = await verifyCertificate(data, read(one.content!), read(one.trust!));
      assert.deepEqual(
        found.unchecked.map(({ check }) => check),
        ["page"],
      );
      return "verified";
    }
    case "origin_certificate": {
      const found = await verifyCertificate(data, contentOf(one), read(one.trust!));
      assert.equal(found.origin?.organisation, "city", one.name);
      return "verified";
    }
    case "signed_certificate": {
      const content = read(one.content!);
      const found = await verifyStatementCertificate(data, read(one.trust!), {}, content);
      const left = found.unchecked.map(({ check }) => check);
      assert.deepEqual(left, ["issuer_inside", "service_inside", "page"]);
      return "verified";
    }
    case "transparent": {
      const found = await verifyStatement(data, checksOf(one));
      return found.receipts.every(({ chain }) => chain !== undefined) ? "verified" : "unchained";
    }
  }
}

async function codeOf(one: Case, data: Uint8Array): Promise<string> {
  try {
    return await judged(one, data);
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}

/** Write codes as the cases do: what repeats, once. */
function runs(codes: readonly string[]): string {
  const found: [string, number][] = [];
  for (const code of codes) {
    const last = found.at(-1);
    if (last?.[0] === code) last[1] += 1;
    else found.push([code, 1]);
  }
  return found.map(([code, count]) => (count === 1 ? code : `${code}*${count}`)).join(" ");
}

/**
 * Goal: every verifier decides alike, with the same code. Method: right, wrong, hostile, cut and
 * altered files, with the codes of the verifier in Python.
 */
test("cases of evidence have the code of the verifier in Python", async () => {
  assert.ok(CASES.length > 200);
  for (const one of CASES) {
    const codes: string[] = [];
    for (const data of filesOf(one)) codes.push(await codeOf(one, data));
    assert.equal(runs(codes), one.code, one.name);
  }
});

const NAMED = new Map(CASES.map((one) => [one.name, one]));
const [RIGHT] = filesOf(NAMED.get("ed25519: right")!);
const CHECKS = checksOf(NAMED.get("ed25519: right")!);

/**
 * Goal: the facts are those that were signed. Method: the golden statement, whose words are known.
 */
test("a statement shows its facts", async () => {
  const found = await verifyStatement(RIGHT!, CHECKS);
  assert.deepEqual(
    [found.issuer, found.subject, found.contentType, found.issuedAtS, found.contentFunction],
    ["https://city.example", "report.txt", "text/plain", 1_700_000_000, "SHA-256"],
  );
  const [receipt] = found.receipts;
  assert.ok(receipt !== undefined && found.receipts.length === 1);
  const { service, log, index, size, isSizeSigned, chain } = receipt;
  assert.deepEqual(
    [service, log, index, size, isSizeSigned],
    ["https://log.example", "city/statements", 1n, 3n, true],
  );
  assert.ok(chain !== undefined);
  assert.deepEqual([chain.chain, chain.height, chain.signers], ["made-up", 7n, ["n0", "n1", "n2"]]);
  assert.equal(toHex(chain.fact.entry), receipt.entry);
  const checks = new Set(found.steps.map(({ check }) => check));
  for (const check of ["message", "issuer", "inclusion", "service", "signature", "content"]) {
    assert.ok(checks.has(check as never), check);
  }
  assert.deepEqual(found.unchecked, []);
});

/**
 * Goal: no index that nothing shows. Method: a receipt with a wrong proof before the right one.
 */
test("the place is that of the proof that holds", () => {
  const one = NAMED.get("second proof holds")!;
  const [data] = filesOf(one);
  const key = readPublicKey(one.service_key);
  const { index, size } = verifyInclusion(readReceipt(data!), files.hex(one.entry), key);
  assert.deepEqual([index, size], [0n, 2n]);
});

/**
 * Goal: what was not given is not called checked. Method: leave each out, and all.
 */
test("what is left out is said to be unchecked", async () => {
  const left = async (...names: readonly (keyof StatementChecks)[]): Promise<string[]> => {
    const rest = { ...CHECKS, ...Object.fromEntries(names.map((name) => [name, undefined])) };
    const found = await verifyStatement(RIGHT!, rest);
    return found.unchecked.map(({ check }) => check);
  };
  assert.deepEqual(await left("issuerKey"), ["issuer"]);
  assert.deepEqual(await left("serviceKeys"), ["service"]);
  assert.deepEqual(await left("trust"), ["chain"]);
  assert.deepEqual(await left("content"), ["content"]);
  const every = await left("issuerKey", "serviceKeys", "trust", "content");
  assert.deepEqual(every, ["issuer", "service", "chain", "content"]);
});

/**
 * Goal: a reader learns how far the check came. Method: a refusal at the end has the steps before.
 */
test("a refusal tells which steps had passed", async () => {
  const other = { ...CHECKS, content: new Uint8Array(3) };
  await assert.rejects(verifyStatement(RIGHT!, other), (error: unknown) => {
    assert.ok(error instanceof Refusal);
    assert.deepEqual([error.code, error.verdict], ["file_differs", "refused"]);
    assert.equal(error.steps[0]?.check, "message");
    assert.equal(error.steps.at(-1)?.check, "signature");
    return true;
  });
  const trust = Trust.read(read("intl-other-trust.json"));
  await assert.rejects(verifyStatement(RIGHT!, { ...CHECKS, trust }), (error: unknown) => {
    assert.ok(error instanceof Refusal);
    assert.equal(error.code, "proof_mismatch");
    const checks = error.steps.map(({ check }) => check);
    assert.ok(checks.includes("service") && !checks.includes("signature"), checks.join());
    return true;
  });
});

/**
 * Goal: a file is compared as a stream too. Method: the content in pieces of one byte.
 */
test("content may come in pieces", async () => {
  const content = (async function* pieces(): AsyncGenerator<Uint8Array> {
    for (const byte of read("report.txt")) yield Uint8Array.of(byte);
  })();
  const found = await verifyStatement(RIGHT!, { ...CHECKS, content });
  assert.equal(found.steps.at(-1)?.check, "content");
});

/**
 * Goal: a reader learns by whom the issuer is known. Method: the golden chains, whose names and
 * times are known.
 */
test("a statement shows its issuer's certificate", async () => {
  const families = { mixed: "root", ed25519: "root", gm: "root" };
  for (const [name, root] of Object.entries(families)) {
    const one = NAMED.get(`${name} issuer: right`)!;
    const [data] = filesOf(one);
    const found = await verifyStatement(data!, checksOf(one));
    const path = ["CN=lab,O=City", "CN=middle,O=City", `CN=${root},O=City`];
    assert.deepEqual(found.certificate, { subject: path[0], root: path[2], path });
    assert.deepEqual(found.unchecked, []);
    const step = found.steps.find(({ check }) => check === "vouched");
    const words = "certificate of CN=lab,O=City for https://lab.example/water, by CN=root,O=City";
    assert.equal(step?.text, `${words}, in force on 2023-11-14T22:14:20.000Z`);
    const bare = await verifyStatement(data!, { ...checksOf(one), issuerRoots: undefined });
    assert.equal(bare.certificate, undefined);
    assert.deepEqual(bare.unchecked.map(({ check }) => check), ["issuer"]);
  }
});

/**
 * Goal: certificates are under the signature, and checked. Method: flip bits of whole statements;
 * everything but the places of receipts, which other tests alter, is covered.
 */
test("no altered statement with certificates is accepted", async () => {
  const apart = { mixed: 97, ed25519: 197, gm: 1601 };
  for (const [name, step] of Object.entries(apart)) {
    const one = NAMED.get(`${name} issuer: right`)!;
    const [data] = filesOf(one);
    for (let bit = 0; bit < 8 * data!.length; bit += step) {
      assert.notEqual(await codeOf(one, files.flipped(data!, bit)), "verified", `${name}, ${bit}`);
    }
  }
});

/** Judge the certificate of a statement by the codes of its refusal. */
async function codeOfSigned(data: Uint8Array, suite: string, own?: OwnKeys): Promise<string> {
  try {
    await verifyStatementCertificate(data, read(`${suite}-trust.json`), own, read("report.txt"));
    return "verified";
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}

/**
 * Goal: statement and keys in a certificate are checked, whoever is the issuer. Method: flip bits of
 * the statement and of the root or key; none is accepted but what is the same key in other letters.
 */
test("no altered certificate of a statement is accepted", async () => {
  for (const [kind, suite, apart] of [
    ["ed25519", "intl", 29],
    ["sm2", "gm", 211],
    ["root", "intl", 61],
  ] as const) {
    const whole = read(`signed-${kind}.pdf`);
    const { statement } = readStatementCertificate(whole);
    const start = Buffer.from(whole).indexOf(statement);
    assert.equal(await codeOfSigned(whole, suite), "verified");
    for (let bit = 8 * start; bit < 8 * (start + statement.length); bit += apart) {
      const code = await codeOfSigned(files.flipped(whole, bit), suite);
      assert.notEqual(code, "verified", `${kind}, bit ${bit}`);
    }
  }
});

/**
 * Goal: nobody else's name is shown. Method: right proofs, then proofs of other things in each place:
 * another or a failed transaction, another account, another value of the state.
 */
test("proofs by whom belong to the entry", async () => {
  for (const suite of ["intl", "gm"] as const) {
    const part = (name: string): Uint8Array => read(`origin/${suite}/${name}`);
    const trust = Trust.read(part("trust.json"));
    const content = part("report.txt");
    const facts = { digest: hash(suite, content), size: BigInt(content.length) };
    const receipt = await verifyReceipt(part("report.txt.receipt"), facts, trust);
    const prove = async (...names: readonly string[]): Promise<string> => {
      try {
        const proofs = names.map((name) => part(`${name}.proof`));
        return (await proveOrigin(proofs, receipt, trust)).origin.organisation;
      } catch (error) {
        if (error instanceof Refusal) return error.code;
        throw error;
      }
    };
    const [sent, account, record] = ["transaction", "account", "organisation"];
    assert.equal(await prove(sent, account, record), "city");
    assert.equal(await prove("other-transaction", account, record), "origin_mismatch");
    assert.equal(await prove("failed", account, record), "origin_mismatch");
    assert.equal(await prove(sent, "other-account", record), "origin_mismatch");
    assert.equal(await prove(sent, account, "other-state"), "origin_mismatch");
    assert.equal(await prove(sent, account, "block"), "origin_mismatch");
    assert.equal(await prove(sent, account), "origin_mismatch");
    const three = [sent, account, record].map((name) => part(`${name}.proof`));
    const before = { ...receipt.fact, index: receipt.fact.index - 1n };
    await assert.rejects(proveOrigin(three, { ...receipt, fact: before }, trust), {
      code: "origin_mismatch",
    });
  }
});

/**
 * Goal: keys in a PDF are no more than what it says. Method: without own keys, they are named; with
 * own ones the page alone is left; with those of others, nothing is accepted.
 */
test("own keys count more than those in a certificate", async () => {
  const whole = read("signed-ed25519.pdf");
  const trust = read("intl-trust.json");
  const issuerKey = readPublicKey(NAMED.get("ed25519: right")!.issuer_key!);
  const serviceKeys = readKeySet(read("intl-keys.cbor"));
  const left = async (own?: OwnKeys): Promise<string[]> => {
    const found = await verifyStatementCertificate(whole, trust, own, read("report.txt"));
    return found.unchecked.map(({ check }) => check);
  };
  assert.deepEqual(await left(), ["issuer_inside", "service_inside", "page"]);
  assert.deepEqual(await left({ issuerKey }), ["service_inside", "page"]);
  assert.deepEqual(await left({ issuerKey, serviceKeys }), ["page"]);
  const other = readPublicKey(`ed25519:${"11".repeat(32)}`);
  assert.equal(await codeOfSigned(whole, "intl", { issuerKey: other }), "cose_signature");
  const roots = { issuerRoots: readCertificates(read("ed25519-foreign-roots.pem")) };
  assert.equal(await codeOfSigned(read("signed-root.pdf"), "intl", roots), "unknown_issuer");
  const services = { serviceKeys: readKeySet(read("gm-keys.cbor")) };
  assert.equal(await codeOfSigned(whole, "intl", services), "bad_receipt");
});

/**
 * Goal: what is no certificate is refused, and nothing else is thrown. Method: the golden roots
 * with bits flipped and cut, and texts that are none.
 */
test("roots are read strictly", () => {
  assert.equal(readCertificates(read("mixed-both-roots.pem")).length, 2);
  const pem = new TextDecoder().decode(read("gm-roots.pem"));
  const body = pem.split("\n").filter((line) => !line.startsWith("-----")).join("");
  const der = new Uint8Array(Buffer.from(body, "base64"));
  const [one] = readCertificates(der);
  assert.deepEqual([one!.subject, one!.isAuthority, one!.key.kind], ["CN=root,O=City", true, "sm2"]);
  const codes = new Set<string>();
  const tried = (data: Uint8Array): void => {
    try {
      readCertificates(data);
    } catch (error) {
      assert.ok(error instanceof Refusal, String(error));
      codes.add(error.code);
    }
  };
  for (let bit = 0; bit < 8 * der.length; bit += 1) tried(files.flipped(der, bit));
  assert.deepEqual([...codes].sort(), ["bad_certificate", "unsupported_certificate"]);
  for (let length = 0; length < der.length; length += 1) {
    assert.throws(() => readCertificates(der.subarray(0, length)), { code: "bad_certificate" });
  }
  for (const text of ["", "-----BEGIN CERTIFICATE-----", pem.replace("M", "*")]) {
    const bytes = new TextEncoder().encode(text);
    assert.throws(() => readCertificates(bytes), { code: "bad_certificate" });
  }
});

/**
 * Goal: the receipt in a certificate is the receipt. Method: compare it with the golden file.
 */
test("a certificate holds its receipt", () => {
  const { language, receipt } = readCertificate(read("certificate.pdf"));
  assert.equal(language, "en");
  assert.equal(toHex(receipt), toHex(files.read("vector.receipt")));
});

/**
 * Goal: keys that are none are refused, and nothing else is thrown. Method: the golden sets with
 * every byte altered and at every length; keys written wrongly.
 */
test("sets of keys are read strictly", () => {
  for (const name of ["intl-keys.cbor", "gm-keys.cbor"]) {
    const right = read(name);
    assert.equal(readKeySet(right).length, 1);
    for (let length = 0; length < right.length; length += 1) {
      assert.throws(() => readKeySet(right.subarray(0, length)), { code: "bad_header" });
    }
    for (let bit = 0; bit < 8 * right.length; bit += 1) {
      try {
        readKeySet(files.flipped(right, bit));
      } catch (error) {
        assert.ok(error instanceof Refusal && error.code === "bad_header", `${name}, bit ${bit}`);
      }
    }
    assert.throws(() => readKeySet(Uint8Array.from([...right, 0])), { code: "bad_header" });
  }
  for (const text of ["", "ed25519", "ed25519:0", "ed25519:zz", "a:00:00"]) {
    assert.throws(() => readPublicKey(text), { code: "bad_argument" });
  }
});
