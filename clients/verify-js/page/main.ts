/** Take files from the reader, check them, and show what came of it. */

import { Refusal } from "../src/index.js";
import { type Finding, type Line, type Section, claimedKey, examine } from "./outcome.js";
import { type Given, type Slot, sorted } from "./sorting.js";
import { type Key, cause, language, moment, switchLanguage, t } from "./texts.js";

const SLOTS: readonly Slot[] = ["file", "evidence", "trust", "keys", "roots"];

/** What was put into a slot, or why it was not taken. */
interface Holding {
  readonly name: string;
  readonly problem?: Refusal;
}

let given: Given = {};
let holdings: Partial<Record<Slot, Holding>> = {};
let finding: Finding | undefined;
/** Number of the check under way: an older one that ends later is not shown. */
let turn = 0;

const byId = (id: string): HTMLElement => document.getElementById(id)!;
const issuer = byId("issuer") as HTMLInputElement;

/** Make an element; text always enters as text, never as markup. */
function el(
  name: string,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly (Node | string)[]
): HTMLElement {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

function write(id: string, text: string): void {
  byId(id).textContent = text;
}

/** Show the fixed words of the page in the language in use. */
function showWords(): void {
  document.documentElement.lang = t("tag");
  document.title = t("title");
  for (const node of document.querySelectorAll<HTMLElement>("[data-text]")) {
    node.textContent = t(node.dataset["text"] as Key);
  }
  write("language", t("other_language"));
  byId("language").lang = language() === "en" ? "zh-CN" : "en";
}

function chooser(slot: Slot): HTMLElement {
  const input = el("input", { type: "file", id: `choose-${slot}` }) as HTMLInputElement;
  const name = `${t("choose")}: ${t(`slot_${slot}`)}`;
  input.setAttribute("aria-label", name);
  input.addEventListener("change", () => void take(input.files, slot));
  return el("label", { class: "button" }, t("choose"), input);
}

function remover(slot: Slot): HTMLElement {
  const name = `${t("remove")}: ${t(`slot_${slot}`)}`;
  const button = el("button", { type: "button", class: "plain", "aria-label": name }, t("remove"));
  button.addEventListener("click", () => {
    const { [slot]: _, ...others } = given;
    const { [slot]: __, ...held } = holdings;
    [given, holdings] = [others, held];
    void check();
  });
  return button;
}

function slotOf(slot: Slot): HTMLElement {
  const holding = holdings[slot];
  const about = [
    el("strong", {}, t(`slot_${slot}`)),
    el("p", { class: "quiet" }, t(`slot_${slot}_hint`)),
  ];
  if (holding !== undefined) {
    about.push(el("p", { class: "chosen" }, holding.name));
  }
  if (holding?.problem !== undefined) {
    const why = `${cause(holding.problem.code)} (${holding.problem.message})`;
    about.push(el("p", { class: "wrong", role: "alert" }, t("wrong_input", { why })));
  }
  const node = el(
    "div",
    { class: "slot", id: `slot-${slot}` },
    el("div", {}, ...about),
    holding === undefined ? chooser(slot) : remover(slot),
  );
  catchDrops(node, slot);
  return node;
}

function showSlots(): void {
  byId("slots").replaceChildren(...SLOTS.map(slotOf));
  const claimed = claimedKey(given.evidence);
  const hint = document.querySelector<HTMLElement>("#issuer-slot .quiet")!;
  const words = t("slot_issuer_hint");
  const isAsked = claimed !== undefined && issuer.value.trim() === "";
  hint.textContent = isAsked ? `${words} ${t("issuer_claimed", { key: claimed })}` : words;
}

function lineOf({ state, title, meaning, details }: Line): HTMLElement {
  const items = details.map((text) => el("li", { lang: "en" }, text));
  return el(
    "li",
    { "data-state": state },
    el("span", { class: "state" }, t(`state_${state}`)),
    el(
      "div",
      {},
      el("strong", {}, title),
      el("div", {}, meaning),
      el("ul", { class: "details" }, ...items),
    ),
  );
}

function sectionOf({ title, rows }: Section): HTMLElement {
  const list = rows.flatMap(([name, value, form]) => [
    el("dt", {}, name),
    el("dd", {}, form === "code" ? el("code", {}, value) : value),
  ]);
  return el("section", {}, el("h3", {}, title), el("dl", { class: "facts" }, ...list));
}

function fill(id: string, children: readonly Node[]): void {
  byId(id).replaceChildren(...children);
  byId(`${id}-card`).hidden = children.length === 0;
}

/** Show what was found, in the language in use. */
function show(): void {
  showWords();
  showSlots();
  const outcome = finding?.();
  const verdict = outcome?.verdict ?? "working";
  byId("verdict").dataset["verdict"] = verdict;
  write("verdict-title", t(`verdict_${verdict}`));
  write("verdict-text", outcome?.text ?? t("text_working"));
  const needed = outcome?.needed ?? [];
  byId("needed").replaceChildren(...needed.map((text) => el("li", {}, text)));
  fill("facts", (outcome?.facts ?? []).map(sectionOf));
  fill("steps", (outcome?.lines ?? []).map(lineOf));
  fill("limits", (outcome?.limits ?? []).map((text) => el("li", {}, text)));
  const file = given.file?.name ?? t("no_file");
  write("printed", t("printed", { time: moment(Date.now()), file }));
}

/** Check what was given; where more was given meanwhile, the later check is shown. */
async function check(): Promise<void> {
  turn += 1;
  const own = turn;
  finding = undefined;
  show();
  const found = await examine(given, issuer.value).catch(unreadable);
  if (own !== turn) return;
  finding = found;
  show();
}

/** A file that the browser can no longer read, moved or changed since it was chosen. */
function unreadable(error: unknown): Finding {
  const message = error instanceof Error ? error.message : String(error);
  const state = "failed" as const;
  return () => ({
    verdict: "bad_input",
    text: t("text_bad_input"),
    needed: [],
    lines: [{ state, title: t("step_failed"), meaning: message, details: [] }],
    facts: [],
    limits: [],
  });
}

/** Take files, each where it belongs or where it was put. */
async function take(files: FileList | null, slot?: Slot): Promise<void> {
  for (const file of [...(files ?? [])]) {
    try {
      const found = await sorted(file, slot);
      if ("issuer" in found) {
        issuer.value = found.issuer;
        continue;
      }
      given = { ...given, ...found };
      const [filled] = Object.keys(found) as [Slot];
      holdings = { ...holdings, [filled]: { name: file.name } };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const filled = slot ?? "file";
      const { [filled]: _, ...others } = given;
      given = others;
      holdings = { ...holdings, [filled]: { name: file.name, problem: error } };
    }
  }
  await check();
}

function catchDrops(node: HTMLElement, slot?: Slot): void {
  const mark = (event: Event, isOver: boolean): void => {
    event.preventDefault();
    event.stopPropagation();
    node.classList.toggle("over", isOver);
  };
  node.addEventListener("dragover", (event) => mark(event, true));
  node.addEventListener("dragleave", (event) => mark(event, false));
  node.addEventListener("drop", (event) => {
    mark(event, false);
    void take(event.dataTransfer?.files ?? null, slot);
  });
}

function start(): void {
  catchDrops(document.body);
  const any = byId("any") as HTMLInputElement;
  any.addEventListener("change", () => {
    void take(any.files).then(() => {
      any.value = "";
    });
  });
  issuer.addEventListener("change", () => void check());
  byId("language").addEventListener("click", () => {
    switchLanguage();
    show();
  });
  byId("print").addEventListener("click", () => window.print());
  byId("reset").addEventListener("click", () => {
    [given, holdings] = [{}, {}];
    issuer.value = "";
    void check();
  });
  void check();
}

start();
