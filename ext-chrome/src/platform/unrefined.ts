/**
 * Calls whose answer may still tell of its size: in memory only, a few, not for long.
 *
 * Belongs here: the session's list of them. Does not belong here: what is done with timings.
 */

import type { Call, Estimate } from "../core/types";

export interface Unrefined {
  readonly eventId: string;
  readonly tabId: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly day: string;
  readonly call: Call;
  readonly estimate: Estimate;
}

const KEY = "unrefined";
const KEPT = 50;
const AGE_MAX_MS = 30 * 60_000;

async function load(now: number): Promise<readonly Unrefined[]> {
  const stored: Record<string, unknown> = await chrome.storage.session.get(KEY);
  // Written by nobody but this file, and gone with the browser.
  const list = (stored[KEY] ?? []) as readonly Unrefined[];
  return list.filter((one) => now - one.at <= AGE_MAX_MS);
}

/** Remember a call; within the storage's lock. */
export async function remember(one: Unrefined): Promise<void> {
  const list = await load(one.at);
  await chrome.storage.session.set({ [KEY]: [...list, one].slice(-KEPT) });
}

/** Take the newest call of a tab and provider out of the list; within the storage's lock. */
export async function takeNewest(
  tabId: number,
  providerId: string,
  now: number,
): Promise<Unrefined | null> {
  const list = await load(now);
  const found = list.findLast((one) => one.tabId === tabId && one.call.providerId === providerId);
  if (found === undefined) return null;
  await chrome.storage.session.set({ [KEY]: list.filter((one) => one !== found) });
  return found;
}

export async function forgetUnrefined(): Promise<void> {
  await chrome.storage.session.remove(KEY);
}
