/**
 * Whether events are sent, and why not.
 *
 * Belongs here: the conditions of sending, as pages show them. Does not belong here: sending itself.
 */

import type { Queue } from "../core/queue";
import type { Consent, SendingState, Settings } from "../core/types";

/** Sending takes all of: not local only, consent, an address and a key. */
export function isSending(settings: Settings, consent: Consent | null): boolean {
  return statusOf(settings, consent) === "on";
}

function statusOf(
  settings: Settings,
  consent: Consent | null,
): Exclude<SendingState["status"], "paused"> {
  if (settings.localOnly) return "off";
  if (consent === null) return "no_consent";
  return settings.backendUrl === "" || settings.apiKey === "" ? "incomplete" : "on";
}

export function describeSending(
  settings: Settings,
  consent: Consent | null,
  queue: Queue,
): SendingState {
  const status = statusOf(settings, consent);
  return {
    status: status === "on" && queue.pause !== null ? "paused" : status,
    pause: status === "on" ? queue.pause : null,
    waiting: queue.items.length,
    dropped: queue.dropped,
    lastSentAt: queue.lastSentAt,
    nextAttemptAt: queue.notBefore,
  };
}
