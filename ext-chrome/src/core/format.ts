/**
 * Figures as people read them.
 *
 * Belongs here: the choice of unit and of digits; numbers are written by `Intl` in the reader's
 * language. Does not belong here: sentences. An estimate never shows more than two digits.
 */

import type { Range } from "./types";

export type Quantity = "energy" | "water" | "co2e";

interface Unit {
  readonly symbol: string;
  /** How many of this unit are one of the stored unit (kWh, L, kg). */
  readonly perStored: number;
}

const UNITS: Readonly<Record<Quantity, readonly Unit[]>> = {
  energy: [
    { symbol: "MWh", perStored: 0.001 },
    { symbol: "kWh", perStored: 1 },
    { symbol: "Wh", perStored: 1000 },
  ],
  water: [
    { symbol: "m³", perStored: 0.001 },
    { symbol: "L", perStored: 1 },
    { symbol: "mL", perStored: 1000 },
  ],
  co2e: [
    { symbol: "t", perStored: 0.001 },
    { symbol: "kg", perStored: 1 },
    { symbol: "g", perStored: 1000 },
  ],
};

export interface Written {
  readonly mid: string;
  readonly low: string;
  readonly high: string;
  /** The same for all three. */
  readonly unit: string;
}

/** A range in the largest unit in which its mid value is at least 1, else in the smallest. */
export function writeRange(quantity: Quantity, range: Range, locale: string): Written {
  const units = UNITS[quantity];
  const unit = units.find(({ perStored }) => range.mid * perStored >= 0.9995) ?? units.at(-1);
  const { symbol, perStored } = unit ?? { symbol: "", perStored: 1 };
  const write = (value: number): string => writeNumber(value * perStored, locale);
  return { mid: write(range.mid), low: write(range.low), high: write(range.high), unit: symbol };
}

/** Two significant digits, no exponent. */
export function writeNumber(value: number, locale: string): string {
  return new Intl.NumberFormat(locale, {
    maximumSignificantDigits: 2,
    minimumSignificantDigits: 1,
  }).format(value);
}

export function writeCount(count: number, locale: string): string {
  return new Intl.NumberFormat(locale, { maximumFractionDigits: 0 }).format(count);
}

const BADGE_MAX = 999;

/** What the badge shows: nothing for none, four characters at most; a mark where sending is paused. */
export function badgeText(calls: number, isPaused: boolean): string {
  if (isPaused) return calls > 99 ? "99+!" : `${calls === 0 ? "" : calls}!`;
  if (calls === 0) return "";
  return calls > BADGE_MAX ? `${BADGE_MAX}+` : String(calls);
}
