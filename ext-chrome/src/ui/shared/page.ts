/**
 * What every page needs first: the settings in force, words and figures in the right language.
 *
 * Belongs here: starting a page, and saying so where it cannot. Does not belong here: any one page.
 */

import type { Locked, Settings } from "../../core/types";
import { loadSettings } from "../../platform/desk";
import { el } from "./dom";
import { Figures } from "./figures";
import { type MessageKey, translate, type Words, wordsFor } from "./i18n";
import { Services } from "./services";

export interface Page {
  readonly settings: Settings;
  readonly locked: Locked;
  readonly words: Words;
  readonly figures: Figures;
  readonly services: Services;
}

/** Read the settings and write the page's fixed texts in their language. */
export async function openPage(title: MessageKey): Promise<Page> {
  const { settings, locked } = await loadSettings();
  const words = wordsFor(settings.language, chrome.i18n.getUILanguage());
  document.title = words.text(title);
  translate(words);
  const services = new Services(settings, words);
  return { settings, locked, words, figures: new Figures(words), services };
}

/** Draw a page or a part of it; where that fails, the person is told instead of seeing a half. */
export async function run(
  draw: () => Promise<void>,
  part: HTMLElement = document.body,
): Promise<void> {
  part.ariaBusy = "true";
  try {
    await draw();
  } catch (error) {
    console.error(error);
    const words = wordsFor("auto", chrome.i18n.getUILanguage());
    document.body.prepend(el("p", { class: "notice", role: "alert" }, words.text("page_failed")));
  }
  part.ariaBusy = "false";
}

/** Host and port of an address, as people recognise it. */
export function hostOf(address: string): string {
  return address === "" ? "" : new URL(address).host;
}
