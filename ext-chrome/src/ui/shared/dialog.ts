/**
 * Questions a person answers before something is lost or sent.
 *
 * Belongs here: the dialog and its answer. Does not belong here: what is asked. The browser keeps
 * the focus inside, and Escape is the answer no.
 */

import { button, type Child, el } from "./dom";

export interface Question {
  readonly title: string;
  readonly body: readonly Child[];
  readonly yes: string;
  readonly no: string;
  /** Whether yes cannot be undone. */
  readonly isDangerous?: boolean;
}

/** Ask; true only for a click on yes. */
export function ask(question: Question): Promise<boolean> {
  return new Promise((answer) => {
    const dialog = el("dialog", { "aria-labelledby": "question" });
    const yes = button(question.yes, () => dialog.close("yes"), {
      class: question.isDangerous ? "danger" : "primary",
    });
    // The harmless answer is the one that Enter gives.
    const no = button(question.no, () => dialog.close("no"), { autofocus: true });
    const body = el("div", { class: "body" }, ...question.body);
    dialog.append(
      el("h2", { id: "question" }, question.title),
      body,
      el("div", { class: "actions" }, yes, no),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      answer(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
    // What is longer than the window is read from its beginning, also with the keyboard.
    if (body.scrollHeight > body.clientHeight) body.tabIndex = 0;
  });
}
