/**
 * Labelled fields with their help and what is wrong with them.
 *
 * Belongs here: one form of field for all pages, and one way to say what an action led to. Does not
 * belong here: which values are right (`core`).
 */

import { type Attributes, el } from "./dom";
import type { MessageKey, Words } from "./i18n";

export interface FieldSpec {
  readonly id: string;
  readonly label: MessageKey;
  readonly help?: MessageKey;
  readonly isLocked?: boolean;
  readonly attributes?: Attributes;
}

/** A text field with its label, help and place for a problem. */
export class Field {
  readonly element: HTMLElement;
  readonly input: HTMLInputElement;
  private readonly problem: HTMLElement;
  private readonly helpText: HTMLElement;
  private offered = "";

  constructor(spec: FieldSpec, words: Words) {
    const { id } = spec;
    this.helpText = el("p", { id: `${id}-help`, class: "small muted" });
    this.helpText.textContent = spec.help ? words.text(spec.help) : "";
    this.problem = el("p", { id: `${id}-problem`, class: "problem" });
    this.input = el("input", {
      id,
      type: "text",
      spellcheck: "false",
      autocapitalize: "none",
      autocomplete: "off",
      "aria-describedby": `${id}-help ${id}-problem`,
      disabled: spec.isLocked === true,
      ...spec.attributes,
    });
    this.input.addEventListener("input", () => this.complain(""));
    this.element = el(
      "div",
      { class: "field" },
      el("label", { for: id }, words.text(spec.label)),
      this.input,
      this.helpText,
      this.problem,
      spec.isLocked === true && el("span", { class: "lock" }, words.text("locked")),
    );
  }

  get value(): string {
    return this.input.value;
  }

  set value(text: string) {
    this.input.value = text;
  }

  /** Show a stored value, unless a person has typed another one meanwhile. */
  offer(text: string): void {
    if (this.input.value === this.offered) this.input.value = text;
    this.offered = text;
  }

  /** What was typed is stored, as this. */
  settle(text: string): void {
    this.input.value = text;
    this.offered = text;
  }

  /** Another help text, such as the value that holds if the field stays empty. */
  help(text: string): void {
    this.helpText.textContent = text;
  }

  /** Say what is wrong, or with an empty text that nothing is. */
  complain(text: string): void {
    this.problem.textContent = text;
    if (text === "") this.input.removeAttribute("aria-invalid");
    else this.input.setAttribute("aria-invalid", "true");
  }
}

/** Offer a choice of one; a list that is the same stays as it is, open or not. */
export function choice(
  select: HTMLSelectElement,
  options: readonly (readonly [value: string, label: string])[],
  chosen: string,
): void {
  const shown = [...select.options].map(({ value, text }) => [value, text]);
  if (JSON.stringify(shown) !== JSON.stringify(options)) {
    select.replaceChildren(...options.map(([value, label]) => el("option", { value }, label)));
  }
  select.value = chosen;
}

/** Tell in a page's status line what an action led to; readers hear it. */
export function tell(status: HTMLOutputElement, text: string, kind: "good" | "bad" = "good"): void {
  status.dataset["kind"] = kind;
  status.textContent = text;
}
