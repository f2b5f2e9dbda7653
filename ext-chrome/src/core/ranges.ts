/**
 * Arithmetic of ranges and sums.
 *
 * Belongs here: adding, scaling, taking away. Low is added to low and high to high: errors of a
 * factor are shared by all calls that take it, so a range never shrinks with more calls.
 */

import type { Range, Sums } from "./types";

export const ZERO: Range = Object.freeze({ low: 0, mid: 0, high: 0 });
export const NO_SUMS: Sums = Object.freeze({
  calls: 0,
  lowConfidenceCalls: 0,
  energyKwh: ZERO,
  waterL: ZERO,
  co2eKg: ZERO,
});

export function mapRange(range: Range, change: (value: number, s: keyof Range) => number): Range {
  return {
    low: change(range.low, "low"),
    mid: change(range.mid, "mid"),
    high: change(range.high, "high"),
  };
}

export function addRanges(one: Range, other: Range): Range {
  return mapRange(one, (value, s) => value + other[s]);
}

export function addSums(one: Sums, other: Sums): Sums {
  return {
    calls: one.calls + other.calls,
    lowConfidenceCalls: one.lowConfidenceCalls + other.lowConfidenceCalls,
    energyKwh: addRanges(one.energyKwh, other.energyKwh),
    waterL: addRanges(one.waterL, other.waterL),
    co2eKg: addRanges(one.co2eKg, other.co2eKg),
  };
}

/** What remains; never below zero, and nothing at all where no call remains. */
export function subtractSums(from: Sums, taken: Sums): Sums {
  const calls = Math.max(0, from.calls - taken.calls);
  if (calls === 0) return NO_SUMS;
  const rest = (one: Range, other: Range): Range =>
    mapRange(one, (value, s) => Math.max(0, value - other[s]));
  return {
    calls,
    lowConfidenceCalls: Math.max(0, from.lowConfidenceCalls - taken.lowConfidenceCalls),
    energyKwh: rest(from.energyKwh, taken.energyKwh),
    waterL: rest(from.waterL, taken.waterL),
    co2eKg: rest(from.co2eKg, taken.co2eKg),
  };
}

export function totalOf(all: readonly Sums[]): Sums {
  return all.reduce(addSums, NO_SUMS);
}
