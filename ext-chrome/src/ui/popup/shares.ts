/**
 * Which services the figures come from, and which models where they are known.
 *
 * Belongs here: the list's elements. Names of services may be anything a person typed, so they
 * become text and nothing else. Does not belong here: what a service is called (`services`).
 */

import type { Summary } from "../../core/types";
import { el, svg } from "../shared/dom";
import type { Figures } from "../shared/figures";
import type { Words } from "../shared/i18n";
import type { Services } from "../shared/services";

/** One item per service, most energy first. */
export function sharesOf(
  summary: Summary,
  services: Services,
  words: Words,
  figures: Figures,
): Node[] {
  const whole = summary.sums.energyKwh.mid;
  return summary.byProvider.map(({ providerId, sums }) => {
    const energy = figures.shown("energy", sums.energyKwh);
    const share = whole > 0 ? sums.energyKwh.mid / whole : 0;
    const counted = words.count("calls", sums.calls);
    const calls = services.isAtLeast(providerId)
      ? words.text("at_least", { calls: counted })
      : counted;
    return el(
      "li",
      { class: "share number" },
      el("span", { class: "label" }, services.nameOf(providerId)),
      el("span", {}, `${calls} · ${energy.mid}`),
      barOf(share),
      el("span", { class: "visually-hidden" }, shareText(share, words, figures)),
      modelsOf(summary, providerId, words, figures),
    );
  });
}

function shareText(share: number, words: Words, figures: Figures): string {
  return words.text("share_of_energy", { share: figures.share(share) });
}

function barOf(share: number): SVGElement {
  return svg(
    "svg",
    { viewBox: "0 0 100 4", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("rect", { class: "track", width: 100, height: 4, rx: 1 }),
    svg("rect", { class: "bar", width: share * 100, height: 4, rx: 1 }),
  );
}

function modelsOf(
  summary: Summary,
  providerId: string,
  words: Words,
  figures: Figures,
): HTMLElement | null {
  const models = summary.byModel.filter((one) => one.providerId === providerId);
  if (models.length === 0) return null;
  const items = models.map(({ model, sums }) =>
    el(
      "li",
      {},
      el("span", {}, model),
      el(
        "span",
        {},
        `${words.count("calls", sums.calls)} · ${figures.shown("energy", sums.energyKwh).mid}`,
      ),
    ),
  );
  return el("ul", { class: "models" }, ...items);
}
