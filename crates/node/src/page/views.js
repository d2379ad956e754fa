// Show one thing: a block, transaction, account, transfer or evidence entry, with its proof.

import { find } from "./api.js";
import { dateTime, el, number, table, viewLink } from "./dom.js";
import { callName, outcomePill } from "./live.js";
import { field, t } from "./text.js";

const SHOWN_IDS_MAX = 200;
const RECENT_IDS = 20;
const HEIGHT_DIGITS_MAX = 16;
const REFERENCE_BYTES_MIN = 16;
const REFERENCE_BYTES_MAX = 64;

/** Which view shows the thing that a field names. */
const LINKS = {
  height: "block", transaction: "transaction", sender: "account", address: "account",
  to: "account", from: "account",
};

/**
 * Finds what a reader typed.
 *
 * @param {string} query height, transaction id, address, entry digest or transfer reference
 * @returns {Promise<[string, string]|null>} view and key
 * @throws {Problem} the node cannot be reached
 */
export async function search(query) {
  const text = query.trim();
  const plain = text.replaceAll(",", "");
  if (/^\d+$/.test(plain) && plain.length <= HEIGHT_DIGITS_MAX) return ["block", plain];
  const hex = text.replace(/^0x/i, "").toLowerCase();
  const isHex = /^([0-9a-f]{2})+$/.test(hex);
  const tried = [];
  if (isHex && hex.length === 64) {
    tried.push(["transaction", hex, `/v1/transactions/${hex}`]);
    tried.push(["entry", hex, `/v1/entries/${hex}`]);
  }
  if (isHex && hex.length === 40) tried.push(["account", hex, `/v1/accounts/${hex}`]);
  const typed = new TextEncoder().encode(text);
  const asText = Array.from(typed, (byte) => byte.toString(16).padStart(2, "0")).join("");
  for (const reference of isHex ? [hex, asText] : [asText]) {
    const bytes = reference.length / 2;
    if (bytes < REFERENCE_BYTES_MIN || bytes > REFERENCE_BYTES_MAX) continue;
    tried.push(["reference", reference, `/v1/transfers?reference=${reference}`]);
  }
  for (const [view, key, path] of tried) {
    const found = await find(path);
    if (found && (view !== "reference" || found.transfers.length)) return [view, key];
  }
  return null;
}

/** Fields of an object as a list; nested objects as lists inside it. */
function facts(object, skipped = []) {
  const shown = Object.entries(object).filter(([name, value]) =>
    !skipped.includes(name) && value !== null && value !== undefined && value !== "");
  return el("dl", { class: "facts" },
    ...shown.flatMap(([name, value]) => [
      el("dt", {}, field(name)), el("dd", {}, factValue(name, value)),
    ]));
}

function factValue(name, value) {
  if (Array.isArray(value)) {
    if (!value.length) return t("none");
    const parts = value.map((one) => el("div", {}, factValue("", one)));
    return el("div", {}, ...parts.slice(0, SHOWN_IDS_MAX),
      parts.length > SHOWN_IDS_MAX
        ? t("more", { n: number(parts.length - SHOWN_IDS_MAX) }) : null);
  }
  if (typeof value === "object") return facts(value);
  if (typeof value === "boolean") return value ? t("yes") : t("no");
  if (name.endsWith("_ms")) return `${dateTime(Number(value))} (${value})`;
  const isHex = /^[0-9a-f]{16,}$/.test(value);
  if (name in LINKS && (LINKS[name] === "block" || isHex)) {
    return viewLink(LINKS[name], value, { whole: true });
  }
  if (typeof value === "number" || typeof value === "bigint") return number(value);
  return isHex ? el("code", {}, value) : value;
}

function proof(path, name) {
  const file = `${name}.proof`;
  return el("div", { class: "proof" },
    el("p", {}, el("a", { href: `${path}/proof`, download: file }, t("download_proof"))),
    el("p", { class: "quiet" }, t("proof_hint")),
    el("pre", { tabindex: "0" }, `trine proof verify ${file} --trust trust.json`));
}

/** Puts together the parts of a result: heading, links, content. */
function page(title, ...content) {
  return el("section", { class: "card" },
    el("div", { class: "toolbar" }, el("a", { href: "#/" }, `← ${t("back")}`)),
    el("h1", { tabindex: "-1" }, title), ...content);
}

