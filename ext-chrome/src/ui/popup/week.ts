/**
 * The last seven days as bars, and the same as a table.
 *
 * Belongs here: the drawing. The bars are calls, which are counted; energy, which is estimated,
 * stands in the table. Does not belong here: which days they are.
 */

import type { DayTotal } from "../../core/types";
import { el, svg } from "../shared/dom";
import type { Figures } from "../shared/figures";
import type { Words } from "../shared/i18n";

const WIDTH = 330;
const HEIGHT = 104;
const TOP = 18;
const BASE = 84;
const BAR_WIDTH = 26;

/** The chart with its table; `days` are seven, the oldest first. */
export function weekOf(days: readonly DayTotal[], words: Words, figures: Figures): Node[] {
  return [chartOf(days, words, figures), tableOf(days, words, figures)];
}

function chartOf(days: readonly DayTotal[], words: Words, figures: Figures): SVGElement {
  const most = Math.max(...days.map((day) => day.sums.calls), 1);
  const step = WIDTH / Math.max(days.length, 1);
  const bars = days.flatMap(({ day, sums }, index) => {
    const middle = step * (index + 0.5);
    const height = (sums.calls / most) * (BASE - TOP);
    const bar = svg("rect", {
      class: "bar",
      "data-today": index === days.length - 1,
      x: middle - BAR_WIDTH / 2,
      y: BASE - height,
      width: BAR_WIDTH,
      height,
      rx: Math.min(4, height / 2),
    });
    const value = svg("text", { class: "value", x: middle, y: BASE - height - 5 });
    value.textContent = sums.calls > 0 ? figures.count(sums.calls) : "";
    const label = svg("text", { x: middle, y: HEIGHT - 4 });
    label.textContent = figures.weekday(day);
    return [bar, value, label];
  });
  const base = svg("line", { class: "base", x1: 0, x2: WIDTH, y1: BASE + 0.5, y2: BASE + 0.5 });
  return svg(
    "svg",
    {
      class: "week",
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      role: "img",
      "aria-label": summaryOf(days, words, figures),
    },
    ...bars,
    base,
  );
}

function summaryOf(days: readonly DayTotal[], words: Words, figures: Figures): string {
  const first = days[0];
  const last = days.at(-1);
  if (first === undefined || last === undefined) return "";
  const calls = days.reduce((sum, day) => sum + day.sums.calls, 0);
  const ends = { first: figures.day(first.day), last: figures.day(last.day) };
  if (calls === 0) return words.text("chart_none", ends);
  const top = days.reduce((best, day) => (day.sums.calls > best.sums.calls ? day : best), first);
  return words.text("chart_summary", {
    ...ends,
    calls: words.count("calls", calls),
    day: figures.day(top.day),
    most: figures.count(top.sums.calls),
  });
}

function tableOf(days: readonly DayTotal[], words: Words, figures: Figures): HTMLElement {
  const head = el(
    "tr",
    {},
    el("th", { scope: "col" }, words.text("day")),
    el("th", { scope: "col", class: "number" }, words.text("calls")),
    el("th", { scope: "col", class: "number" }, words.text("energy")),
  );
  const rows = days.map(({ day, sums }) => {
    const { mid, span } = figures.shown("energy", sums.energyKwh);
    return el(
      "tr",
      {},
      el("th", { scope: "row" }, figures.day(day)),
      el("td", { class: "number" }, figures.count(sums.calls)),
      el("td", { class: "number" }, sums.calls > 0 ? `${mid} (${span})` : "–"),
    );
  });
  return el(
    "details",
    { class: "small" },
    el("summary", {}, words.text("chart_table")),
    el("table", {}, el("thead", {}, head), el("tbody", {}, ...rows)),
  );
}
