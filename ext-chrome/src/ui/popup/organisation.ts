/**
 * The organisation's figure of today, beside the person's own.
 *
 * Belongs here: its elements, always with source and time. Does not belong here: any sum of the two:
 * the person's sent calls are part of the organisation's.
 */

import type { OrganizationToday } from "../../core/types";
import { type Child, el } from "../shared/dom";
import type { Figures } from "../shared/figures";
import type { Words } from "../shared/i18n";
import { quantities } from "./summary";

export interface Asked {
  readonly host: string;
  readonly at: Date;
}

/** The figures with who gave them and when. */
export function organisationOf(
  today: OrganizationToday,
  asked: Asked,
  words: Words,
  figures: Figures,
): Child[] {
  const time = figures.moment(asked.at, asked.at);
  const through = today.dataThrough === null ? null : new Date(today.dataThrough);
  return [
    el(
      "dl",
      { class: "number" },
      el("dt", {}, words.text("calls")),
      el("dd", {}, el("strong", {}, figures.count(today.calls))),
      ...quantities(today).flatMap(([name, range]) => {
        const { mid, span } = figures.shown(name, range);
        return [
          el("dt", {}, words.text(name)),
          el("dd", {}, el("strong", {}, mid), " ", el("span", { class: "muted small" }, span)),
        ];
      }),
    ),
    el(
      "p",
      { class: "small muted" },
      words.text("organisation_source", { host: asked.host, time }),
      " ",
      through && words.text("organisation_through", { time: figures.moment(through, asked.at) }),
    ),
    el("p", { class: "small muted" }, words.text("organisation_note")),
  ];
}
