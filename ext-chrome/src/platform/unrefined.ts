/**
 * Calls whose answer may still tell of its size: in memory only, a few, not for long.
 *
 * Belongs here: the session's list of them. Does not belong here: what is done with timings.
 */

import type { Call, Estimate } from "../core/types";

export interface Unrefined {
  readonly eventId: string;
  readonly tabId: number;
  /** First byte of the answer, in milliseconds since 1970. */
  readonly at: number;
  readonly day: string;
  readonly call: Call;
  readonly estimate: Estimate;
}

const KEY = "unrefined";
const KEPT = 50;
const AGE_MAX_MS = 30 * 60_000;
/** How far apart page and worker may place the first byte of an answer. */
const TOLERANCE_MS = 5_000;

async function load(at: number): Promise<readonly Unrefined[]> {
  const stored: Record<string, unknown> = await chrome.storage.session.get(KEY);
  // Written by nobody but this file, and gone with the browser.
  const list = (stored[KEY] ?? []) as readonly Unrefined[];
  return list.filter((one) => at - one.at <= AGE_MAX_MS);
}

/** Remember a call; within the storage's lock. */
export async function remember(one: Unrefined): Promise<void> {
  const list = await load(one.at);
  await chrome.storage.session.set({ [KEY]: [...list, one].slice(-KEPT) });
}

/** Take the call of a tab and provider out of the list whose answer began nearest to a time. */
export async function takeNearest({
  tabId,
  providerId,
  answeredAt,
}: {
  readonly tabId: number;
  readonly providerId: string;
  readonly answeredAt: number;
}): Promise<Unrefined | null> {
  const list = await load(answeredAt);
  const distance = (one: Unrefined): number => Math.abs(one.at - answeredAt);
  const [found] = list
    .filter((one) => one.tabId === tabId && one.call.providerId === providerId)
    .sort((one, other) => distance(one) - distance(other));
  if (found === undefined || distance(found) > TOLERANCE_MS) return null;
  await chrome.storage.session.set({ [KEY]: list.filter((one) => one !== found) });
  return found;
}

export async function forgetUnrefined(): Promise<void> {
  await chrome.storage.session.remove(KEY);
}
