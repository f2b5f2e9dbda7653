/**
 * Taking the data away, bringing it back, deleting it.
 *
 * Belongs here: files and questions. Does not belong here: the formats (`core/history`). A file is
 * read and judged first, then the person is asked, then it is stored.
 */

import { dayKey } from "../../core/days";
import { importHistory as readHistory, importSettings as readSettings } from "../../core/history";
import type { Refusal } from "../../core/types";
import {
  clearHistory,
  exportHistoryCsv,
  exportHistoryJson,
  exportSettings,
  importHistory,
  importSettings,
  resetToday,
} from "../../platform/desk";
import { ask } from "../shared/dialog";
import { byId, el } from "../shared/dom";
import { tell } from "../shared/fields";
import type { MessageKey, Words } from "../shared/i18n";
import { act, type Frame, refusalText, type Section } from "./section";

/** No export comes near it; a larger file is not even read. */
const FILE_BYTES_MAX = 20_000_000;

const EXPORTS = {
  "export-settings": ["settings.json", "application/json", exportSettings],
  "export-history": ["history.json", "application/json", exportHistoryJson],
  "export-csv": ["history.csv", "text/csv", exportHistoryCsv],
} as const;

export function dataSection(frame: Frame): Section {
  const status = byId("data-status", HTMLOutputElement);
  const { words } = frame.page;
  for (const [id, [name, type, make]] of Object.entries(EXPORTS)) {
    byId(id, HTMLButtonElement).addEventListener("click", () => {
      void act(status, words, async () => {
        const file = `ecomind-${dayKey(new Date())}-${name}`;
        download(file, new Blob([await make()], { type }));
        tell(status, words.text("exported", { file }));
      });
    });
  }
  const chosen = byId("import-file", HTMLInputElement);
  chosen.addEventListener("change", () => {
    const file = chosen.files?.[0];
    if (file === undefined) return;
    void act(status, words, async () => {
      await bringBack(file, frame, status);
      chosen.value = "";
    });
  });
  onDelete("reset-today", "reset_today", resetToday, frame, status);
  onDelete("clear-history", "clear_history", clearHistory, frame, status);
  return { refresh: () => undefined };
}

function onDelete(
  id: string,
  key: "reset_today" | "clear_history",
  work: () => Promise<void>,
  frame: Frame,
  status: HTMLOutputElement,
): void {
  const { words } = frame.page;
  byId(id, HTMLButtonElement).addEventListener("click", () => {
    void act(status, words, async () => {
      const isSure = await confirmed(
        `${key}_title`,
        words.text(`${key}_text`),
        "delete_yes",
        words,
      );
      if (!isSure) return;
      await work();
      tell(status, words.text(`${key}_done`));
    });
  });
}

function download(name: string, content: Blob): void {
  const address = URL.createObjectURL(content);
  el("a", { href: address, download: name }).click();
  // The browser has taken the content over when the click returns; a moment later it is let go.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

async function bringBack(file: File, frame: Frame, status: HTMLOutputElement): Promise<void> {
  const { words, settings } = frame.page;
  if (file.size > FILE_BYTES_MAX) {
    tell(status, words.text("import_too_large"), "bad");
    return;
  }
  const text = await file.text();
  const history = readHistory(text);
  if (history.ok) {
    const gaps = { file: file.name };
    const question = words.count("import_history", history.value.days.length, gaps);
    if (!(await confirmed("import_history_title", question, "import_yes", words))) return;
    await importHistory(text);
  } else {
    // What is no history may be settings; what is neither is said to be so.
    const checked = history.refusal === "not_ours" ? readSettings(text, settings) : history;
    if (!checked.ok) {
      tell(status, problem(checked.refusal, words), "bad");
      return;
    }
    const question = words.text("import_settings_text", { file: file.name });
    if (!(await confirmed("import_settings_title", question, "import_yes", words))) return;
    await importSettings(text);
  }
  await frame.reload();
  tell(status, words.text("imported"));
}

function problem(refusal: Refusal, words: Words): string {
  const said = refusalText(refusal, words);
  const isComplete = FILE_REFUSALS.includes(refusal);
  return isComplete ? said : words.text("nothing_changed", { problem: said });
}

/** Their sentences say already that nothing was changed. */
const FILE_REFUSALS: readonly Refusal[] = [
  "not_json",
  "not_ours",
  "newer_version",
  "too_many",
  "bad_history",
];

async function confirmed(
  title: MessageKey,
  body: string,
  yes: MessageKey,
  words: Words,
): Promise<boolean> {
  return await ask({
    title: words.text(title),
    body: [body],
    yes: words.text(yes),
    no: words.text("cancel"),
    isDangerous: true,
  });
}
