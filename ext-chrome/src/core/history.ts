/**
 * Settings and history as files a person keeps, and reading such files.
 *
 * Belongs here: their formats. Does not belong here: dialogs and downloads. A file is untrusted: what
 * cannot be read whole changes nothing. Keys are never written to a file.
 */

import { KEPT_DAYS } from "./days";
import { ledgerTotal, readDay, readEntry } from "./ledger";
import { NO_SUMS } from "./ranges";
import { CUSTOM_PROVIDERS_MAX, normalise } from "./settings";
import type { Checked, DayLedger, Ledger, Range, Settings } from "./types";
import { isRecord, member, parseJson, readList } from "./unknowns";

const SETTINGS_FORMAT = "ecomind-extension-settings";
const HISTORY_FORMAT = "ecomind-extension-history";
const VERSION = 1;
const FILE_MAX = 20_000_000;

/** What a settings file leaves as it is: a key is a secret, the others belong to one installation. */
type Kept = Pick<Settings, "apiKey" | "localOnly">;

export function exportSettings(settings: Settings): string {
  const { apiKey: _, localOnly: __, ...shared } = settings;
  return fileOf({ format: SETTINGS_FORMAT, version: VERSION, settings: shared });
}

/** The settings of a file; key and privacy mode stay as they are. */
export function importSettings(text: string, kept: Kept): Checked<Settings> {
  const checked = readFile(text, SETTINGS_FORMAT);
  if (!checked.ok) return checked;
  const given = member(checked.value, "settings");
  if (!isRecord(given)) return { ok: false, refusal: "not_ours" };
  const customs = member(given, "customProviders");
  if (Array.isArray(customs) && customs.length > CUSTOM_PROVIDERS_MAX) {
    return { ok: false, refusal: "too_many" };
  }
  const { apiKey, localOnly } = kept;
  const read = normalise({ ...given, apiKey, localOnly });
  const lost = Object.keys(given).find((name) => isLost(given[name], member(read, name)));
  return lost === undefined
    ? { ok: true, value: read }
    : { ok: false, refusal: "bad_characters", field: lost };
}

/** Whether reading left something of a value out. */
function isLost(given: unknown, read: unknown): boolean {
  if (read === undefined) return true;
  if (Array.isArray(given)) return !Array.isArray(read) || read.length !== given.length;
  if (isRecord(given)) return Object.keys(given).length !== Object.keys(read ?? {}).length;
  return given !== read;
}

export interface History {
  readonly days: readonly DayLedger[];
  readonly total: Ledger;
}

export function exportHistory(history: History): string {
  return fileOf({ format: HISTORY_FORMAT, version: VERSION, ...history });
}

/** A history whose every day can be read; it takes the place of the stored one. */
export function importHistory(text: string): Checked<History> {
  const checked = readFile(text, HISTORY_FORMAT);
  if (!checked.ok) return checked;
  const given = member(checked.value, "days");
  if (!Array.isArray(given)) return { ok: false, refusal: "not_ours" };
  if (given.length > KEPT_DAYS) return { ok: false, refusal: "too_many" };
  const days: DayLedger[] = [];
  for (const item of given) {
    const day = isWhole(item) ? readDay(item) : null;
    if (day === null || days.some((other) => other.day === day.day)) {
      return { ok: false, refusal: "bad_history", field: "days" };
    }
    days.push(day);
  }
  const total = member(checked.value, "total");
  if (!isWhole(total)) return { ok: false, refusal: "bad_history", field: "total" };
  const read = readDay({ ...(total as object), day: "2000-01-01" });
  if (read === null) return { ok: false, refusal: "bad_history", field: "total" };
  if (days.some((day) => ledgerTotal(day).calls > ledgerTotal(read).calls)) {
    return { ok: false, refusal: "bad_history", field: "total" };
  }
  days.sort((one, other) => (one.day < other.day ? -1 : 1));
  return { ok: true, value: { days, total: { entries: read.entries } } };
}

function isWhole(ledger: unknown): boolean {
  const entries = member(ledger, "entries");
  return (
    Array.isArray(entries) && readList(entries, 2001).every((entry) => readEntry(entry) !== null)
  );
}

function fileOf(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function readFile(text: string, format: string): Checked<unknown> {
  if (text.length > FILE_MAX) return { ok: false, refusal: "too_long" };
  const value = parseJson(text);
  if (value === undefined) return { ok: false, refusal: "not_json" };
  if (member(value, "format") !== format) return { ok: false, refusal: "not_ours" };
  const version = member(value, "version");
  if (typeof version === "number" && version > VERSION)
    return { ok: false, refusal: "newer_version" };
  return version === VERSION ? { ok: true, value } : { ok: false, refusal: "not_ours" };
}

const FIGURES = ["energyKwh", "waterL", "co2eKg"] as const;
const COLUMNS = { energyKwh: "energy_kwh", waterL: "water_l", co2eKg: "co2e_kg" } as const;
const SCENARIOS: readonly (keyof Range)[] = ["low", "mid", "high"];

/** One line for every day, provider and model; units are in the names of the columns. */
export function historyCsv(days: readonly DayLedger[]): string {
  const header = ["day", "provider", "model", "calls", "low_confidence_calls"].concat(
    FIGURES.flatMap((name) => SCENARIOS.map((s) => COLUMNS[name].replace("_", `_${s}_`))),
  );
  const lines = days.flatMap(({ day, entries }) =>
    entries.map(({ providerId, model, sums }) => {
      const { calls, lowConfidenceCalls } = sums ?? NO_SUMS;
      const figures = FIGURES.flatMap((name) => SCENARIOS.map((s) => String(sums[name][s])));
      return [day, providerId, model ?? "", String(calls), String(lowConfidenceCalls), ...figures];
    }),
  );
  return [header, ...lines].map((cells) => `${cells.map(cell).join(",")}\r\n`).join("");
}

/** A cell that no spreadsheet takes for a formula or for two. */
function cell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) && !Number.isFinite(Number(text)) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
