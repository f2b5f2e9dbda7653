/**
 * Sums of calls: of a day, and of all time.
 *
 * Belongs here: adding, replacing and taking away, summaries of periods. Does not belong here: where
 * sums are stored, single calls (they are never stored).
 */

import { isDayKey } from "./days";
import { addSums, NO_SUMS, subtractSums, totalOf } from "./ranges";
import type { Call, DayLedger, Entry, Estimate, Ledger, Period, Summary, Sums } from "./types";
import { member, readCount, readList, readRange, readText } from "./unknowns";

export const EMPTY: Ledger = Object.freeze({ entries: Object.freeze([]) });
export const PERIOD_DAYS: Readonly<Record<Exclude<Period, "all">, number>> = Object.freeze({
  today: 1,
  week: 7,
  month: 30,
});

const ENTRIES_MAX = 2000;
const NAME = /^[\x21-\x7e]{1,128}$/;

/** The sums of one call. */
export function sumsOf(estimate: Estimate): Sums {
  return {
    calls: 1,
    lowConfidenceCalls: estimate.confidence === "low" ? 1 : 0,
    energyKwh: estimate.energyKwh,
    waterL: estimate.waterL,
    co2eKg: estimate.co2eKg,
  };
}

type Line = Pick<Call, "providerId" | "model">;

export function addToLedger(ledger: Ledger, line: Line, sums: Sums): Ledger {
  return changed(ledger, line, (before) => addSums(before, sums));
}

/** A ledger in which one call's first estimate is replaced by a better one. */
export function replaceInLedger(ledger: Ledger, line: Line, before: Sums, after: Sums): Ledger {
  const known = ledger.entries.find((entry) => isLine(entry, line));
  if (known === undefined || known.sums.calls < before.calls) return ledger;
  return changed(ledger, line, (sums) => addSums(subtractSums(sums, before), after));
}

/** What remains of a ledger without another's sums. */
export function subtractLedger(from: Ledger, taken: Ledger): Ledger {
  return taken.entries.reduce(
    (rest, entry) => changed(rest, entry, (sums) => subtractSums(sums, entry.sums)),
    from,
  );
}

export function addLedgers(ledgers: readonly Ledger[]): Ledger {
  return ledgers
    .flatMap((ledger) => ledger.entries)
    .reduce((sum, entry) => addToLedger(sum, entry, entry.sums), EMPTY);
}

function isLine(entry: Entry, line: Line): boolean {
  return entry.providerId === line.providerId && entry.model === line.model;
}

function changed(ledger: Ledger, line: Line, change: (sums: Sums) => Sums): Ledger {
  const before = ledger.entries.find((entry) => isLine(entry, line))?.sums ?? NO_SUMS;
  const sums = change(before);
  const others = ledger.entries.filter((entry) => !isLine(entry, line));
  if (sums.calls === 0) return { entries: others };
  const entry: Entry = { providerId: line.providerId, model: line.model, sums };
  return { entries: [...others, entry].sort(byName) };
}

function byName(one: Entry, other: Entry): number {
  const name = (entry: Entry): string => `${entry.providerId} ${entry.model ?? ""}`;
  return name(one) < name(other) ? -1 : 1;
}

/** The calls and footprint of everything in a ledger. */
export function ledgerTotal(ledger: Ledger): Sums {
  return totalOf(ledger.entries.map((entry) => entry.sums));
}

export function summarise(period: Period, ledger: Ledger): Summary {
  const { entries } = ledger;
  const ids = [...new Set(entries.map((entry) => entry.providerId))];
  const byProvider = ids.map((providerId) => ({
    providerId,
    sums: totalOf(entries.filter((e) => e.providerId === providerId).map((e) => e.sums)),
  }));
  const byModel = entries.flatMap(({ providerId, model, sums }) =>
    model === null ? [] : [{ providerId, model, sums }],
  );
  return {
    period,
    sums: ledgerTotal(ledger),
    byProvider: byProvider.sort(byEnergy),
    byModel: byModel.sort(byEnergy),
  };
}

function byEnergy(one: { readonly sums: Sums }, other: { readonly sums: Sums }): number {
  return other.sums.energyKwh.mid - one.sums.energyKwh.mid;
}

/** A ledger made of any value; entries that are not as they must be are left out. */
export function normaliseLedger(value: unknown): Ledger {
  const entries = readList(member(value, "entries"), ENTRIES_MAX).flatMap((item) => {
    const entry = readEntry(item);
    return entry === null ? [] : [entry];
  });
  return addLedgers([{ entries }]);
}

/** An entry, or null where anything of it is not as it must be. */
export function readEntry(value: unknown): Entry | null {
  const providerId = readText(member(value, "providerId"), 64);
  const model = member(value, "model");
  const sums = readSums(member(value, "sums"));
  if (!NAME.test(providerId) || sums === null) return null;
  if (model !== null && !(typeof model === "string" && NAME.test(model))) return null;
  return { providerId, model, sums };
}

function readSums(value: unknown): Sums | null {
  const calls = readCount(member(value, "calls"));
  const low = readCount(member(value, "lowConfidenceCalls"));
  const energyKwh = readRange(member(value, "energyKwh"));
  const waterL = readRange(member(value, "waterL"));
  const co2eKg = readRange(member(value, "co2eKg"));
  if (calls === null || calls === 0 || low === null || low > calls) return null;
  if (energyKwh === null || waterL === null || co2eKg === null) return null;
  return { calls, lowConfidenceCalls: low, energyKwh, waterL, co2eKg };
}

/** A day with its ledger, or null. */
export function readDay(value: unknown): DayLedger | null {
  const day = readText(member(value, "day"), 10);
  return isDayKey(day) ? { day, ...normaliseLedger(value) } : null;
}
