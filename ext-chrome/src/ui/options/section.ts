/**
 * What the sections of the settings have in common.
 *
 * Belongs here: how a section is told of changes, and how an action reports. Does not belong here:
 * any one section.
 */

import type { Refusal } from "../../core/types";
import { tell } from "../shared/fields";
import type { MessageKey, Words } from "../shared/i18n";
import type { Page } from "../shared/page";

/** A part of the page; `refresh` shows what is stored and leaves what a person is typing. */
export interface Section {
  refresh(page: Page): void | Promise<void>;
}

/** The page a section stands on. */
export interface Frame {
  /** As it was read last. */
  readonly page: Page;
  /** Read everything again and refresh every section. */
  reload(): Promise<void>;
}

/** Do something a person asked for; a failure is told where they look for the outcome. */
export async function act(
  status: HTMLOutputElement,
  words: Words,
  work: () => Promise<void>,
): Promise<void> {
  // The same outcome twice is heard twice only if the line was empty in between.
  tell(status, "");
  try {
    await work();
  } catch (error) {
    console.error(error);
    const reason = error instanceof Error ? error.message : String(error);
    tell(status, words.text("failed", { reason }), "bad");
  }
}

/** Why a value was refused, in a sentence. */
export function refusalText(refusal: Refusal, words: Words): string {
  return words.text(`refusal_${refusal}` satisfies MessageKey);
}
