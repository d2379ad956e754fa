// Build elements and format values; text always enters as text, never as markup.

import { language, t } from "./text.js";

const SVG = "http://www.w3.org/2000/svg";

/**
 * Makes an element.
 *
 * @param {string} name element name; `svg:` in front makes an SVG element
 * @param {Object<string, unknown>} attributes `class` and the rest; functions listen to events;
 *   null, undefined and false are left out
 * @param {...(Node|string|number|null|undefined)} children
 */
export function el(name, attributes = {}, ...children) {
  const node = name.startsWith("svg:")
    ? document.createElementNS(SVG, name.slice(4))
    : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") node.addEventListener(key, value);
    else node.setAttribute(key, value === true ? "" : String(value));
  }
  node.append(...children.filter((child) => child !== null && child !== undefined).map(toNode));
  return node;
}

function toNode(child) {
  return child instanceof Node ? child : document.createTextNode(String(child));
}

/** The element with this id; it is part of the page. */
export function byId(id) {
  return document.getElementById(id);
}

/** Writes text only where it changed, so that a reader's selection stays. */
export function write(id, text) {
  const node = byId(id);
  if (node.textContent !== text) node.textContent = text;
}

/** A table; each column is {title, class?}, each row a list of cells. */
export function table(caption, columns, rows) {
  const head = columns.map(({ title, ...rest }) => el("th", { scope: "col", ...rest }, title));
  const body = rows.map((cells) =>
    el("tr", {}, ...cells.map((cell, i) => el("td", { class: columns[i].class }, cell))));
  return el("table", {},
    el("caption", { class: "hidden" }, caption),
    el("thead", {}, el("tr", {}, ...head)),
    el("tbody", {}, ...body));
}

/** A state as colour, shape and words. */
export function pill(state, text) {
  return el("span", { class: "pill", "data-state": state }, text);
}

/** A link to a view of this page; long hexadecimal is shortened unless `whole`. */
export function viewLink(view, key, { whole = false } = {}) {
  const text = String(key);
  const shown = whole || text.length <= 20 ? text : `${text.slice(0, 8)}…${text.slice(-4)}`;
  const href = `#/${view}/${encodeURIComponent(text)}`;
  const style = text.length > 20 ? (whole ? "mono whole" : "mono") : null;
  return el("a", { href, title: shown === text ? null : text, class: style },
    view === "block" ? number(key) : shown);
}

/** A whole number or a rate, grouped as the reader's language does. */
export function number(value, digits = 0) {
  const format = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return new Intl.NumberFormat(language(), format).format(value);
}

/** A round number in few characters, for the scale of a chart. */
export function compact(value) {
  return new Intl.NumberFormat(language(), { notation: "compact" }).format(value);
}

/** A rate a second: with one decimal below 100. */
export function rate(value) {
  return number(value, value < 100 ? 1 : 0);
}

/** Time of day of a Unix time in milliseconds. */
export function clock(timeMs) {
  const format = { timeStyle: "medium", hourCycle: "h23" };
  return new Intl.DateTimeFormat(language(), format).format(new Date(timeMs));
}

/** Date and time of a Unix time in milliseconds, with the reader's time zone. */
export function dateTime(timeMs) {
  const format = { dateStyle: "medium", timeStyle: "long", hourCycle: "h23" };
  return new Intl.DateTimeFormat(language(), format).format(new Date(timeMs));
}

/** How long ago, in words. */
export function ago(ms) {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 10) return t("seconds_ago", { n: number(seconds, 1) });
  if (seconds < 120) return t("seconds_ago", { n: number(Math.floor(seconds)) });
  if (seconds < 7200) return t("minutes_ago", { n: number(Math.floor(seconds / 60)) });
  return t("hours_ago", { n: number(Math.floor(seconds / 3600)) });
}
