/**
 * The settings' first section: local only or not, and how sending stands.
 *
 * Belongs here: the switch with its questions. Does not belong here: addresses and keys.
 * Leaving privacy mode always shows the list anew; entering it asks where something would be lost.
 */

import type { SendingState } from "../../core/types";
import {
  giveConsent,
  loadConsent,
  requestBackend,
  sendingState,
  sendNow,
  setLocalOnly,
  withdrawConsent,
} from "../../platform/desk";
import { askConsent } from "../shared/consent";
import { ask } from "../shared/dialog";
import { byId } from "../shared/dom";
import { tell } from "../shared/fields";
import { hostOf, type Page } from "../shared/page";
import { act, type Frame, type Section } from "./section";

export function privacySection(frame: Frame): Section {
  const toggle = byId("local-only", HTMLInputElement);
  const status = byId("privacy-status", HTMLOutputElement);
  toggle.addEventListener("change", () => {
    void act(status, frame.page.words, async () => {
      await (toggle.checked ? stayLocal(frame) : leaveLocal(frame, status));
      await frame.reload();
    });
  });
  byId("send-now", HTMLButtonElement).addEventListener("click", () => {
    void act(status, frame.page.words, async () => await sendWaiting(frame, status));
  });
  byId("read-consent", HTMLButtonElement).addEventListener("click", () => {
    void act(status, frame.page.words, async () => {
      await agree(frame.page, status);
      await frame.reload();
    });
  });
  byId("withdraw", HTMLButtonElement).addEventListener("click", () => {
    void act(status, frame.page.words, async () => {
      if (await mayForget(frame.page)) await withdrawConsent();
      await frame.reload();
    });
  });
  return { refresh };
}

async function refresh(page: Page): Promise<void> {
  const toggle = byId("local-only", HTMLInputElement);
  toggle.checked = page.settings.localOnly;
  toggle.disabled = page.locked.includes("localOnly");
  const lock = document.querySelector('[data-lock="localOnly"]');
  if (lock instanceof HTMLElement) lock.hidden = !toggle.disabled;
  const state = await sendingState();
  byId("sending", HTMLElement).textContent = await sentences(state, page);
  const isRunning = state.status === "on" || state.status === "paused";
  byId("send-now", HTMLButtonElement).hidden = !(isRunning && state.waiting > 0);
  byId("read-consent", HTMLButtonElement).hidden = state.status !== "no_consent";
  // Where an administrator holds the switch, a person still decides for themselves.
  byId("withdraw", HTMLButtonElement).hidden = !(isRunning && toggle.disabled);
}

async function sentences(state: SendingState, page: Page): Promise<string> {
  const { words, figures, settings } = page;
  const host = hostOf(settings.backendUrl);
  const parts = [
    state.pause !== null
      ? words.text(`paused_${state.pause}`, { host })
      : words.text(`sending_${state.status === "paused" ? "on" : state.status}`, { host }),
  ];
  const consent = await loadConsent();
  if (state.status === "off" || state.status === "no_consent") return parts.join(" ");
  if (consent !== null) {
    const date = figures.dated(new Date(consent.givenAt));
    parts.push(words.text("consent_given", { date, version: consent.version }));
  }
  if (state.lastSentAt !== null) {
    const time = figures.moment(new Date(state.lastSentAt), new Date());
    parts.push(words.text("sending_last", { time }));
  }
  if (state.waiting > 0) parts.push(words.count("sending_waiting", state.waiting));
  if (state.dropped > 0) parts.push(words.count("sending_dropped", state.dropped));
  return parts.join(" ");
}

async function stayLocal({ page }: Frame): Promise<void> {
  if (!(await mayForget(page))) return;
  await setLocalOnly(true);
  await withdrawConsent();
}

/** Whether what waits may go; without anything waiting nobody is asked. */
async function mayForget({ words }: Page): Promise<boolean> {
  const { waiting } = await sendingState();
  if (waiting === 0) return true;
  return await ask({
    title: words.text("local_only_confirm_title"),
    body: [words.count("local_only_confirm", waiting)],
    yes: words.text("local_only_confirm_yes"),
    no: words.text("cancel"),
    isDangerous: true,
  });
}

async function leaveLocal({ page }: Frame, status: HTMLOutputElement): Promise<void> {
  const { settings, words } = page;
  if (settings.backendUrl === "" || settings.apiKey === "") {
    tell(status, words.text("local_only_needs_connection"), "bad");
    return;
  }
  if (await agree(page, status)) await setLocalOnly(false);
}

/** Consent, and with it the browser's, which a preset address does not have yet. */
async function agree({ settings, words }: Page, status: HTMLOutputElement): Promise<boolean> {
  const host = hostOf(settings.backendUrl);
  if (!(await askConsent(settings, host, words))) return false;
  // The click on yes is still what the browser takes for the person's wish.
  if (!(await requestBackend([settings.backendUrl, settings.figuresUrl]))) {
    tell(status, words.text("consent_no_permission", { host }), "bad");
    return false;
  }
  await giveConsent();
  return true;
}

async function sendWaiting({ page, reload }: Frame, status: HTMLOutputElement): Promise<void> {
  const state = await sendNow();
  await reload();
  const isSent = state.waiting === 0;
  tell(status, page.words.text(isSent ? "sent_now" : "sent_later"), isSent ? "good" : "bad");
}
