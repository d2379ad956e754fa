// Keep the overview current: figures, chart, validators, latest blocks and transactions.

import { BlockStream, find, get } from "./api.js";
import { RateChart } from "./chart.js";
import { ago, byId, clock, el, number, pill, rate, table, viewLink, write } from "./dom.js";
import { t } from "./text.js";

const STATUS_MS = 2_000;
const TRANSACTIONS_MS = 2_500;
const DRAW_MS = 500;
const BLOCKS_KEPT = 240;
const HISTORY_MS = 120_000;
const PAGE_BLOCKS = 100;
const PAGES_MAX = 15;
const ROWS = 10;
const QUIET_MS = 10_000;

/** The overview of one chain. */
export class Overview {
  constructor() {
    this.status = null;
    this.blocks = [];
    this.rows = [];
    this.known = new Map();
    this.connected = null;
    // The chain's clock less the browser's: the two machines need not agree.
    this.clockLeadMs = 0;
    this.chart = new RateChart(byId("chart"), byId("chart-reading"));
  }

  /** Follows the chain for as long as the page is seen; waits a moment for what is there. */
  async start() {
    const loaded = this.follow();
    // A browser opens few connections to a node: pages that nobody looks at must not hold them.
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.follow();
      else this.stream?.close();
    });
    every(STATUS_MS, () => this.refresh());
    every(TRANSACTIONS_MS, () => this.refreshTransactions());
    every(DRAW_MS, () => this.draw());
    await Promise.race([loaded, pause(STATUS_MS)]);
    this.refreshTransactions();
    this.render();
  }

  async follow() {
    const mine = Symbol("following");
    this.following = mine;
    while (!(await this.load()) && mine === this.following) await pause(STATUS_MS);
    if (mine !== this.following || document.hidden) return;
    this.stream?.close();
    if (this.closed) return;
    const next = (this.blocks.at(-1)?.height ?? this.status?.height ?? 0) + 1;
    this.stream = new BlockStream(next, (block) => this.add(block), (connected) => {
      this.connected = connected;
      this.renderConnection();
    });
  }

  /** Loads status and history; false where the node is not ready yet. */
  async load() {
    await this.poll();
    if (this.closed) return true;
    try {
      await this.loadHistory();
    } catch {
      return false;
    }
    return this.status !== null;
  }

  /** Loads the blocks of the chart's span, a bounded number of pages. */
  async loadHistory() {
    let from = "";
    this.chart.clear();
    for (let page = 0; page < PAGES_MAX; page += 1) {
      const answer = await find(`/v1/blocks?limit=${PAGE_BLOCKS}${from}`);
      const blocks = answer?.blocks ?? [];
      blocks.forEach((block) => this.chart.add(block.time_ms, block.transactions));
      if (page === 0) this.blocks = blocks.toReversed();
      const oldest = blocks.at(-1);
      if (!oldest || oldest.height === 0 || oldest.time_ms < Date.now() - HISTORY_MS) return;
      from = `&before=${oldest.height}`;
    }
  }

  /** Takes in a block that has just become final. */
  add(block) {
    this.blocks.push(block);
    if (this.blocks.length > BLOCKS_KEPT) this.blocks.shift();
    this.chart.add(block.time_ms, block.transactions);
    this.clockLeadMs = block.time_ms - Date.now();
    this.lastSeenMs = Date.now();
    this.changed = true;
  }

  /** Whether the chain is not read by anyone: the page has no key, so it shows no records. */
  get closed() {
    return (this.status?.read_access ?? "anyone") !== "anyone";
  }

  /** Asks for the status again; a vote may have closed the chain, or opened it. */
  async refresh() {
    const before = this.closed;
    await this.poll();
    if (before !== this.closed) this.follow();
  }

  async poll() {
    try {
      const before = this.status?.height;
      this.status = await get("/v1/status");
      if (this.closed) {
        this.connected = true;
        if (this.status.height !== before) this.lastSeenMs = Date.now();
      } else if (!this.organisations && this.status.height >= 0) await this.loadOrganisations();
      this.renderStatus();
    } catch {
      this.connected = false;
      this.renderConnection();
    }
  }

  async loadOrganisations() {
    const answer = await find("/v1/organisations");
    const listed = answer?.organisations ?? [];
    this.organisations = new Map(listed.map(({ id, name }) => [id, name]));
  }

  /** Name of an organisation; the node may give its number. */
  organisation(value) {
    return this.organisations?.get(value) ?? value ?? "–";
  }

  /** Name of the validator with this key. */
  validator(key) {
    return this.status?.validators?.find((one) => one.key === key)?.name ?? `${key}`.slice(0, 8);
  }

  get nowMs() {
    return Date.now() + this.clockLeadMs;
  }

  get height() {
    return Math.max(this.status?.height ?? 0, this.blocks.at(-1)?.height ?? 0);
  }

  /** Blocks a second over the last ten seconds that this page saw; else what the node says. */
  blockRate() {
    const from = this.nowMs - 10_000;
    if (this.closed) return this.status.blocks_per_s;
    const recent = this.blocks.filter((block) => block.time_ms > from).length;
    return recent ? recent / 10 : this.status?.blocks_per_s ?? 0;
  }

  draw() {
    if (document.hidden) return;
    write("height", number(this.height));
    write("block-rate", rate(this.blockRate()));
    const { closed } = this;
    const seen = closed ? this.status.transactions_per_s : this.chart.rate(this.nowMs);
    write("transaction-rate", rate(seen));
    const last = closed ? this.status.time_ms : this.blocks.at(-1)?.time_ms ?? this.status?.time_ms;
    write("last-block", last ? ago(this.nowMs - last) : "–");
    this.renderConnection();
    if (closed) return;
    this.chart.draw(this.nowMs);
    if (this.changed) this.renderBlocks();
    this.changed = false;
  }

  /** Draws everything anew, as after a change of language. */
  render() {
    this.changed = true;
    this.renderStatus();
    this.renderTransactions();
    this.draw();
  }

  renderConnection() {
    const quietMs = Date.now() - (this.lastSeenMs ?? Date.now());
    const [state, text] = this.connected === null ? ["waiting", t("waiting")]
      : !this.connected ? ["bad", t("lost")]
      : quietMs > QUIET_MS ? ["warn", t("idle", { n: number(Math.floor(quietMs / 1000)) })]
      : ["good", t("live")];
    byId("connection").dataset.state = state;
    write("connection", text);
  }

  renderStatus() {
    const { status } = this;
    if (!status) return;
    document.title = `${status.chain} · Trine`;
    write("chain", status.chain);
    const detail = `${t("chain_id")} ${status.chain_id.slice(0, 12)}… · `;
    write("chain-detail", detail + t("suite", { suite: status.suite }));
    byId("chain-detail").title = status.chain_id;
    write("pending", number(status.pending?.transactions ?? 0));
    write("epoch", number(status.epoch));
    byId("closed").hidden = !this.closed;
    for (const id of ["search", "history", "records"]) byId(id).hidden = this.closed;
    if (this.closed) write("closed-title", t(`closed_${status.read_access}`));
    const { name, is_validator: votes } = status.node;
    const role = votes ? t("validator") : t("follower");
    write("node", `${t("node", { name, version: status.version })} · ${role}`);
    this.renderValidators();
  }

  /** How a validator stands, as the node judges it: colour and words. */
  standing({ healthy, height }) {
    if (healthy) return ["good", t("in_step")];
    if (height === null) return ["bad", t("unreachable")];
    const behind = Math.max(0, this.status.height - height);
    return ["warn", t("behind_by", { n: number(behind) })];
  }

  renderValidators() {
    const all = this.status.validators ?? [];
    const standings = all.map((one) => this.standing(one));
    const good = standings.filter(([state]) => state === "good").length;
    const n = number(all.length);
    write("validators-summary", good === all.length ? t("validators_good", { n })
      : t("validators_some", { good: number(good), n }));
    const rows = all.map((one, i) => [
      one.name, String(this.organisation(one.organisation)),
      one.height === null ? "–" : number(one.height), pill(...standings[i]),
    ]);
    byId("validators").replaceChildren(table(t("validators"), [
      { title: t("name") }, { title: t("organisation") },
      { title: t("height"), class: "number" }, { title: t("state") },
    ], rows));
  }

  renderBlocks() {
    const newest = this.blocks.slice(-ROWS).toReversed();
    byId("blocks").replaceChildren(newest.length ? table(t("latest_blocks"), [
      { title: t("height") }, { title: t("time"), class: "nowrap" },
      { title: t("transactions"), class: "number" }, { title: t("digest"), class: "wide" },
    ], newest.map((block) => [
      viewLink("block", block.height), clock(block.time_ms), number(block.transactions),
      el("span", { class: "mono", title: block.digest }, `${block.digest.slice(0, 8)}…`),
    ])) : t("none_yet"));
  }

  /** Looks at the newest block that holds transactions, whatever the chain's rate. */
  async refreshTransactions() {
    if (this.closed) return;
    const block = this.blocks.findLast((one) => one.transactions > 0);
    if (!block || block.height === this.shownHeight) return;
    const listed = await find(`/v1/blocks/${block.height}`).catch(() => null);
    if (!listed) return;
    this.shownHeight = block.height;
    const ids = listed.transactions.slice(-ROWS).toReversed();
    const kept = this.rows.filter((row) => !ids.includes(row.id));
    const asked = ids.map((id) => find(`/v1/transactions/${id}`).catch(() => null));
    const fresh = (await Promise.all(asked)).filter(Boolean);
    this.rows = [...fresh, ...kept].slice(0, ROWS);
    this.renderTransactions();
  }

  renderTransactions() {
    byId("transactions").replaceChildren(this.rows.length ? table(t("latest_transactions"), [
      { title: t("transaction") }, { title: t("calls") },
      { title: t("block"), class: "number wide" }, { title: t("outcome") },
    ], this.rows.map((row) => [
      viewLink("transaction", row.id), callNames(row.calls), viewLink("block", row.height),
      outcomePill(row.outcome),
    ])) : t("none_yet"));
  }
}

/** A transaction's outcome as a pill; a failure is told by its code. */
export function outcomePill({ code }) {
  return code === "ok" ? pill("good", t("ok")) : pill("bad", code);
}

/** `module.method` of a call, in numbers where the node does not know the names. */
export function callName({ name, module, method }) {
  return name ?? `${module}.${method}`;
}

function callNames(calls) {
  if (!calls.length) return "–";
  const [module, method] = callName(calls[0]).split(".");
  const more = calls.length > 1 ? ` +${number(calls.length - 1)}` : "";
  return el("span", {}, `${module}.`, el("wbr"), method + more);
}

function pause(ms) {
  return new Promise((done) => setTimeout(done, ms));
}

/** Repeats a task while the page is seen; a slow answer delays the next question. */
function every(ms, task) {
  const again = async () => {
    if (!document.hidden) await task();
    setTimeout(again, ms);
  };
  setTimeout(again, ms);
}
