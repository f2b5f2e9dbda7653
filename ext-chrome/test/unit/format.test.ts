import { describe, expect, it } from "vitest";
import { badgeText, writeCount, writeNumber, writeRange } from "../../src/core/format";

const around = (mid: number) => ({ low: mid / 4, mid, high: mid * 4 });

describe("figures", () => {
  it.each([
    ["energy", 0.00036, "0.36", "Wh"],
    ["energy", 0.036, "36", "Wh"],
    ["energy", 0.99999, "1", "kWh"],
    ["energy", 12.34, "12", "kWh"],
    ["energy", 4321, "4.3", "MWh"],
    ["energy", 0, "0", "Wh"],
    ["water", 0.0012, "1.2", "mL"],
    ["water", 3.91, "3.9", "L"],
    ["water", 3910, "3.9", "m³"],
    ["co2e", 0.000152, "0.15", "g"],
    ["co2e", 1.9, "1.9", "kg"],
    ["co2e", 1900, "1.9", "t"],
  ] as const)("%s of %d is %s %s", (quantity, stored, mid, unit) => {
    expect(writeRange(quantity, around(stored), "en")).toMatchObject({ mid, unit });
  });

  it("have one unit and two digits, written in the reader's language", () => {
    expect(writeRange("energy", { low: 0.0000692, mid: 0.00036, high: 0.00199 }, "de")).toEqual({
      low: "0,069",
      mid: "0,36",
      high: "2",
      unit: "Wh",
    });
    expect(writeNumber(1234, "en")).toBe("1,200");
    expect(writeCount(1234, "en")).toBe("1,234");
    expect(writeNumber(0.00000012, "en")).toBe("0.00000012");
  });
});

describe("the badge", () => {
  it.each([
    [0, false, ""],
    [7, false, "7"],
    [999, false, "999"],
    [1000, false, "999+"],
    [0, true, "!"],
    [7, true, "7!"],
    [99, true, "99!"],
    [100, true, "99+!"],
  ])("of %i calls (paused: %s) is %j", (calls, isPaused, text) => {
    expect(badgeText(calls, isPaused)).toBe(text);
    expect(badgeText(calls, isPaused).length).toBeLessThanOrEqual(4);
  });
});
