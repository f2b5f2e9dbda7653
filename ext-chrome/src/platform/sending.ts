/**
 * Sending what waits, when it may.
 *
 * Belongs here: the turn from the stored queue to the backend and back, and the alarm of the next one.
 * Does not belong here: what an answer means (`core/queue.ts`).
 */

import { nextBatch, type Queue, settle, tidy } from "../core/queue";
import { sendBatch } from "./net";
import { isSending } from "./sending-state";
import { alone, KEYS, loadConsent, loadQueue, loadSettings, write } from "./storage";

export const SEND_ALARM = "send";
const DELAY_MS = 30_000;
const SENDING_LOCK = "ecomind-sending";
/** More than a full queue holds, so that one turn ends. */
const BATCHES_MAX = 20;

/** Send what may be sent, one turn at a time; `isForced` also where paused or postponed. */
export async function flush(isForced = false): Promise<void> {
  await navigator.locks.request(SENDING_LOCK, async () => {
    for (let i = 0; i < BATCHES_MAX; i++) {
      if (!(await sendOne(isForced))) break;
    }
  });
  await schedule();
}

/** Whether a batch was sent and another may follow. */
async function sendOne(isForced: boolean): Promise<boolean> {
  const now = new Date();
  const { settings } = await loadSettings();
  if (!isSending(settings, await loadConsent())) return false;
  const queue = await changeQueue((stored) => tidy(stored, now));
  const batch = nextBatch(queue, now, isForced);
  if (batch.length === 0) return false;
  const answer = await sendBatch(settings, batch);
  const after = await changeQueue((stored) =>
    settle(stored, batch, answer, new Date(), Math.random()),
  );
  return after.pause === null && after.notBefore === null;
}

async function changeQueue(change: (queue: Queue) => Queue): Promise<Queue> {
  return await alone(async () => {
    const queue = change(await loadQueue());
    await write({ [KEYS.queue]: queue });
    return queue;
  });
}

/** Set the alarm of the next turn, or none where nothing waits or the person must act first. */
export async function schedule(): Promise<void> {
  const queue = await loadQueue();
  const { settings } = await loadSettings();
  const isIdle = queue.items.length === 0 || queue.pause !== null;
  if (isIdle || !isSending(settings, await loadConsent())) {
    await chrome.alarms.clear(SEND_ALARM);
    return;
  }
  const known = await chrome.alarms.get(SEND_ALARM);
  const wanted =
    queue.notBefore === null
      ? Date.now() + DELAY_MS
      : Math.max(Date.parse(queue.notBefore), Date.now());
  // An alarm that is set already stays: calls in a row must not put sending off for ever.
  if (queue.notBefore === null && known !== undefined && known.scheduledTime <= wanted) return;
  await chrome.alarms.create(SEND_ALARM, { when: wanted });
}
