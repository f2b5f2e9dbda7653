/**
 * What an amount of energy is about as much as.
 *
 * Belongs here: equivalents that are arithmetic and need no survey: a lamp of known power, water
 * of known heat. Does not belong here: comparisons with averages of people or countries, which
 * depend on who is asked.
 */

import type { Range } from "../../core/types";
import type { Figures } from "./figures";
import type { Words } from "./i18n";

const LAMP_KW = 0.01;
/** Above a day of light, boiling water is the better picture. */
const LAMP_KWH_MAX = 0.24;
/** Heat of water, 4.19 kJ/(kg K), from 15 to 100 degrees; 3,600 kJ are one kWh. */
const KETTLE_KWH_PER_L = (4.19 * 85) / 3600;

export interface Equivalent {
  readonly kind: "lamp" | "kettle";
  readonly text: string;
  /** The range, and how it is reckoned. */
  readonly source: string;
}

/** The equivalent of `energyKwh`, or null where there is no energy. */
export function equivalentOf(energyKwh: Range, words: Words, figures: Figures): Equivalent | null {
  if (!(energyKwh.mid > 0)) return null;
  const kind = energyKwh.mid <= LAMP_KWH_MAX ? "lamp" : "kettle";
  const written = (kwh: number) =>
    kind === "lamp" ? figures.duration(kwh / LAMP_KW) : figures.litres(kwh / KETTLE_KWH_PER_L);
  const gaps = {
    low: written(energyKwh.low),
    mid: written(energyKwh.mid),
    high: written(energyKwh.high),
  };
  return {
    kind,
    text: words.text(`equivalent_${kind}`, gaps),
    source: words.text(`equivalent_${kind}_source`, gaps),
  };
}
