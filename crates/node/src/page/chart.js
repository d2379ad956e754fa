// Draw transactions a second over the last two minutes, one bar a second.

import { clock, compact, el, number } from "./dom.js";
import { t } from "./text.js";

const HEIGHT = 168;
const TOP = 8;
const BOTTOM = 22;
const LEFT = 46;

/** Smallest of 1, 2, 5 times a power of ten, doubled, that is at least `value`. */
export function niceMaximum(value) {
  if (value <= 4) return 4;
  const power = 10 ** Math.floor(Math.log10(value / 2));
  const step = [1, 2, 5, 10].find((factor) => 2 * factor * power >= value);
  return 2 * step * power;
}

/** Counts of transactions by second of block time. */
export class RateChart {
  /**
   * @param {HTMLElement} host element to draw into
   * @param {HTMLElement} reading where the second under the pointer is told
   */
  constructor(host, reading) {
    this.host = host;
    this.reading = reading;
    this.counts = new Map();
    this.picked = null;
    this.now = 0;
    host.addEventListener("pointermove", (event) => this.pick(event));
    host.addEventListener("pointerdown", (event) => this.pick(event));
    host.addEventListener("pointerleave", () => this.pickSecond(null));
  }

  /** Seconds that fit: fewer on a phone. */
  get span() {
    return this.host.clientWidth < 500 ? 60 : 120;
  }

  /** Forgets all blocks. */
  clear() {
    this.counts.clear();
  }

  /** Counts a block. */
  add(timeMs, transactions) {
    const second = Math.floor(timeMs / 1000);
    this.counts.set(second, (this.counts.get(second) ?? 0) + transactions);
  }

  /** Transactions a second over the last ten whole seconds. */
  rate(nowMs, seconds = 10) {
    const now = Math.floor(nowMs / 1000);
    let total = 0;
    for (let second = now - seconds; second < now; second += 1) {
      total += this.counts.get(second) ?? 0;
    }
    return total / seconds;
  }

  pick(event) {
    const box = this.host.getBoundingClientRect();
    const share = (event.clientX - box.left - LEFT) / (box.width - LEFT);
    const offset = Math.floor(share * this.span);
    this.pickSecond(offset < 0 ? null : this.now - this.span + 1 + offset);
  }

  pickSecond(second) {
    this.picked = second;
    this.draw(this.now * 1000);
  }

  /** Draws the seconds up to `nowMs`, a time of the chain. */
  draw(nowMs) {
    this.now = Math.floor(nowMs / 1000);
    const first = this.now - this.span + 1;
    for (const second of this.counts.keys()) {
      if (second < this.now - 300) this.counts.delete(second);
    }
    const values = Array.from({ length: this.span }, (_, i) => this.counts.get(first + i) ?? 0);
    const top = niceMaximum(Math.max(...values));
    const width = this.host.clientWidth || 600;
    const label = t("chart_label", { n: number(this.rate(nowMs)), s: number(this.span) });
    const svg = el("svg:svg",
      { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": label },
      ...this.grid(top, width), ...this.bars(values, first, top, width));
    this.host.replaceChildren(svg);
    const { picked } = this;
    this.reading.textContent = picked === null ? ""
      : `${clock(picked * 1000)} · ${number(this.counts.get(picked) ?? 0)}`;
  }

  grid(top, width) {
    const y = (value) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top);
    const lines = [0, top / 2, top].flatMap((value) => [
      el("svg:line", { x1: LEFT, x2: width, y1: y(value), y2: y(value) }),
      el("svg:text", { x: LEFT - 8, y: y(value) + 4, "text-anchor": "end" }, compact(value)),
    ]);
    const foot = { y: HEIGHT - 4 };
    return [...lines,
      el("svg:text", { x: LEFT, ...foot }, t("seconds_ago", { n: number(this.span) })),
      el("svg:text", { x: width, ...foot, "text-anchor": "end" }, t("chart_now"))];
  }

  bars(values, first, top, width) {
    const step = (width - LEFT) / values.length;
    const full = HEIGHT - TOP - BOTTOM;
    return values.map((value, i) => {
      const height = value === 0 ? 0 : Math.max(1.5, (full * value) / top);
      const second = first + i;
      const state = second === this.picked ? " picked" : second === this.now ? " now" : "";
      return el("svg:rect", {
        class: `bar${state}`, x: LEFT + i * step + step * 0.12, y: TOP + full - height,
        width: step * 0.76, height, rx: Math.min(1.5, step / 4),
      });
    });
  }
}