async function blockView(key, overview) {
  const path = `/v1/blocks/${key}`;
  const block = await find(path);
  if (!block) return null;
  const { transactions, ...all } = block;
  const height = Number(all.height);
  const proposer = overview.validator(all.proposer);
  const { digest, time_ms: timeMs, epoch } = all;
  const ordered = { height: all.height, digest, time_ms: timeMs, epoch, ...all };
  const known = { ...ordered, proposer: `${proposer} · ${all.proposer}` };
  const steps = el("div", { class: "toolbar" },
    height > 0 ? el("a", { href: `#/block/${height - 1}` }, `← ${t("previous")}`) : null,
    height < overview.height
      ? el("a", { href: `#/block/${height + 1}` }, `${t("next")} →`) : null);
  const listed = transactions.slice(0, SHOWN_IDS_MAX)
    .map((id, i) => [number(i), viewLink("transaction", id, { whole: true })]);
  const hidden = transactions.length - listed.length;
  const columns = [{ title: "#", class: "nowrap" }, { title: t("transaction") }];
  return page(`${t("block")} ${number(height)}`, steps, facts(known),
    el("h3", {}, `${t("transactions")} (${number(transactions.length)})`),
    listed.length ? table(t("transactions"), columns, listed) : t("none"),
    hidden > 0 ? el("p", { class: "quiet" }, t("more", { n: number(hidden) })) : null,
    proof(path, `block-${height}`));
}

async function transactionView(key) {
  const path = `/v1/transactions/${key}`;
  const found = await find(path);
  if (!found) return page(t("transaction"), el("p", {}, t("not_included")));
  const { calls, outcome, ...rest } = found;
  const parts = calls.flatMap((call, i) => [
    el("h3", {}, `${t("call", { n: number(i + 1) })}: ${callName(call)}`),
    facts(call.decoded ?? { arguments: call.arguments }),
  ]);
  const events = (outcome.events ?? []).flatMap((event) => [facts(event), el("br")]);
  return page(t("transaction"), el("p", {}, outcomePill(outcome)), facts(rest), ...parts,
    el("h3", {}, t("outcome")), facts(outcome, ["events"]),
    events.length ? el("h3", {}, t("events")) : null, ...events.slice(0, -1),
    proof(path, `transaction-${key.slice(0, 8)}`));
}

async function accountView(key, overview) {
  const path = `/v1/accounts/${key}`;
  const found = await find(path);
  if (!found) return null;
  const recent = await find(`${path}/transactions?limit=${RECENT_IDS}`);
  const listed = (recent?.transactions ?? []).map((id) =>
    el("div", {}, viewLink("transaction", id, { whole: true })));
  const { organisation_name: name, ...account } = found;
  const organisation = name ?? String(overview.organisation(account.organisation));
  return page(t("account"), facts({ ...account, organisation }, ["nonce_used"]),
    listed.length ? el("h3", {}, t("recent_transactions")) : null, ...listed,
    proof(path, `account-${key.slice(0, 8)}`));
}

async function referenceView(key) {
  const found = await find(`/v1/transfers?reference=${key}`);
  if (!found?.transfers.length) return null;
  const parts = found.transfers.flatMap((transfer, i) => {
    const path = `/v1/transfers/${transfer.sender}/${key}`;
    return [facts(transfer), proof(path, `transfer-${key.slice(0, 8)}-${i + 1}`)];
  });
  return page(t("transfers"), ...parts);
}

async function entryView(key) {
  const found = await find(`/v1/entries/${key}`);
  if (!found) return null;
  const path = `/v1/logs/${found.log}/entries/${found.index}`;
  return page(t("entry"), facts(found), proof(path, `entry-${key.slice(0, 8)}`));
}

const VIEWS = {
  block: blockView,
  transaction: transactionView,
  account: accountView,
  reference: referenceView,
  entry: entryView,
};

/** What is shown where nothing was found. */
export function nothing(query) {
  return page(t("nothing", { query }), el("p", { class: "quiet" }, t("nothing_hint")));
}

/** What is shown where the node refused. */
export function refused(error) {
  if (error.code === "unsigned_read") return page(t("closed_hint"));
  return page(t("problem", { detail: error.message, code: error.code ?? "internal" }));
}

/**
 * Builds a view.
 *
 * @param {string} view one of the names in `VIEWS`
 * @param {string} key
 * @param {Overview} overview gives names for numbers and keys
 * @throws {Problem} the node cannot be reached
 */
export async function show(view, key, overview) {
  const build = VIEWS[view];
  return (build ? await build(key, overview) : null) ?? nothing(key);
}
