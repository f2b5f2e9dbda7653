/**
 * The sums of a period: calls, and energy, water and CO2e with their ranges.
 *
 * Belongs here: their elements. Does not belong here: reading them.
 */

import type { Quantity } from "../../core/format";
import type { Range, Sums } from "../../core/types";
import { el, svg } from "../shared/dom";
import { equivalentOf } from "../shared/equivalents";
import type { Figures } from "../shared/figures";
import type { Words } from "../shared/i18n";

const WIDTH = 100;
const HEIGHT = 6;

/** The quantities of some sums, in the order they are shown in. */
export function quantities(sums: Pick<Sums, "energyKwh" | "waterL" | "co2eKg">) {
  return [
    ["energy", sums.energyKwh],
    ["water", sums.waterL],
    ["co2e", sums.co2eKg],
  ] as const satisfies readonly (readonly [Quantity, Range])[];
}

/** The big count and the three figures, or a friendly word where nothing was counted. */
export function summaryOf(sums: Sums, isAtLeast: boolean, words: Words, figures: Figures): Node[] {
  if (sums.calls === 0) {
    return [
      el(
        "div",
        { class: "empty" },
        el("p", { class: "label" }, words.text("empty_title")),
        el("p", { class: "muted small" }, words.text("empty_text")),
      ),
    ];
  }
  return [
    totalOf(sums.calls, isAtLeast, words),
    el(
      "dl",
      { class: "figures" },
      ...quantities(sums).map(([name, range]) => figureOf(name, range, words, figures)),
    ),
    el("p", { class: "small muted" }, words.text("estimate_note")),
  ];
}

/** The plain equivalent of the energy. */
export function equivalentCard(energyKwh: Range, words: Words, figures: Figures): Node[] | null {
  const equivalent = equivalentOf(energyKwh, words, figures);
  if (equivalent === null) return null;
  return [
    picture(equivalent.kind),
    el("p", {}, words.text("equivalent_title"), " ", el("strong", {}, equivalent.text)),
    el("p", { class: "small muted" }, equivalent.source),
  ];
}

function totalOf(calls: number, isAtLeast: boolean, words: Words): HTMLElement {
  return el(
    "p",
    { class: "total number" },
    el("strong", {}, words.count("calls", calls)),
    " ",
    el(
      "span",
      { class: "muted" },
      words.text(isAtLeast ? "counted_here_at_least" : "counted_here"),
    ),
  );
}

function figureOf(name: Quantity, range: Range, words: Words, figures: Figures): HTMLElement {
  const { mid, span } = figures.shown(name, range);
  return el(
    "div",
    { class: "figure number" },
    el("dt", {}, words.text(name)),
    el("dd", {}, el("strong", {}, mid), " ", el("span", { class: "muted small" }, span)),
    trackOf(range),
  );
}

/** From zero to the high value: the band is the range, the mark the central value. */
function trackOf({ low, mid, high }: Range): SVGElement {
  const at = (value: number) => (high > 0 ? (value / high) * WIDTH : 0);
  return svg(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("rect", { class: "track", width: WIDTH, height: HEIGHT, rx: 1 }),
    svg("rect", { class: "band", x: at(low), width: at(high) - at(low), height: HEIGHT, rx: 1 }),
    svg("rect", { class: "middle", x: Math.max(0, at(mid) - 0.6), width: 1.2, height: HEIGHT }),
  );
}

const PICTURES = {
  lamp: "M9 18h6M10 21h4M12 3a6 6 0 0 0-3.8 10.6c.6.6.9 1.3.8 2.4h6c-.1-1.1.2-1.8.8-2.4A6 6 0 0 0 12 3Z",
  kettle:
    "M6 10h10l1.5 10h-13L6 10ZM8 10a3 3 0 0 1 6 0M16 12h2.5a1.5 1.5 0 0 1 1.5 1.5v2M9 3v1M13 3v1",
} as const;

function picture(kind: keyof typeof PICTURES): SVGElement {
  const path = svg("path", {
    d: PICTURES[kind],
    fill: "none",
    stroke: "currentColor",
    "stroke-width": 1.75,
    "stroke-linecap": "round",
    "stroke-linejoin": "round",
  });
  return svg("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, path);
}
