/**
 * Days as the person lives them: local time, `YYYY-MM-DD`.
 *
 * Belongs here: keys of days, steps between them, the next midnight. A day may have 23 or 25 hours,
 * so days are counted by the calendar and never by 86,400 seconds.
 */

const DAY = /^(\d{4})-(\d{2})-(\d{2})$/;

export const KEPT_DAYS = 400;

export function dayKey(at: Date): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  const year = String(at.getFullYear()).padStart(4, "0");
  return `${year}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

/** Whether a text is the key of a day that exists. */
export function isDayKey(text: string): boolean {
  const parts = DAY.exec(text);
  if (parts === null) return false;
  const at = new Date(Date.UTC(Number(parts[1]), Number(parts[2]) - 1, Number(parts[3])));
  return at.toISOString().slice(0, 10) === text;
}

/** The day `days` later, or earlier if negative. */
export function shiftDay(day: string, days: number): string {
  const at = new Date(`${day}T00:00:00Z`);
  at.setUTCDate(at.getUTCDate() + days);
  return at.toISOString().slice(0, 10);
}

/** The last `count` days up to and with `day`, the oldest first. */
export function lastDays(day: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => shiftDay(day, i + 1 - count));
}

/** Of some days, those too old to be kept on `today`. */
export function expiredDays(days: readonly string[], today: string): readonly string[] {
  const first = shiftDay(today, 1 - KEPT_DAYS);
  return days.filter((day) => day < first);
}

/** The first moment of the next local day. */
export function nextMidnight(at: Date): Date {
  return new Date(at.getFullYear(), at.getMonth(), at.getDate() + 1);
}
