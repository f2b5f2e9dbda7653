/**
 * The words of the pages in English, French and German.
 *
 * Belongs here: finding a text, its plural form and filling its gaps. Does not belong here:
 * the texts (`_locales/<language>/messages.json`) and the form of numbers (`figures`).
 *
 * The browser's own `chrome.i18n` knows only the browser's language; the pages let a person
 * choose, so they carry the same files themselves. One form of gap is used: `{name}`.
 */

import de from "../../../public/_locales/de/messages.json";
import en from "../../../public/_locales/en/messages.json";
import fr from "../../../public/_locales/fr/messages.json";

export type MessageKey = keyof typeof en;
export type Language = "en" | "fr" | "de";
export type Gaps = Readonly<Record<string, string | number>>;

/** A text of a page that is not known until it runs, such as `provider_${id}`. */
type Catalogue = Readonly<Record<string, { readonly message: string }>>;

const CATALOGUES: Readonly<Record<Language, Catalogue>> = { en, fr, de };
export const LANGUAGES: readonly Language[] = ["en", "fr", "de"];

/** The words in one language. */
export class Words {
  private readonly plural: Intl.PluralRules;

  constructor(
    readonly language: Language,
    /** As `language`, with the browser's country where it speaks the same: days and numbers. */
    readonly locale: string = language,
  ) {
    this.plural = new Intl.PluralRules(language);
  }

  /** The text of `key` with its gaps filled. */
  text(key: MessageKey, gaps: Gaps = {}): string {
    return this.named(key, gaps) ?? key;
  }

  /** As `text`, of a key that may not exist: then null. */
  named(key: string, gaps: Gaps = {}): string | null {
    const entry = CATALOGUES[this.language][key] ?? CATALOGUES.en[key];
    if (!entry) return null;
    return entry.message.replace(/\{(\w+)\}/g, (gap, name: string) => String(gaps[name] ?? gap));
  }

  /** The text of `key_one` or `key_other`, whichever fits `count`. */
  count(key: string, count: number, gaps: Gaps = {}): string {
    const form = this.plural.select(count) === "one" ? "one" : "other";
    const shown = new Intl.NumberFormat(this.locale).format(count);
    return this.named(`${key}_${form}`, { count: shown, ...gaps }) ?? shown;
  }
}

/** The words of the chosen language, or of the browser's where none is chosen. */
export function wordsFor(chosen: string, browser: string): Words {
  const wanted = chosen === "auto" ? browser : chosen;
  const language = LANGUAGES.find((known) => known === languageOf(wanted)) ?? "en";
  return new Words(language, languageOf(browser) === language ? browser : language);
}

function languageOf(locale: string): string {
  return locale.split(/[-_]/)[0]?.toLowerCase() ?? "";
}

/** Write the texts of a page: `data-text`, `data-label` (aria-label), `data-hint`. */
export function translate(words: Words, root: Document | Element = document): void {
  if (root instanceof Document) root.documentElement.lang = words.language;
  for (const [name, write] of Object.entries(PLACES)) {
    for (const element of root.querySelectorAll(`[data-${name}]`)) {
      const key = element.getAttribute(`data-${name}`) ?? "";
      const text = words.named(key);
      if (text === null) throw new Error(`no text is called ${key}`);
      write(element, text);
    }
  }
}

const PLACES: Readonly<Record<string, (element: Element, text: string) => void>> = {
  text: (element, text) => {
    element.textContent = text;
  },
  label: (element, text) => element.setAttribute("aria-label", text),
  hint: (element, text) => element.setAttribute("placeholder", text),
};
