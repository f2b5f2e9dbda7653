/**
 * The popup: what this browser counted, and beside it the organisation's figure.
 *
 * Belongs here: reading the figures and putting the parts in their places. Does not belong here:
 * the parts (`popup/`). Local figures are shown at once; nobody waits for a network.
 */

import { FACTOR_SET_ID } from "../core/factors";
import type { Period, SendingState } from "../core/types";
import { dayTotals, fetchTodayData, onChange, sendingState, summary } from "../platform/desk";
import { organisationOf } from "./popup/organisation";
import { sharesOf } from "./popup/shares";
import { equivalentCard, summaryOf } from "./popup/summary";
import { weekOf } from "./popup/week";
import { byId, el, fill } from "./shared/dom";
import { hostOf, openPage, type Page, run } from "./shared/page";

const PERIODS: readonly Period[] = ["today", "week", "month", "all"];
const DAYS_IN_CHART = 7;

async function start(): Promise<void> {
  const page = await openPage("popup_title");
  const { words, figures } = page;
  let period: Period = "today";
  const draw = async (): Promise<void> => {
    await drawPeriod(page, period);
    fill(byId("chart", HTMLElement), ...weekOf(await dayTotals(DAYS_IN_CHART), words, figures));
  };
  offerPeriods(page, (chosen) => {
    period = chosen;
    void run(draw);
  });
  byId("open-settings", HTMLButtonElement).addEventListener("click", () => {
    void chrome.runtime.openOptionsPage();
  });
  byId("factors", HTMLElement).textContent = words.text("factors_version", {
    version: FACTOR_SET_ID,
  });
  await Promise.all([draw(), drawState(page)]);
  // What is counted while the popup is open is shown at once.
  onChange(() => void run(async () => void (await Promise.all([draw(), drawState(page)]))));
  const organisation = byId("organisation-figures", HTMLElement);
  void run(async () => await drawOrganisation(page, organisation), organisation);
}

function offerPeriods({ words }: Page, choose: (period: Period) => void): void {
  const radios = PERIODS.map((period) => {
    const radio = el("input", {
      type: "radio",
      name: "period",
      value: period,
      checked: period === "today",
    });
    radio.addEventListener("change", () => choose(period));
    return el("label", {}, radio, words.text(`period_${period}`));
  });
  byId("periods", HTMLFieldSetElement).append(...radios);
}

async function drawPeriod(page: Page, period: Period): Promise<void> {
  const { words, figures, services } = page;
  const shown = await summary(period);
  const isAtLeast = shown.byProvider.some(({ providerId }) => services.isAtLeast(providerId));
  fill(byId("summary", HTMLElement), ...summaryOf(shown.sums, isAtLeast, words, figures));
  const equivalent = equivalentCard(shown.sums.energyKwh, words, figures);
  place("equivalent", byId("equivalent", HTMLElement), equivalent);
  const shares = sharesOf(shown, services, words, figures);
  place("providers", byId("shares", HTMLElement), shares.length > 0 ? shares : null);
}

/** Fill a part of the page, or hide its section where there is nothing to show. */
function place(section: string, inside: HTMLElement, nodes: readonly Node[] | null): void {
  byId(section, HTMLElement).hidden = nodes === null;
  fill(inside, ...(nodes ?? []));
}

async function drawState(page: Page): Promise<void> {
  const sending = await sendingState();
  const host = hostOf(page.settings.backendUrl);
  const chip = byId("state", HTMLElement);
  const isPaused = sending.status === "paused";
  chip.dataset["kind"] = isPaused ? "paused" : "calm";
  fill(chip, el("span", {}, stateText(sending, host, page)));
  const notice = byId("notice", HTMLElement);
  notice.hidden = sending.pause === null;
  if (sending.pause !== null) {
    notice.textContent = page.words.text(`paused_${sending.pause}`, { host });
  }
}

function stateText(sending: SendingState, host: string, { words }: Page): string {
  if (sending.status === "paused") return words.text("state_paused");
  if (sending.status === "on") return words.text("state_sending", { host });
  return words.text("state_local");
}

async function drawOrganisation(
  { settings, words, figures }: Page,
  inside: HTMLElement,
): Promise<void> {
  const host = hostOf(settings.figuresUrl || settings.backendUrl);
  const section = byId("organisation", HTMLElement);
  const state = await sendingState();
  if (state.status !== "on" && state.status !== "paused") return;
  section.hidden = false;
  fill(inside, el("p", { class: "muted" }, words.text("organisation_loading", { host })));
  const result = await fetchTodayData();
  if (result.code === "ok") {
    fill(inside, ...organisationOf(result.today, { host, at: new Date() }, words, figures));
    return;
  }
  const gaps = { host, org: settings.orgId };
  const reason = words.text(`connection_${result.code}`, gaps);
  fill(inside, el("p", { class: "muted" }, words.text("organisation_failed", { reason })));
}

void run(start);
