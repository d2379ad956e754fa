/** Run the bundle, alone in Node and on a page in a browser. */

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { toHex } from "../src/bytes.js";
import type * as Api from "../src/index.js";
import { verifyProof, verifyReceipt } from "../src/index.js";
import * as files from "./files.js";

const BUNDLE = new URL("../verify.js", import.meta.url);

/** Bytes that the bundle may have; a page loads it before it shows anything. */
const BUNDLE_BYTES_MAX = 132_000;

const CHROMIUM = process.env["CHROMIUM"] ?? "chromium";

/** Time for a browser to start and verify, on a machine that does other things too. */
const BROWSER_MS_MAX = 120_000;

/**
 * Goal: one file without imports is all that a page needs. Method: look at its text and size, and
 * verify a proof with it.
 */
test("the bundle verifies alone", async () => {
  const text = readFileSync(BUNDLE, "utf8");
  assert.doesNotMatch(text, /\bimport\b\s*["'{(*]|\brequire\(|\bprocess\.|\bBuffer\b/);
  assert.ok(text.length < BUNDLE_BYTES_MAX, `${text.length} bytes`);
  const api = (await import(BUNDLE.href)) as typeof Api;
  const verified = await api.verifyProof(files.read("block.proof"), files.read("trust.json"));
  assert.equal(verified.digest, files.TABLE["block.proof"]!.digest);
});

/** A page that verifies every golden file with the bundle and writes the verdicts. */
function page(): string {
  const digits = (name: string): string => JSON.stringify(toHex(files.read(name)));
  const names = [...files.PROOFS, ...files.RECEIPTS];
  const golden = names.map((name) => `${JSON.stringify(name)}: ${digits(name)}`).join(", ");
  return `<!doctype html><meta charset="utf-8"><pre id="answer"></pre><script type="module">
${readFileSync(BUNDLE, "utf8").replace(/<\/script/g, "<\\/script")}
</script><script type="module">
const api = await import(URL.createObjectURL(new Blob(
  [document.querySelector("script").textContent], { type: "text/javascript" })));
const bytes = (hex) => Uint8Array.from(hex.match(/../g), (two) => parseInt(two, 16));
const golden = { ${golden} };
const trust = bytes(${digits("trust.json")}), original = bytes(${digits("vector.txt")});
const lines = [];
for (const [name, hex] of Object.entries(golden)) {
  for (const file of [bytes(hex), bytes(hex).fill(1, -40, -36)]) {
    const verifying = name.endsWith(".proof")
      ? api.verifyProof(file, trust) : api.verifyReceipt(file, original, trust);
    lines.push(name + " " + await verifying.then((one) => one.digest, (error) => error.code));
  }
}
document.querySelector("#answer").textContent = lines.join("\\n");
</script>`;
}

/** What the page should write: the verdicts that are found here, without the bundle. */
async function expectedAnswer(): Promise<string[]> {
  const lines: string[] = [];
  for (const name of [...files.PROOFS, ...files.RECEIPTS]) {
    const file = files.read(name);
    const verified = name.endsWith(".proof")
      ? await verifyProof(file, files.TRUST)
      : await verifyReceipt(file, files.ORIGINAL, files.TRUST);
    const refused = await files.refusal(name, file.fill(1, -40, -36));
    lines.push(`${name} ${verified.digest}`, `${name} ${refused?.code}`);
  }
  return lines;
}

const hasBrowser = spawnSync(CHROMIUM, ["--version"]).status === 0;

/**
 * Goal: pages can verify. Method: Chromium without a window opens a page with the bundle and every
 * golden file, as it is and altered; CHROMIUM names another program. Without one it is skipped.
 */
test("a page verifies", { skip: hasBrowser ? false : "no browser" }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "verify-js-"));
  try {
    writeFileSync(join(folder, "page.html"), page());
    const options = ["--headless", "--no-sandbox", "--disable-gpu", `--user-data-dir=${folder}/u`];
    const url = `file://${folder}/page.html`;
    const waiting = ["--virtual-time-budget=60000", "--dump-dom"];
    const found = execFileSync(CHROMIUM, [...options, ...waiting, url], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      timeout: BROWSER_MS_MAX,
    });
    const answer = /<pre id="answer">([^<]*)<\/pre>/.exec(found)?.[1]?.split("\n");
    assert.deepEqual(answer, await expectedAnswer());
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
