/**
 * The choice of a language, on the welcome page and in the settings.
 *
 * Belongs here: the list. Does not belong here: storing the choice.
 */

import type { Language } from "../../core/types";
import { choice } from "./fields";
import { LANGUAGES } from "./i18n";
import type { Page } from "./page";

/** Offer the languages, each in its own words; `choose` is told of a change. */
export function offerLanguages(
  select: HTMLSelectElement,
  { words, settings }: Page,
  choose: (language: Language) => Promise<void>,
): void {
  const all: readonly Language[] = ["auto", ...LANGUAGES];
  choice(
    select,
    all.map((language) => [language, words.text(`language_${language}`)]),
    settings.language,
  );
  select.addEventListener("change", () => {
    const chosen = all.find((language) => language === select.value);
    if (chosen !== undefined) void choose(chosen);
  });
}
