import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { estimate, isInOrder } from "../../src/core/estimate";
import {
  addLedgers,
  addToLedger,
  EMPTY,
  ledgerTotal,
  normaliseLedger,
  readDay,
  replaceInLedger,
  subtractLedger,
  summarise,
  sumsOf,
} from "../../src/core/ledger";
import { addSums, NO_SUMS, subtractSums } from "../../src/core/ranges";
import type { Call, Ledger, Sums } from "../../src/core/types";

const CALL: Call = {
  providerId: "openai-web",
  provider: "openai",
  model: null,
  operation: "chat",
  httpStatus: 200,
  isAtLeast: false,
};
const SUMS = sumsOf(estimate(CALL));
const AT_LEAST = sumsOf(estimate({ ...CALL, isAtLeast: true }));

function frozen<T>(value: T): T {
  if (typeof value === "object" && value !== null) {
    for (const one of Object.values(value)) frozen(one);
    Object.freeze(value);
  }
  return value;
}

function counted(times: number, call: Call = CALL, sums: Sums = SUMS): Ledger {
  let ledger = EMPTY;
  for (let i = 0; i < times; i++) ledger = addToLedger(frozen(ledger), call, sums);
  return ledger;
}

describe("a ledger", () => {
  it("adds calls up by provider and model, and changes none it was given", () => {
    const named = { ...CALL, model: "gpt-4o" };
    const ledger = addLedgers([counted(3), counted(2, named), counted(1, CALL, AT_LEAST)]);
    expect(ledger.entries.map(({ model, sums }) => [model, sums.calls])).toEqual([
      [null, 4],
      ["gpt-4o", 2],
    ]);
    const total = ledgerTotal(ledger);
    expect(total.calls).toBe(6);
    expect(total.lowConfidenceCalls).toBe(1);
    expect(total.energyKwh.mid).toBeCloseTo(6 * SUMS.energyKwh.mid, 12);
    expect(total.waterL.low).toBeCloseTo(6 * SUMS.waterL.low, 12);
    expect(total.co2eKg.high).toBeCloseTo(6 * SUMS.co2eKg.high, 12);
    expect(EMPTY.entries).toEqual([]);
  });

  it("replaces one call's estimate by a better one", () => {
    const better = sumsOf(estimate(CALL, undefined, { method: "size", outputTokens: 900 }));
    const ledger = replaceInLedger(frozen(counted(3)), CALL, SUMS, better);
    const total = ledgerTotal(ledger);
    expect(total.calls).toBe(3);
    expect(total.lowConfidenceCalls).toBe(1);
    expect(total.energyKwh.mid).toBeCloseTo(2 * SUMS.energyKwh.mid + better.energyKwh.mid, 12);
  });

  it("refines nothing that was reset meanwhile", () => {
    expect(replaceInLedger(EMPTY, CALL, SUMS, AT_LEAST)).toBe(EMPTY);
    const other = counted(1, { ...CALL, model: "gpt-4o" });
    expect(replaceInLedger(other, CALL, SUMS, AT_LEAST)).toBe(other);
  });

  it("forgets a day and keeps the rest", () => {
    const all = counted(5);
    const rest = subtractLedger(frozen(all), frozen(counted(2)));
    expect(ledgerTotal(rest).calls).toBe(3);
    expect(ledgerTotal(rest).energyKwh.mid).toBeCloseTo(3 * SUMS.energyKwh.mid, 12);
    expect(subtractLedger(all, all)).toEqual({ entries: [] });
    expect(subtractLedger(EMPTY, all)).toEqual({ entries: [] });
  });

  it("never goes below zero", () => {
    expect(subtractSums(SUMS, addSums(SUMS, SUMS))).toBe(NO_SUMS);
    const left = subtractSums(addSums(SUMS, SUMS), {
      ...SUMS,
      energyKwh: { low: 9, mid: 9, high: 9 },
    });
    expect(left.calls).toBe(1);
    expect(left.energyKwh).toEqual({ low: 0, mid: 0, high: 0 });
  });

  it("is summed by provider and by known model, most energy first", () => {
    const claude: Call = { ...CALL, providerId: "anthropic-web", provider: "anthropic" };
    const named = { ...claude, model: "claude-opus-5" };
    const ledger = addLedgers([counted(1), counted(3, claude), counted(2, named)]);
    const summary = summarise("week", frozen(ledger));
    expect(summary.period).toBe("week");
    expect(summary.sums.calls).toBe(6);
    expect(summary.byProvider.map(({ providerId, sums }) => [providerId, sums.calls])).toEqual([
      ["anthropic-web", 5],
      ["openai-web", 1],
    ]);
    expect(summary.byModel.map(({ model }) => model)).toEqual(["claude-opus-5"]);
    expect(summarise("all", EMPTY)).toMatchObject({ byProvider: [], byModel: [], sums: NO_SUMS });
  });
});

describe("a stored ledger", () => {
  it("comes back as it was", () => {
    const ledger = addLedgers([counted(2), counted(1, { ...CALL, model: "gpt-4o" })]);
    expect(normaliseLedger(JSON.parse(JSON.stringify(ledger)))).toEqual(ledger);
    expect(readDay({ day: "2026-11-22", ...ledger })).toEqual({ day: "2026-11-22", ...ledger });
    expect(readDay({ day: "2026-02-30", ...ledger })).toBeNull();
  });

  it("is made of anything, in order, and stays the same when made again", () => {
    fc.assert(
      fc.property(fc.anything(), fc.anything(), (entries, sums) => {
        const shaped = { entries: [{ providerId: "a", model: null, sums }, entries] };
        for (const value of [entries, { entries }, shaped]) {
          const once = normaliseLedger(value);
          expect(normaliseLedger(once)).toEqual(once);
          for (const entry of once.entries) expect(isInOrder(entry.sums.energyKwh)).toBe(true);
        }
      }),
    );
  });

  it.each([
    { calls: 0 },
    { calls: 1.5 },
    { calls: -1 },
    { lowConfidenceCalls: 2 },
    { energyKwh: { low: 2, mid: 1, high: 3 } },
    { energyKwh: { low: 0, mid: 0 } },
    { waterL: { low: -1, mid: 0, high: 0 } },
    { co2eKg: { low: 0, mid: Number.NaN, high: 1 } },
  ])("leaves out an entry with %j", (change) => {
    const entry = { providerId: "a", model: null, sums: { ...SUMS, ...change } };
    expect(normaliseLedger({ entries: [entry] })).toEqual({ entries: [] });
  });

  it("leaves out names that are none, and adds doubles up", () => {
    const entry = { providerId: "a", model: null, sums: SUMS };
    const entries = [entry, { ...entry, providerId: "a b" }, { ...entry, model: "x\ny" }, entry];
    expect(normaliseLedger({ entries }).entries).toEqual([
      { providerId: "a", model: null, sums: addSums(SUMS, SUMS) },
    ]);
  });
});
