/**
 * Beside a chat page, in a world of its own: how long an answer streamed and how large it was.
 *
 * Belongs here: reading the browser's resource timing. Does not belong here: anything else of the
 * page. Neither the page's elements nor what it sends and receives are looked at.
 */

import type { AnswerTimed } from "../platform/messages";
import { MAY_BE_ANSWER } from "./paths";

/** The worker counts at the first byte; a very short answer must not come before that is done. */
const AFTER_MS = 500;

new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) report(entry as PerformanceResourceTiming);
}).observe({ type: "resource" });

function report(entry: PerformanceResourceTiming): void {
  if (entry.initiatorType !== "fetch" && entry.initiatorType !== "xmlhttprequest") return;
  if (entry.responseStatus < 200 || entry.responseStatus > 299) return;
  const url = entry.name.replace(/[?#].*$/, "");
  if (!MAY_BE_ANSWER.test(url)) return;
  const message: AnswerTimed = {
    type: "answer-timed",
    url,
    answeredAt: performance.timeOrigin + entry.responseStart,
    streamedS: (entry.responseEnd - entry.responseStart) / 1000,
    decodedBytes: entry.decodedBodySize,
  };
  setTimeout(() => void send(message), AFTER_MS);
}

async function send(message: AnswerTimed): Promise<void> {
  try {
    await chrome.runtime.sendMessage(message);
  } catch {
    // After an update of the extension the old script has nobody to talk to; nothing is lost but a
    // better estimate.
  }
}
