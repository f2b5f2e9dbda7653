import { afterEach, describe, expect, it } from "vitest";
import {
  dayKey,
  expiredDays,
  isDayKey,
  KEPT_DAYS,
  lastDays,
  nextMidnight,
  shiftDay,
} from "../../src/core/days";

const ZONE = process.env["TZ"];

function inZone(zone: string): void {
  process.env["TZ"] = zone;
}

afterEach(() => {
  if (ZONE === undefined) delete process.env["TZ"];
  else process.env["TZ"] = ZONE;
});

describe("days", () => {
  it("are those of the person's clock", () => {
    const at = new Date("2026-12-31T23:30:00Z");
    inZone("Europe/Paris");
    expect(dayKey(at)).toBe("2027-01-01");
    inZone("America/New_York");
    expect(dayKey(at)).toBe("2026-12-31");
    inZone("Pacific/Kiritimati");
    expect(dayKey(at)).toBe("2027-01-01");
  });

  it("end at midnight, also where they have 23 or 25 hours", () => {
    inZone("Europe/Berlin");
    const spring = new Date(2026, 2, 29, 0, 30);
    expect((nextMidnight(spring).getTime() - spring.getTime()) / 3_600_000).toBe(22.5);
    const autumn = new Date(2026, 9, 25, 0, 30);
    expect((nextMidnight(autumn).getTime() - autumn.getTime()) / 3_600_000).toBe(24.5);
    expect(dayKey(nextMidnight(new Date(2026, 11, 31, 23, 59, 59)))).toBe("2027-01-01");
    // Midnight itself is skipped on this day.
    inZone("America/Santiago");
    const before = new Date(2026, 8, 5, 12);
    expect(dayKey(nextMidnight(before))).toBe("2026-09-06");
  });

  it("are counted by the calendar", () => {
    expect(shiftDay("2026-03-01", -1)).toBe("2026-02-28");
    expect(shiftDay("2028-03-01", -1)).toBe("2028-02-29");
    expect(shiftDay("2026-12-31", 1)).toBe("2027-01-01");
    expect(lastDays("2026-03-02", 3)).toEqual(["2026-02-28", "2026-03-01", "2026-03-02"]);
    expect(lastDays("2026-03-02", 1)).toEqual(["2026-03-02"]);
  });

  it("exist or do not", () => {
    for (const day of ["2026-01-31", "2028-02-29"]) expect(isDayKey(day)).toBe(true);
    for (const day of ["2026-02-29", "2026-13-01", "2026-1-1", "", "20260101", "2026-01-01x"]) {
      expect(isDayKey(day)).toBe(false);
    }
  });

  it("are kept for 400", () => {
    const today = "2026-11-22";
    const days = lastDays(today, KEPT_DAYS + 2);
    expect(expiredDays(days, today)).toEqual(days.slice(0, 2));
    expect(expiredDays(["2030-01-01"], today)).toEqual([]);
  });
});
