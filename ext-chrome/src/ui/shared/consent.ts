/**
 * The list a person agrees to before the first event is sent.
 *
 * Belongs here: showing it, field by field. Does not belong here: which fields there are
 * (`core/payload`); one without a text stops the page, so that nothing is sent unsaid.
 */

import { ALLOWED_KEYS } from "../../core/payload";
import type { Settings } from "../../core/types";
import { ask } from "./dialog";
import { type Child, el } from "./dom";
import type { Words } from "./i18n";

/** Show the list; true if the person agrees to sending. */
export function askConsent(
  settings: Pick<Settings, "orgId">,
  host: string,
  words: Words,
): Promise<boolean> {
  return ask({
    title: words.text("consent_title"),
    body: consentBody(settings, host, words),
    yes: words.text("consent_agree"),
    no: words.text("consent_refuse"),
  });
}

/** What is sent, to whom, what never, and how to stop it. */
export function consentBody(
  settings: Pick<Settings, "orgId">,
  host: string,
  words: Words,
): readonly Child[] {
  const intro =
    settings.orgId === ""
      ? words.text("consent_intro_no_org", { host })
      : words.text("consent_intro", { host, org: settings.orgId });
  return [
    el("p", {}, intro),
    el("p", { class: "label" }, words.text("consent_sent")),
    el("ul", { class: "list small" }, ...ALLOWED_KEYS.map((key) => lineOf(key, words))),
    el("p", {}, words.text("consent_never")),
    el("p", {}, words.text("consent_stop")),
  ];
}

function lineOf(key: (typeof ALLOWED_KEYS)[number], words: Words): HTMLElement {
  return el("li", {}, words.text(`sent_${key}`), " ", el("code", {}, key));
}
