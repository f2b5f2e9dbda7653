/**
 * The service worker: wires the browser's events to what they mean.
 *
 * Belongs here: synchronous registration of every listener. Does not belong here: state (the worker
 * dies and wakes at any time) and logic. A listener added after an await loses the event that woke it.
 */

import { nextMidnight } from "../core/days";
import { matchCall, mayBeCall } from "../core/match";
import { showBadge } from "../platform/badge";
import { prune, record, refine } from "../platform/counting";
import { readMessage } from "../platform/messages";
import { flush, SEND_ALARM, schedule } from "../platform/sending";
import { KEYS, loadSettings, refreshPolicy } from "../platform/storage";

const MIDNIGHT_ALARM = "midnight";
const POLICY_ALARM = "policy";
const RULES_OF_SENDING: readonly string[] = [KEYS.settings, KEYS.consent, KEYS.policy];
const OWN_ORIGIN = chrome.runtime.getURL("").slice(0, -1);
// Broad, because permissions already limit what is seen, and custom providers need no late listener.
const FILTER: chrome.webRequest.RequestFilter = {
  urls: ["https://*/*", "http://*/*", "wss://*/*"],
  types: ["xmlhttprequest", "websocket"],
};

chrome.webRequest.onResponseStarted.addListener((details) => {
  if (mayBeCall(details)) void count(details);
}, FILTER);

chrome.runtime.onMessage.addListener((message: unknown, sender, respond) => {
  const order = readMessage(message, sender);
  if (order === null) return false;
  if (order.type === "refine") {
    void refine(order).then(schedule);
    return false;
  }
  void flush(true).then(() => respond(true));
  return true;
});

chrome.alarms.onAlarm.addListener(({ name }) => {
  if (name === SEND_ALARM) void flush();
  if (name === MIDNIGHT_ALARM) void begin();
  if (name === POLICY_ALARM) void refreshPolicy(true);
});

chrome.storage.onChanged.addListener((changes, area) => {
  if (area === "managed") void refreshPolicy(true);
  if (area !== "local") return;
  void showBadge();
  if (Object.keys(changes).some((key) => RULES_OF_SENDING.includes(key))) void schedule();
});

chrome.runtime.onInstalled.addListener(({ reason }) => {
  void begin();
  if (reason === "install") void welcome();
});

chrome.runtime.onStartup.addListener(() => void begin());

async function count(details: chrome.webRequest.OnResponseStartedDetails): Promise<void> {
  const { settings } = await loadSettings();
  const call = matchCall(details, settings, OWN_ORIGIN);
  if (call === null) return;
  await record(call, details.tabId, new Date(details.timeStamp));
  await schedule();
}

/** What a new day, a new start and a new version have in common. */
async function begin(): Promise<void> {
  // Content scripts run beside pages; what is stored is not for them.
  await chrome.storage.local.setAccessLevel({ accessLevel: "TRUSTED_CONTEXTS" });
  await chrome.alarms.create(MIDNIGHT_ALARM, { when: nextMidnight(new Date()).getTime() });
  await chrome.alarms.create(POLICY_ALARM, { delayInMinutes: 1 });
  await prune();
  await showBadge();
  await schedule();
  await refreshPolicy(false);
}

async function welcome(): Promise<void> {
  await chrome.tabs.create({ url: chrome.runtime.getURL("welcome.html") });
}
