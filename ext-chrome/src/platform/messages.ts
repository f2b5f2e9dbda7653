/**
 * The messages between the parts of the extension, and who may send them.
 *
 * Belongs here: their shapes, reading them without trust, checking the sender. Pages change storage
 * themselves, under the shared lock; they ask the worker only for what must outlive them.
 */

import type { Timing } from "../core/estimate";
import { providerOfAnswer } from "../core/match";
import { isRecord, readNumber, readText } from "../core/unknowns";

/** From a page: send what waits now, also where sending is paused or postponed. */
export interface SendNow {
  readonly type: "send-now";
}

/** From the content script: the timing of one answer. */
export interface AnswerTimed {
  readonly type: "answer-timed";
  /** Without query and fragment. */
  readonly url: string;
  /** First byte of the answer, in milliseconds since 1970. */
  readonly answeredAt: number;
  readonly streamedS: number;
  readonly decodedBytes: number;
}

export type Message = SendNow | AnswerTimed;

/** What the worker is to do, or null for a message it does not take. */
export type Order =
  | { readonly type: "send-now" }
  | {
      readonly type: "refine";
      readonly tabId: number;
      readonly providerId: string;
      readonly answeredAt: number;
      readonly timing: Timing;
    };

export function readMessage(message: unknown, sender: chrome.runtime.MessageSender): Order | null {
  if (sender.id !== chrome.runtime.id || !isRecord(message)) return null;
  if (message["type"] === "send-now") {
    return sender.url?.startsWith(chrome.runtime.getURL("")) === true ? { type: "send-now" } : null;
  }
  return message["type"] === "answer-timed" ? readTiming(message, sender) : null;
}

function readTiming(
  message: Readonly<Record<string, unknown>>,
  sender: chrome.runtime.MessageSender,
): Order | null {
  const tabId = sender.tab?.id;
  if (tabId === undefined || sender.origin === undefined) return null;
  const provider = providerOfAnswer(readText(message["url"], 2000), sender.origin);
  const answeredAt = readNumber(message["answeredAt"], 0, Number.MAX_SAFE_INTEGER);
  const streamedS = readNumber(message["streamedS"], 0, 3600);
  const decodedBytes = readNumber(message["decodedBytes"], 0, 1e9);
  if (provider === null || answeredAt === null) return null;
  if (streamedS === null || decodedBytes === null) return null;
  const timing = { streamedS, decodedBytes };
  return { type: "refine", tabId, providerId: provider.id, answeredAt, timing };
}

/** Ask the worker to send now; resolves when it has, to whether it took the order. */
export async function askToSendNow(): Promise<boolean> {
  const message: SendNow = { type: "send-now" };
  return (await chrome.runtime.sendMessage(message)) === true;
}
