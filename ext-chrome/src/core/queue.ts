/**
 * Events that wait to be sent, and what an answer does to them.
 *
 * Belongs here: pure steps from one state of the queue to the next. Does not belong here: sending,
 * clocks, dice; they are arguments. Delivery is at least once: the backend counts an id once.
 */

import { type OutgoingEvent, readEvent } from "./payload";
import type { PauseReason } from "./types";
import { member, readCount, readInstant, readList } from "./unknowns";

export interface Queue {
  readonly items: readonly OutgoingEvent[];
  /** Failed attempts in a row. */
  readonly attempt: number;
  /** RFC 3339; nothing is sent before. */
  readonly notBefore: string | null;
  readonly dropped: number;
  readonly pause: PauseReason | null;
  readonly lastSentAt: string | null;
}

export const BATCH_MAX = 50;
export const WAITING_MAX = 500;
export const AGE_MAX_MS = 7 * 24 * 3_600_000;
/** Longest and shortest wait after a failure. */
export const WAIT_MAX_MS = 3_600_000;
export const WAIT_MIN_MS = 30_000;

export const EMPTY_QUEUE: Queue = Object.freeze({
  items: Object.freeze([]),
  attempt: 0,
  notBefore: null,
  dropped: 0,
  pause: null,
  lastSentAt: null,
});

const PAUSES: readonly PauseReason[] = ["refused_key", "not_allowed", "wrong_address"];

/** A queue made of any value; items that are not events of ours are left out. */
export function normaliseQueue(value: unknown): Queue {
  const items = readList(member(value, "items"), WAITING_MAX).flatMap((item) => {
    const event = readEvent(item);
    return event === null ? [] : [event];
  });
  return {
    items,
    attempt: readCount(member(value, "attempt")) ?? 0,
    notBefore: readInstant(member(value, "notBefore")),
    dropped: readCount(member(value, "dropped")) ?? 0,
    pause: PAUSES.find((reason) => reason === member(value, "pause")) ?? null,
    lastSentAt: readInstant(member(value, "lastSentAt")),
  };
}

/** The queue with an event added, or put in place of the one with the same id. */
export function enqueue(queue: Queue, event: OutgoingEvent, now: Date): Queue {
  const place = queue.items.findIndex((item) => item.event_id === event.event_id);
  const items =
    place < 0
      ? [...queue.items, event]
      : queue.items.map((item, i) => (i === place ? event : item));
  return tidy({ ...queue, items }, now);
}

/** Without what is too old or too much; the oldest go first, and are counted. */
export function tidy(queue: Queue, now: Date): Queue {
  const young = queue.items.filter(
    (item) => now.getTime() - Date.parse(item.occurred_at) <= AGE_MAX_MS,
  );
  const items = young.slice(Math.max(0, young.length - WAITING_MAX));
  return { ...queue, items, dropped: queue.dropped + queue.items.length - items.length };
}

/** What may be sent now; empty where nothing may. */
export function nextBatch(queue: Queue, now: Date, isForced = false): readonly OutgoingEvent[] {
  if (queue.pause !== null && !isForced) return [];
  if (!isForced && queue.notBefore !== null && now.getTime() < Date.parse(queue.notBefore))
    return [];
  return queue.items.slice(0, BATCH_MAX);
}

/** How a backend answered a batch; `status` 0 is no answer at all. */
export interface Answer {
  readonly status: number;
  /** From `Retry-After`, in milliseconds; null where it was not given. */
  readonly retryAfterMs: number | null;
  /** Of a 207: events the backend refused. */
  readonly rejected: number;
}

/** The queue after an answer to a batch; `dice` is a number from 0 up to 1. */
export function settle(
  queue: Queue,
  batch: readonly OutgoingEvent[],
  answer: Answer,
  now: Date,
  dice: number,
): Queue {
  const verdict = judge(answer.status);
  if (verdict === "retry") return postponed(queue, answer.retryAfterMs, now, dice);
  if (verdict !== "done" && verdict !== "drop") return { ...queue, pause: verdict };
  const isDone = verdict === "done";
  return {
    items: without(queue.items, batch),
    attempt: 0,
    notBefore: null,
    pause: null,
    dropped: queue.dropped + (isDone ? answer.rejected : batch.length),
    lastSentAt: isDone ? now.toISOString() : queue.lastSentAt,
  };
}

type Verdict = "done" | "retry" | "drop" | PauseReason;

function judge(status: number): Verdict {
  if (status >= 200 && status <= 299) return "done";
  if (status === 401) return "refused_key";
  if (status === 403) return "not_allowed";
  if (status === 400 || status === 413 || status === 422) return "drop";
  if (status === 408 || status === 425 || status === 429) return "retry";
  return status >= 400 && status <= 499 ? "wrong_address" : "retry";
}

/** Items that are still as they were sent go; one that was refined meanwhile stays. */
function without(
  items: readonly OutgoingEvent[],
  batch: readonly OutgoingEvent[],
): readonly OutgoingEvent[] {
  const sent = new Map(batch.map((event) => [event.event_id, event.output_tokens]));
  return items.filter(
    (item) => !sent.has(item.event_id) || sent.get(item.event_id) !== item.output_tokens,
  );
}

function postponed(queue: Queue, retryAfterMs: number | null, now: Date, dice: number): Queue {
  const attempt = queue.attempt + 1;
  const wait = Math.max(waitMs(attempt, dice), Math.min(retryAfterMs ?? 0, AGE_MAX_MS));
  return { ...queue, attempt, notBefore: new Date(now.getTime() + wait).toISOString() };
}

/** Full jitter: anything from the shortest wait to a bound that doubles with every failure. */
export function waitMs(attempt: number, dice: number): number {
  const bound = Math.min(WAIT_MAX_MS, WAIT_MIN_MS * 2 ** Math.min(attempt, 20));
  return WAIT_MIN_MS + dice * (bound - WAIT_MIN_MS);
}

/** `Retry-After` as seconds or as a date, in milliseconds from now; null where it is neither. */
export function readRetryAfter(header: string | null, now: Date): number | null {
  if (header === null) return null;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header.trim()) * 1000;
  const at = Date.parse(header);
  return Number.isFinite(at) ? Math.max(0, at - now.getTime()) : null;
}

/** The person changed address or key: try again at once. */
export function resumed(queue: Queue): Queue {
  return { ...queue, attempt: 0, notBefore: null, pause: null };
}

/** Everything that waits is thrown away, as the person asked. */
export function emptied(queue: Queue): Queue {
  return { ...resumed(queue), items: [] };
}
