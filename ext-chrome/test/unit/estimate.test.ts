import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  defaultsOf,
  type Evidence,
  estimate,
  isInOrder,
  readTiming,
  twoDigits,
} from "../../src/core/estimate";
import {
  energyOf,
  FACTOR_SET_ID,
  METHOD_VERSION,
  modelKeyOf,
  placeOf,
  REFERENCE_OUTPUT_TOKENS,
  SOURCES,
} from "../../src/core/factors";
import { PROVIDERS } from "../../src/core/providers";
import { NO_PARAMETERS } from "../../src/core/settings";
import type { Call, ProviderParameters } from "../../src/core/types";

const CALL: Call = {
  providerId: "openai-web",
  provider: "openai",
  model: null,
  operation: "chat",
  httpStatus: 200,
  isAtLeast: false,
};

function own(change: Partial<ProviderParameters>): ProviderParameters {
  return { ...NO_PARAMETERS, ...change };
}

describe("the estimate of a call", () => {
  it("says how it was made and how sure it is", () => {
    expect(estimate(CALL)).toMatchObject({
      method: "per_call",
      confidence: "medium",
      outputTokens: null,
    });
    expect(estimate({ ...CALL, isAtLeast: true }).confidence).toBe("low");
    const evidence: Evidence = { method: "duration", outputTokens: 500 };
    expect(estimate(CALL, undefined, evidence)).toMatchObject({
      method: "duration",
      confidence: "low",
      outputTokens: 500,
    });
  });

  it("by tokens is that of the call at the reference call", () => {
    const byTokens = estimate(CALL, undefined, {
      method: "size",
      outputTokens: REFERENCE_OUTPUT_TOKENS,
    });
    const ratio = byTokens.energyKwh.mid / estimate(CALL).energyKwh.mid;
    expect(ratio).toBeGreaterThan(0.99);
    expect(ratio).toBeLessThan(1.01);
  });

  it("takes what the person sets, zero included", () => {
    const half = estimate(CALL, own({ kwhPerCall: 0.0005, pue: 1.2 }));
    expect(half.energyKwh.mid).toBeCloseTo(0.0006, 12);
    expect(half.energyKwh.low).toBeCloseTo(0.0002, 12);
    expect(half.energyKwh.high).toBeCloseTo(0.0018, 12);
    const none = estimate(CALL, own({ kwhPerCall: 0 }));
    expect(none.energyKwh).toEqual({ low: 0, mid: 0, high: 0 });
    expect(estimate(CALL, own({ waterLPerKwh: 0 })).waterL).toEqual({ low: 0, mid: 0, high: 0 });
    const dry = estimate(CALL, own({ co2eKgPerKwh: 0.5, waterLPerKwh: 2 }));
    expect(dry.co2eKg.high).toBeCloseTo(dry.energyKwh.high * 0.5, 12);
    expect(dry.waterL.low).toBeCloseTo(dry.energyKwh.low * 2, 12);
  });

  it("counts the data centre's overhead once", () => {
    const parameters = own({ kwhPerCall: 0.0003, includesPue: true, pue: 1.5 });
    expect(estimate(CALL, parameters).energyKwh.mid).toBeCloseTo(0.0003, 12);
    // Without a figure of the person's own there is nothing that could contain it.
    expect(estimate(CALL, own({ includesPue: true }))).toEqual(estimate(CALL));
  });

  it("goes by the call where the person set what a call takes", () => {
    const evidence: Evidence = { method: "size", outputTokens: 5000 };
    const set = own({ kwhPerCall: 0.001 });
    expect(estimate(CALL, set, evidence)).toMatchObject({ method: "per_call", outputTokens: 5000 });
    expect(estimate(CALL, set, evidence).energyKwh).toEqual(estimate(CALL, set).energyKwh);
  });

  it("is in order whatever is set and seen", () => {
    const number = (maximum: number) => fc.option(fc.double({ min: 0, max: maximum, noNaN: true }));
    const parameters = fc.record({
      kwhPerCall: number(1000),
      includesPue: fc.boolean(),
      pue: fc.option(fc.double({ min: 1, max: 5, noNaN: true })),
      waterLPerKwh: number(1000),
      co2eKgPerKwh: number(100),
    });
    const evidence = fc.option(
      fc.record({
        method: fc.constantFrom("duration" as const, "size" as const),
        outputTokens: fc.integer({ min: 1, max: 200_000 }),
      }),
    );
    const provider = fc.constantFrom(...PROVIDERS.map((one) => one.provider), "nobody", "ollama");
    const model = fc.option(fc.oneof(fc.string(), fc.constantFrom("gpt-4o", "o3-mini", "x-70b")));
    fc.assert(
      fc.property(parameters, evidence, provider, model, (set, seen, name, named) => {
        const found = estimate({ ...CALL, provider: name, model: named }, Object.freeze(set), seen);
        for (const range of [found.energyKwh, found.waterL, found.co2eKg]) {
          expect(isInOrder(range)).toBe(true);
        }
      }),
    );
    expect(isInOrder({ low: 2, mid: 1, high: 3 })).toBe(false);
    expect(isInOrder({ low: 0, mid: 0, high: Number.POSITIVE_INFINITY })).toBe(false);
  });
});

