/** Build `dist/verify.html`: the whole page in one file that asks the network for nothing. */

import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";

import { buildSync } from "esbuild";

import { REFUSAL_CODES } from "../dist/src/refusal.js";

const HERE = new URL("./", import.meta.url);
const ROOT = new URL("../../../", HERE);

const read = (url) => readFileSync(url, "utf8").replaceAll("\r\n", "\n");

/** Take the causes of refusals out of the explanations of `trine explain`. */
function causesOf(language) {
  const toml = read(new URL(`src/trine/_cli/explanations/${language}.toml`, ROOT));
  const causes = {};
  for (const code of REFUSAL_CODES) {
    const found = new RegExp(`^\\[${code}\\]\\ncause = ("(?!"")(?:[^"\\\\]|\\\\.)*")$`, "m").exec(toml);
    if (found === null) throw new Error(`${language}.toml has no cause of ${code} on one line`);
    causes[code] = JSON.parse(found[1]);
  }
  return causes;
}

/** Bundle the script; what would end its element or change its reading is written otherwise. */
function script() {
  const causes = { en: causesOf("en"), zh: causesOf("zh") };
  const { outputFiles } = buildSync({
    entryPoints: [new URL("main.ts", HERE).pathname],
    bundle: true,
    charset: "utf8",
    define: { CAUSES: JSON.stringify(causes) },
    format: "iife",
    legalComments: "none",
    minify: true,
    target: "es2022",
    write: false,
  });
  return outputFiles[0].text.trim().replace(/<(\/script|script|!--)/gi, "\\x3c$1");
}

const hashOf = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

const parts = {
  script: script(),
  style: `\n${read(new URL("style.css", HERE))}`,
  icon: Buffer.from(read(new URL("crates/node/src/page/icon.svg", ROOT))).toString("base64"),
  version: JSON.parse(read(new URL("../package.json", HERE))).version,
};
const policy = [
  "default-src 'none'",
  `script-src ${hashOf(parts.script)}`,
  `style-src ${hashOf(parts.style)}`,
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");
const page = read(new URL("index.html", HERE)).replace(
  /\{(policy|icon|style|script|version)\}/g,
  (_, name) => (name === "policy" ? policy : parts[name]),
);
writeFileSync(new URL("../dist/verify.html", HERE), page);
