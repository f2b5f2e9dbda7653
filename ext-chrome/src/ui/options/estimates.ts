/**
 * The values a call is estimated with, service by service.
 *
 * Belongs here: the form; empty means the published value. Does not belong here: the formula and its
 * bounds (`core`).
 */

import { defaultsOf } from "../../core/estimate";
import { FACTOR_SET_ID, SOURCES } from "../../core/factors";
import { providerById } from "../../core/providers";
import { checkParameter, type ParameterName } from "../../core/settings";
import type { ProviderParameters } from "../../core/types";
import { changeSettings } from "../../platform/desk";
import { byId, el, fill } from "../shared/dom";
import { choice, Field, tell } from "../shared/fields";
import type { MessageKey, Words } from "../shared/i18n";
import type { Page } from "../shared/page";
import { act, type Frame, refusalText, type Section } from "./section";

const LABELS = {
  kwhPerCall: "kwh_per_call",
  pue: "pue",
  waterLPerKwh: "water_per_kwh",
  co2eKgPerKwh: "co2e_per_kwh",
} as const satisfies Record<ParameterName, MessageKey>;
const NAMES = Object.keys(LABELS) as readonly ParameterName[];
const MODEL = /^[\x21-\x7e]{0,128}$/;

class Form {
  readonly service = byId("parameters-service", HTMLSelectElement);
  readonly includesPue = el("input", { type: "checkbox", id: "includes-pue" });
  readonly model: Field;
  private readonly numbers: Readonly<Record<ParameterName, Field>>;

  constructor(words: Words) {
    const attributes = { inputmode: "decimal" };
    const field = (name: ParameterName): [ParameterName, Field] => [
      name,
      new Field({ id: `parameter-${name}`, label: LABELS[name], attributes }, words),
    ];
    this.numbers = Object.fromEntries(NAMES.map(field)) as Record<ParameterName, Field>;
    this.model = new Field(
      { id: "usual-model", label: "usual_model", help: "usual_model_help" },
      words,
    );
    const check = el(
      "div",
      { class: "check" },
      this.includesPue,
      el("label", { for: this.includesPue.id }, words.text("includes_pue")),
    );
    const { kwhPerCall, pue, waterLPerKwh, co2eKgPerKwh } = this.numbers;
    const fields = [kwhPerCall, pue, waterLPerKwh, co2eKgPerKwh, this.model];
    fill(byId("parameters-fields", HTMLElement), ...fields.map(({ element }) => element), check);
  }

  /** Show the values of the chosen service, and beside each the published one. */
  show({ settings, words, figures }: Page): void {
    const id = this.service.value;
    const own = settings.parameters[id];
    const custom = settings.customProviders.find((one) => one.id === id);
    const provider = providerById(id)?.provider ?? custom?.provider ?? "self-hosted";
    const usualModel = settings.usualModels[id] ?? "";
    const published = defaultsOf(provider, usualModel || null);
    for (const name of NAMES) {
      const value = own?.[name] ?? null;
      const { low, mid, high } = published[name];
      const span = words.text("range", { low: figures.factor(low), high: figures.factor(high) });
      this.numbers[name].value = value === null ? "" : String(value);
      this.numbers[name].complain("");
      this.numbers[name].help(
        words.text("published_value", { value: `${figures.factor(mid)} (${span})` }),
      );
    }
    this.includesPue.checked = own?.includesPue ?? false;
    this.model.value = usualModel;
    this.model.complain("");
  }

  /** What is typed; null after saying at a field what is wrong with it. */
  read(words: Words): { parameters: ProviderParameters; model: string } | null {
    const read: Record<ParameterName, number | null> = {
      kwhPerCall: null,
      pue: null,
      waterLPerKwh: null,
      co2eKgPerKwh: null,
    };
    let firstWrong: Field | null = null;
    for (const name of NAMES) {
      const field = this.numbers[name];
      const checked = checkParameter(name, field.value);
      field.complain(checked.ok ? "" : refusalText(checked.refusal, words));
      if (checked.ok) read[name] = checked.value;
      else firstWrong ??= field;
    }
    const model = this.model.value.trim();
    if (!MODEL.test(model)) {
      this.model.complain(refusalText("bad_characters", words));
      firstWrong ??= this.model;
    }
    firstWrong?.input.focus();
    const parameters = { ...read, includesPue: this.includesPue.checked };
    return firstWrong === null ? { parameters, model } : null;
  }
}

export function estimatesSection(frame: Frame): Section {
  const { words } = frame.page;
  const form = new Form(words);
  const status = byId("parameters-status", HTMLOutputElement);
  form.service.addEventListener("change", () => {
    tell(status, "");
    form.show(frame.page);
  });
  byId("parameters", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    const typed = form.read(words);
    if (typed === null) return;
    void act(status, words, async () => {
      await store(form.service.value, typed.parameters, typed.model);
      await frame.reload();
      form.show(frame.page);
      tell(status, words.text("saved"));
    });
  });
  byId("parameters-reset", HTMLButtonElement).addEventListener("click", () => {
    void act(status, words, async () => {
      const id = form.service.value;
      await store(id, null, "");
      await frame.reload();
      form.show(frame.page);
      tell(status, words.text("estimates_reset_done", { name: frame.page.services.nameOf(id) }));
    });
  });
  showSources(words);
  return { refresh: (page) => offerServices(form, page) };
}

/** The services to choose from; the chosen one stays, and with it what is being typed. */
function offerServices(form: Form, page: Page): void {
  const all = page.services.all();
  const before = form.service.value;
  const isStillThere = all.some(([id]) => id === before);
  choice(form.service, all, isStillThere ? before : (all[0]?.[0] ?? ""));
  if (!isStillThere) form.show(page);
}

async function store(
  id: string,
  parameters: ProviderParameters | null,
  model: string,
): Promise<void> {
  await changeSettings((settings) => {
    const { [id]: _, ...others } = settings.parameters;
    const { [id]: __, ...models } = settings.usualModels;
    return {
      ...settings,
      parameters: parameters === null ? others : { ...others, [id]: parameters },
      usualModels: model === "" ? models : { ...models, [id]: model },
    };
  });
}

/** What the published values rest on: source, with its address, and licence. */
function showSources(words: Words): void {
  byId("parameters-version", HTMLElement).textContent = words.text("factors_version", {
    version: FACTOR_SET_ID,
  });
  const bySource = new Map(SOURCES.map((one) => [one.source, one]));
  const lines = [...bySource.values()].map(({ source, source_url: address, licence }) =>
    el(
      "li",
      {},
      address.startsWith("https://")
        ? el("a", { href: address, target: "_blank", rel: "noreferrer" }, source)
        : source,
      ` (${licence})`,
    ),
  );
  fill(byId("parameters-sources", HTMLUListElement), ...lines);
}
