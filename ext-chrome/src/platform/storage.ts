/**
 * The extension's storage: what is kept, under which keys, and the one way to change it.
 *
 * Belongs here: keys, reading through `normalise…`, writing under the lock that the worker and the
 * pages share. Does not belong here: what is written. Every read is a fresh object.
 */

import { isDayKey } from "../core/days";
import { EMPTY, normaliseLedger } from "../core/ledger";
import { EMPTY_QUEUE, normaliseQueue, type Queue } from "../core/queue";
import { CONSENT_VERSION, normalise, readPolicy, underPolicy } from "../core/settings";
import type { Consent, Ledger, Locked, Settings } from "../core/types";
import { member, readCount, readInstant } from "../core/unknowns";

const LOCK = "ecomind-storage";
const DAY = "day:";

export const KEYS = Object.freeze({
  settings: "settings",
  consent: "consent",
  policy: "policy",
  queue: "queue",
  total: "total",
});

export function dayStorageKey(day: string): string {
  return DAY + day;
}

/** Runs alone among all contexts of the extension; never nested. */
export async function alone<T>(work: () => Promise<T>): Promise<T> {
  return await navigator.locks.request(LOCK, work);
}

export async function read(key: string): Promise<unknown> {
  const found: Record<string, unknown> = await chrome.storage.local.get(key);
  return found[key];
}

/** One write for all values, so that they hold together. */
export async function write(values: Readonly<Record<string, unknown>>): Promise<void> {
  await chrome.storage.local.set(structuredClone(values));
}

export async function remove(keys: readonly string[]): Promise<void> {
  await chrome.storage.local.remove([...keys]);
}

export interface Loaded {
  readonly settings: Settings;
  readonly locked: Locked;
}

/** The settings in force: the person's, with the administrator's in place of some. */
export async function loadSettings(): Promise<Loaded> {
  const found: Record<string, unknown> = await chrome.storage.local.get([
    KEYS.settings,
    KEYS.policy,
  ]);
  return underPolicy(normalise(found[KEYS.settings]), readPolicy(found[KEYS.policy]));
}

/** What the person set, without an administrator's presets; only for changing it. */
export async function loadOwnSettings(): Promise<Settings> {
  return normalise(await read(KEYS.settings));
}

/**
 * Copy the administrator's presets to where they can be read at once: after a start the browser takes
 * seconds to tell them, and may at first tell none. `isSettled`: none means none.
 */
export async function refreshPolicy(isSettled: boolean): Promise<void> {
  const policy = readPolicy(await chrome.storage.managed.get(null));
  if (!isSettled && Object.keys(policy).length === 0) return;
  await alone(async () => {
    if (JSON.stringify(policy) !== JSON.stringify(await read(KEYS.policy))) {
      await write({ [KEYS.policy]: policy });
    }
  });
}

/** The person's consent to sending, if it is to the promise of this version. */
export async function loadConsent(): Promise<Consent | null> {
  const stored = await read(KEYS.consent);
  const version = readCount(member(stored, "version"));
  const givenAt = readInstant(member(stored, "givenAt"));
  return version === CONSENT_VERSION && givenAt !== null ? { version, givenAt } : null;
}

export async function loadQueue(): Promise<Queue> {
  const stored = await read(KEYS.queue);
  return stored === undefined ? EMPTY_QUEUE : normaliseQueue(stored);
}

export async function loadDay(day: string): Promise<Ledger> {
  return readLedger(await read(dayStorageKey(day)));
}

export async function loadTotal(): Promise<Ledger> {
  return readLedger(await read(KEYS.total));
}

function readLedger(stored: unknown): Ledger {
  return stored === undefined ? EMPTY : normaliseLedger(stored);
}

/** Every stored day, the oldest first. */
export async function storedDays(): Promise<readonly string[]> {
  const keys = Object.keys(await chrome.storage.local.get(null));
  return keys
    .filter((key) => key.startsWith(DAY))
    .map((key) => key.slice(DAY.length))
    .filter(isDayKey)
    .sort();
}

/** Several days at once, by their keys; days without calls are empty. */
export async function loadDays(days: readonly string[]): Promise<readonly Ledger[]> {
  const found: Record<string, unknown> = await chrome.storage.local.get(days.map(dayStorageKey));
  return days.map((day) => readLedger(found[dayStorageKey(day)]));
}
