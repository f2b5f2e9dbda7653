import { describe, expect, it } from "vitest";
import golden from "../../fixtures/golden.json";
import { type Evidence, estimate, isInOrder } from "../../src/core/estimate";
import { makeEvent } from "../../src/core/payload";
import type { Call, Range } from "../../src/core/types";

const AT = new Date("2026-11-20T12:34:56.789Z");
const SENDER = { settings: { orgId: "extension", userId: "ada@example.org" }, version: "1.0.0" };
const SCENARIOS = ["low", "mid", "high"] as const;

function expectEqual(found: Range, expected: Range): void {
  for (const s of SCENARIOS) {
    expect(Math.abs(found[s] - expected[s])).toBeLessThanOrEqual(1e-9 * expected[s]);
  }
}

describe.each(golden.cases)("$name", ({ call, evidence, event, expected }) => {
  const found = estimate(call as Call, undefined, evidence as Evidence | null);

  it("has the figures of the warehouse", () => {
    expectEqual(found.energyKwh, expected.energy_kwh);
    expectEqual(found.waterL, expected.water_l);
    expectEqual(found.co2eKg, expected.co2e_kg);
  });

  it("is in order", () => {
    for (const range of [found.energyKwh, found.waterL, found.co2eKg]) {
      expect(isInOrder(range)).toBe(true);
      expect(range.low).toBeGreaterThan(0);
    }
  });

  it("is sent as the event of the fixture", () => {
    expect(makeEvent(call as Call, found, event.event_id, AT, SENDER)).toEqual(event);
  });
});
