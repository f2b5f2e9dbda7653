import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { estimate } from "../../src/core/estimate";
import {
  exportHistory,
  exportSettings,
  historyCsv,
  importHistory,
  importSettings,
} from "../../src/core/history";
import { addLedgers, addToLedger, EMPTY, sumsOf } from "../../src/core/ledger";
import { defaults } from "../../src/core/settings";
import type { Call, DayLedger, Settings } from "../../src/core/types";

const CALL: Call = {
  providerId: "openai-web",
  provider: "openai",
  model: null,
  operation: "chat",
  httpStatus: 200,
  isAtLeast: false,
};
const ONE = addToLedger(EMPTY, CALL, sumsOf(estimate(CALL)));
const NAMED = addToLedger(EMPTY, { ...CALL, model: "gpt-4o" }, sumsOf(estimate(CALL)));
const DAYS: readonly DayLedger[] = [
  { day: "2026-11-20", ...ONE },
  { day: "2026-11-21", ...addLedgers([ONE, NAMED]) },
];
const HISTORY = { days: DAYS, total: addLedgers([...DAYS, ONE]) };
const SETTINGS: Settings = {
  ...defaults(),
  localOnly: false,
  apiKey: "eco_pub_12345678_secret",
  orgId: "acme",
  language: "de",
  parameters: {
    "openai-web": {
      kwhPerCall: 0,
      includesPue: false,
      pue: 1.1,
      waterLPerKwh: null,
      co2eKgPerKwh: 0,
    },
  },
};

describe("a settings file", () => {
  const kept = { apiKey: "eco_pub_mine", localOnly: true };

  it("holds no key, and leaves key and privacy mode as they are", () => {
    const file = exportSettings(SETTINGS);
    expect(file).not.toContain("secret");
    expect(JSON.parse(file).settings).not.toHaveProperty("localOnly");
    expect(importSettings(file, kept)).toEqual({ ok: true, value: { ...SETTINGS, ...kept } });
  });

  it("cannot smuggle a key or switch sending on", () => {
    const file = JSON.stringify({
      format: "ecomind-extension-settings",
      version: 1,
      settings: { localOnly: false, apiKey: "eco_pub_theirs", orgId: "acme" },
    });
    const read = importSettings(file, kept);
    expect(read.ok ? read.value : null).toEqual(null);
  });

  it.each([
    ["", "not_json"],
    ["{", "not_json"],
    ["null", "not_ours"],
    ["[]", "not_ours"],
    ['{"format": "ecomind-extension-history", "version": 1}', "not_ours"],
    ['{"format": "ecomind-extension-settings", "version": 2, "settings": {}}', "newer_version"],
    ['{"format": "ecomind-extension-settings", "version": "1", "settings": {}}', "not_ours"],
    ['{"format": "ecomind-extension-settings", "version": 1}', "not_ours"],
    [`"${"x".repeat(20_000_001)}"`, "too_long"],
  ])("%.60s is refused as %s", (text, refusal) => {
    expect(importSettings(text, kept)).toEqual({ ok: false, refusal });
  });

  it.each([
    [{ orgId: "a b" }, "orgId"],
    [{ backendUrl: "javascript:alert(1)" }, "backendUrl"],
    [{ customProviders: [{ id: "evil" }] }, "customProviders"],
    [{ parameters: { "openai-web": { kwhPerCall: "NaN" } } }, "parameters"],
    [{ prompt: "x" }, "prompt"],
    [{ language: "kl" }, "language"],
  ])("with %j is refused whole", (change, field) => {
    const file = { ...JSON.parse(exportSettings(SETTINGS)) };
    const text = JSON.stringify({ ...file, settings: { ...file.settings, ...change } });
    expect(importSettings(text, kept)).toEqual({ ok: false, refusal: "bad_characters", field });
  });

  it("with too many providers is refused", () => {
    const file = JSON.parse(exportSettings(SETTINGS));
    file.settings.customProviders = Array.from({ length: 51 }, () => ({}));
    expect(importSettings(JSON.stringify(file), kept)).toEqual({ ok: false, refusal: "too_many" });
  });
});

describe("a history file", () => {
  it("comes back as it was", () => {
    expect(importHistory(exportHistory(HISTORY))).toEqual({ ok: true, value: HISTORY });
    const empty = { days: [], total: EMPTY };
    expect(importHistory(exportHistory(empty))).toEqual({
      ok: true,
      value: { days: [], total: EMPTY },
    });
  });

  it("sorts its days", () => {
    const file = exportHistory({ ...HISTORY, days: [...DAYS].reverse() });
    expect(importHistory(file)).toEqual({ ok: true, value: HISTORY });
  });

  it.each([
    [{ days: 7 }, "not_ours"],
    [{ days: [{ day: "2026-02-30", entries: [] }] }, "bad_history"],
    [{ days: [{ day: "2026-02-01" }] }, "bad_history"],
    [{ days: [{ day: "2026-02-01", entries: [{ providerId: "a" }] }] }, "bad_history"],
    [{ days: [DAYS[0], DAYS[0]] }, "bad_history"],
    [{ days: Array.from({ length: 401 }, () => DAYS[0]) }, "too_many"],
    [{ total: null }, "bad_history"],
    [{ total: { entries: [{}] } }, "bad_history"],
    [{ total: { entries: [] } }, "bad_history"],
  ])("with %.80j is refused", (change, refusal) => {
    const text = JSON.stringify({ ...JSON.parse(exportHistory(HISTORY)), ...change });
    expect(importHistory(text)).toMatchObject({ ok: false, refusal });
  });

  it("never throws", () => {
    fc.assert(
      fc.property(fc.anything(), fc.string(), (value, text) => {
        const file = {
          format: "ecomind-extension-history",
          version: 1,
          days: [value],
          total: value,
        };
        expect(importHistory(JSON.stringify(file)).ok).toBe(false);
        expect(importHistory(text).ok).toBe(false);
        expect(importSettings(text, { apiKey: "", localOnly: true }).ok).toBe(false);
      }),
    );
  });
});

describe("a history as CSV", () => {
  it("has a line for every day, provider and model", () => {
    const lines = historyCsv(DAYS).split("\r\n");
    expect(lines[0]).toBe(
      "day,provider,model,calls,low_confidence_calls,energy_low_kwh,energy_mid_kwh,energy_high_kwh," +
        "water_low_l,water_mid_l,water_high_l,co2e_low_kg,co2e_mid_kg,co2e_high_kg",
    );
    expect(lines).toHaveLength(5);
    expect(lines[1]).toMatch(/^2026-11-20,openai-web,,1,0,[0-9.e-]+(,[0-9.e-]+){8}$/);
    expect(lines[3]).toMatch(/^2026-11-21,openai-web,gpt-4o,1,0,/);
    expect(lines[4]).toBe("");
  });

  it("lets no name become a formula or a second cell", () => {
    const [entry] = ONE.entries;
    if (entry === undefined) throw new Error("no entry");
    const names = ["=1+1", "+x", "-x", "@x", 'a"b', "a,b"];
    const entries = names.map((model) => ({ ...entry, model }));
    const lines = historyCsv([{ day: "2026-11-20", entries }])
      .split("\r\n")
      .slice(1, -1);
    expect(lines.map((line) => /^2026-11-20,openai-web,(.*?),1,0,/.exec(line)?.[1])).toEqual([
      "'=1+1",
      "'+x",
      "'-x",
      "'@x",
      '"a""b"',
      '"a,b"',
    ]);
  });
});
