/**
 * How numbers, days and times are written for people, in their language.
 *
 * Belongs here: putting numbers, units and words together. Does not belong here: units and digits
 * (`core/format`), where numbers come from.
 */

import { type Quantity, writeCount, writeNumber, writeRange } from "../../core/format";
import type { Range } from "../../core/types";
import type { Words } from "./i18n";

const NO_BREAK = "\u00a0";

export interface Shown {
  /** The central value with its unit. */
  readonly mid: string;
  /** `low` to `high` in the unit of the central value. */
  readonly span: string;
}

/** Writes numbers in the language of the words. */
export class Figures {
  private readonly locale: string;
  private readonly percent: Intl.NumberFormat;

  constructor(private readonly words: Words) {
    this.locale = words.locale;
    this.percent = new Intl.NumberFormat(this.locale, {
      style: "percent",
      maximumFractionDigits: 0,
    });
  }

  /** A range of kWh, L or kg. */
  shown(quantity: Quantity, range: Range): Shown {
    const { low, mid, high, unit } = writeRange(quantity, range, this.locale);
    const withUnit = (value: string) => `${value}${NO_BREAK}${unit}`;
    return { mid: withUnit(mid), span: this.words.text("range", { low, high: withUnit(high) }) };
  }

  count(value: number): string {
    return writeCount(value, this.locale);
  }

  /** A share of one, such as 0.25. */
  share(value: number): string {
    return this.percent.format(value);
  }

  /** A published or typed factor: up to three digits, no unit. */
  factor(value: number): string {
    return new Intl.NumberFormat(this.locale, { maximumSignificantDigits: 3 }).format(value);
  }

  /** Litres, for the kettle. */
  litres(value: number): string {
    return this.shown("water", { low: value, mid: value, high: value }).mid;
  }

  /** A duration in the unit that reads best. */
  duration(hours: number): string {
    const [key, value] = durationUnit(hours);
    return this.words.text(key, { value: writeNumber(value, this.locale) }).replace(" ", NO_BREAK);
  }

  /** A local day such as `2026-11-21`, short for an axis. */
  weekday(day: string): string {
    return this.ofDay(day, { weekday: "short" });
  }

  /** A local day in words. */
  day(day: string): string {
    return this.ofDay(day, { weekday: "long", day: "numeric", month: "long" });
  }

  /** A local day with its year. */
  date(day: string): string {
    return this.ofDay(day, { dateStyle: "long" });
  }

  /** A moment as the time of day, with the date where it is not today. */
  moment(at: Date, now: Date): string {
    const isToday = at.toDateString() === now.toDateString();
    return new Intl.DateTimeFormat(this.locale, {
      timeStyle: "short",
      ...(isToday ? {} : { dateStyle: "medium" }),
    }).format(at);
  }

  /** A moment with its date, whenever it was. */
  dated(at: Date): string {
    const format = { dateStyle: "medium", timeStyle: "short" } as const;
    return new Intl.DateTimeFormat(this.locale, format).format(at);
  }

  private ofDay(day: string, options: Intl.DateTimeFormatOptions): string {
    // Noon UTC read in UTC: the day stays the day in every time zone.
    const noon = new Date(`${day}T12:00:00Z`);
    const format = new Intl.DateTimeFormat(this.locale, { ...options, timeZone: "UTC" });
    return format.format(noon);
  }
}

function durationUnit(
  hours: number,
): ["unit_seconds" | "unit_minutes" | "unit_hours" | "unit_days", number] {
  if (hours < 1.5 / 60) return ["unit_seconds", hours * 3600];
  if (hours < 1.5) return ["unit_minutes", hours * 60];
  if (hours < 48) return ["unit_hours", hours];
  return ["unit_days", hours / 24];
}
