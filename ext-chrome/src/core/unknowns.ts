/**
 * Reading values nobody vouches for: stored, imported, typed, sent by a backend.
 *
 * Belongs here: taking a value if it is what it must be. Zero is a value, `NaN` and infinity are not.
 */

import type { Range } from "./types";

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An own property of an object, never one of its prototype. */
export function member(value: unknown, name: string): unknown {
  return isRecord(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

export function readText(value: unknown, maxLength: number, otherwise = ""): string {
  return typeof value === "string" && value.length <= maxLength ? value : otherwise;
}

export function readBoolean(value: unknown, otherwise: boolean): boolean {
  return typeof value === "boolean" ? value : otherwise;
}

/** A finite number within bounds, else null. */
export function readNumber(value: unknown, minimum: number, maximum: number): number | null {
  if (typeof value !== "number" || !Number.isFinite(value)) return null;
  return value >= minimum && value <= maximum ? value : null;
}

export function readCount(value: unknown): number | null {
  const number = readNumber(value, 0, Number.MAX_SAFE_INTEGER);
  return number !== null && Number.isInteger(number) ? number : null;
}

/** A range in order and not below zero, else null. */
export function readRange(value: unknown): Range | null {
  const [low, mid, high] = ["low", "mid", "high"].map((s) =>
    readNumber(member(value, s), 0, Number.MAX_VALUE),
  );
  if (low == null || mid == null || high == null) return null;
  return low <= mid && mid <= high ? { low, mid, high } : null;
}

export function readList(value: unknown, maxLength: number): readonly unknown[] {
  return Array.isArray(value) ? value.slice(0, maxLength) : [];
}

/** RFC 3339 in UTC, else null. */
export function readInstant(value: unknown): string | null {
  if (typeof value !== "string" || value.length > 40) return null;
  const at = Date.parse(value);
  return Number.isFinite(at) ? new Date(at).toISOString() : null;
}

/** The value of a JSON text, or undefined where it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
