/**
 * The one counter: what a call does to the stored sums and to the queue.
 *
 * Belongs here: recording a call, replacing its estimate by a better one, forgetting days.
 * Does not belong here: listening to the browser, sending.
 */

import { dayKey, expiredDays, lastDays } from "../core/days";
import { type Evidence, estimate, readTiming, type Timing } from "../core/estimate";
import {
  addLedgers,
  addToLedger,
  ledgerTotal,
  PERIOD_DAYS,
  replaceInLedger,
  subtractLedger,
  summarise,
  sumsOf,
} from "../core/ledger";
import { makeEvent } from "../core/payload";
import { providerById } from "../core/providers";
import { enqueue } from "../core/queue";
import type { Call, DayTotal, Estimate, Period, Settings, Summary } from "../core/types";
import { isSending } from "./sending-state";
import {
  alone,
  dayStorageKey,
  KEYS,
  loadConsent,
  loadDay,
  loadDays,
  loadQueue,
  loadSettings,
  loadTotal,
  remove,
  storedDays,
  write,
} from "./storage";
import { forgetUnrefined, remember, takeNearest, type Unrefined } from "./unrefined";

/** Count a call that began in a tab (-1 for none). */
export async function record(call: Call, tabId: number, at: Date): Promise<void> {
  const eventId = crypto.randomUUID();
  const day = dayKey(at);
  await alone(async () => {
    const { settings } = await loadSettings();
    const named = withUsualModel(call, settings);
    const figure = estimateOf(named, settings, null);
    const sums = sumsOf(figure);
    await write({
      [dayStorageKey(day)]: addToLedger(await loadDay(day), named, sums),
      [KEYS.total]: addToLedger(await loadTotal(), named, sums),
      ...(await queued(named, figure, eventId, at, settings)),
    });
    if (tabId >= 0 && providerById(call.providerId)?.timing != null) {
      await remember({ eventId, tabId, at: at.getTime(), day, call: named, estimate: figure });
    }
  });
}

/** An answer that was timed, and where. */
export interface Timed {
  readonly tabId: number;
  readonly providerId: string;
  /** First byte of the answer, in milliseconds since 1970. */
  readonly answeredAt: number;
  readonly timing: Timing;
}

/** Take what the timing of an answer tells of the call that it answers. */
export async function refine(answer: Timed): Promise<void> {
  const provider = providerById(answer.providerId);
  if (provider?.timing == null) return;
  const evidence = readTiming(answer.timing, provider.timing.bytesPerToken);
  await alone(async () => {
    const known = await takeNearest(answer);
    if (known === null || evidence === null) return;
    await replaceEstimate(known, evidence);
  });
}

async function replaceEstimate(known: Unrefined, evidence: Evidence): Promise<void> {
  const { settings } = await loadSettings();
  const { call, day, eventId } = known;
  const before = sumsOf(known.estimate);
  const better = estimateOf(call, settings, evidence);
  const after = sumsOf(better);
  await write({
    [dayStorageKey(day)]: replaceInLedger(await loadDay(day), call, before, after),
    [KEYS.total]: replaceInLedger(await loadTotal(), call, before, after),
    ...(await queued(call, better, eventId, new Date(known.at), settings)),
  });
}

function withUsualModel(call: Call, settings: Settings): Call {
  return { ...call, model: call.model ?? settings.usualModels[call.providerId] ?? null };
}

function estimateOf(call: Call, settings: Settings, evidence: Evidence | null): Estimate {
  return estimate(call, settings.parameters[call.providerId], evidence);
}

/** The queue with a call's event, where sending is on. */
async function queued(
  call: Call,
  figure: Estimate,
  eventId: string,
  at: Date,
  settings: Settings,
): Promise<Record<string, unknown>> {
  if (!isSending(settings, await loadConsent())) return {};
  const version = chrome.runtime.getManifest().version;
  const event = makeEvent(call, figure, eventId, at, { settings, version });
  return { [KEYS.queue]: enqueue(await loadQueue(), event, new Date()) };
}

/** What a period held, up to and with today. */
export async function summary(period: Period, now = new Date()): Promise<Summary> {
  if (period === "all") return summarise(period, await loadTotal());
  const days = lastDays(dayKey(now), PERIOD_DAYS[period]);
  return summarise(period, addLedgers(await loadDays(days)));
}

/** The last days one by one, the oldest first, days without calls included. */
export async function dayTotals(count: number, now = new Date()): Promise<readonly DayTotal[]> {
  const days = lastDays(dayKey(now), count);
  const ledgers = await loadDays(days);
  return ledgers.map((ledger, i) => ({ day: days[i] ?? "", sums: ledgerTotal(ledger) }));
}

/** Today's calls were never counted: gone from today and from all time. */
export async function resetToday(now = new Date()): Promise<void> {
  const day = dayKey(now);
  await alone(async () => {
    const total = subtractLedger(await loadTotal(), await loadDay(day));
    await write({ [KEYS.total]: total });
    await remove([dayStorageKey(day)]);
    await forgetUnrefined();
  });
}

/** Every sum is gone, today's and all time's included; settings and queue stay. */
export async function clearHistory(): Promise<void> {
  await alone(async () => {
    await remove([KEYS.total, ...(await storedDays()).map(dayStorageKey)]);
    await forgetUnrefined();
  });
}

/** Days older than are kept go; all time's total keeps their sums. */
export async function prune(now = new Date()): Promise<void> {
  await alone(async () => {
    await remove(expiredDays(await storedDays(), dayKey(now)).map(dayStorageKey));
  });
}
