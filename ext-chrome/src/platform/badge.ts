/**
 * The badge: today's calls, and a mark where sending is paused.
 *
 * Belongs here: putting the stored state on the badge. Colours keep a contrast of at least 4.5 to 1
 * (white on #0b6b57: 6.5; white on #8a4b00: 6.7).
 */

import { dayKey } from "../core/days";
import { badgeText } from "../core/format";
import { ledgerTotal } from "../core/ledger";
import { describeSending } from "./sending-state";
import { loadConsent, loadDay, loadQueue, loadSettings } from "./storage";

export const BADGE_COLOURS = Object.freeze({
  text: "#ffffff",
  usual: "#0b6b57",
  paused: "#8a4b00",
});

export async function showBadge(now = new Date()): Promise<void> {
  const { calls } = ledgerTotal(await loadDay(dayKey(now)));
  const { settings } = await loadSettings();
  const sending = describeSending(settings, await loadConsent(), await loadQueue());
  const isPaused = sending.status === "paused";
  await chrome.action.setBadgeText({ text: badgeText(calls, isPaused) });
  await chrome.action.setBadgeTextColor({ color: BADGE_COLOURS.text });
  await chrome.action.setBadgeBackgroundColor({
    color: isPaused ? BADGE_COLOURS.paused : BADGE_COLOURS.usual,
  });
}