describe("the timing of an answer", () => {
  const bytes = { low: 11, mid: 33, high: 119 };

  it("tells tokens by time where the format tells nothing", () => {
    expect(readTiming({ streamedS: 10, decodedBytes: 5000 }, null)).toEqual({
      method: "duration",
      outputTokens: 600,
    });
  });

  it("tells tokens by size, within what the time allows", () => {
    const size = { method: "size" };
    expect(readTiming({ streamedS: 5, decodedBytes: 9900 }, bytes)).toEqual({
      ...size,
      outputTokens: 300,
    });
    // 990,000 bytes: 8,319 tokens at the least, 3,000 tokens in 20 seconds at the most.
    expect(readTiming({ streamedS: 20, decodedBytes: 990_000 }, bytes)).toBeNull();
    // 3,000 tokens by size, 1,500 in 10 seconds at the most: the range of both.
    expect(readTiming({ streamedS: 10, decodedBytes: 99_000 }, bytes)).toEqual({
      ...size,
      outputTokens: 1500,
    });
    expect(readTiming({ streamedS: 30, decodedBytes: 9900 }, bytes)).toEqual({
      ...size,
      outputTokens: 600,
    });
  });

  it.each([
    { streamedS: 0, decodedBytes: 100 },
    { streamedS: 5, decodedBytes: 0 },
    { streamedS: Number.NaN, decodedBytes: 100 },
    { streamedS: -1, decodedBytes: 100 },
    { streamedS: 0.001, decodedBytes: 10 },
  ])("%j tells nothing", (timing) => {
    expect(readTiming(timing, null)).toBeNull();
  });

  it("is bounded and rounded to two digits", () => {
    expect(readTiming({ streamedS: 1e6, decodedBytes: 1 }, null)?.outputTokens).toBe(200_000);
    expect([1, 12, 123, 1250, 98_765].map(twoDigits)).toEqual([1, 12, 120, 1300, 99_000]);
  });
});

describe("the factors", () => {
  it("are the project's, named by set and source", () => {
    expect(FACTOR_SET_ID).toMatch(/^ecomind-\d{4}\.\d{2}$/);
    expect(METHOD_VERSION).toMatch(/^ecomind-\d{4}\.\d{2}$/);
    expect(SOURCES.length).toBeGreaterThan(10);
    for (const { source_url, licence } of SOURCES) {
      expect(source_url).toMatch(/^https:/);
      expect(licence).not.toBe("");
    }
  });

  it("know every provider of the table but those that only pass calls on", () => {
    const world = placeOf("nobody");
    const unknown = PROVIDERS.filter(({ provider }) => placeOf(provider) === world);
    expect(unknown.map(({ id }) => id)).toEqual(["openrouter-api"]);
  });

  it("find a model by its name, its family, its size, its provider", () => {
    expect(modelKeyOf("openai", "gpt-4o")).toBe("openai/gpt-4o");
    expect(modelKeyOf("openai", "OpenAI/GPT-4o-2024-08-06")).toBe("openai/gpt-4o");
    expect(modelKeyOf("openai", "gpt-4o-nova-mini")).toBe("openai/gpt-4o-mini");
    expect(modelKeyOf("nobody", "zzz")).toBe("*/tier-large");
    expect(modelKeyOf("mistral_ai", null)).toBe("*/tier-medium");
    expect(modelKeyOf("openai", "unknown")).toBe(modelKeyOf("openai", null));
    expect(energyOf("openai", "gpt-4o").call.mid).toBeLessThan(
      energyOf("openai", null).call.mid * 2,
    );
  });

  it("are the defaults the options show", () => {
    const shown = defaultsOf("openai", null);
    const found = estimate(CALL);
    expect(found.energyKwh.mid).toBeCloseTo(shown.kwhPerCall.mid * shown.pue.mid, 15);
    expect(found.waterL.high).toBeCloseTo(found.energyKwh.high * shown.waterLPerKwh.high, 15);
    expect(found.co2eKg.low).toBeCloseTo(found.energyKwh.low * shown.co2eKgPerKwh.low, 15);
  });
});
