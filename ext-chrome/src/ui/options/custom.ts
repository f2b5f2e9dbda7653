/**
 * Services a person adds: a host, a port and a path.
 *
 * Belongs here: the list and the form. Does not belong here: which addresses are right (`core`),
 * permissions (`platform`). Names are shown as text, whatever they are.
 */

import { isLoopback, parseHostPort } from "../../core/hosts";
import { PROVIDERS } from "../../core/providers";
import type { TypedCustomProvider } from "../../core/settings";
import type { CustomProvider } from "../../core/types";
import {
  addCustomProvider,
  allowCustomProvider,
  isCustomPermitted,
  removeCustomProvider,
} from "../../platform/desk";
import { ask } from "../shared/dialog";
import { button, byId, el, fill } from "../shared/dom";
import { choice, Field, tell } from "../shared/fields";
import type { Words } from "../shared/i18n";
import { act, type Frame, refusalText, type Section } from "./section";

type Name = "name" | "address" | "pathPrefix" | "page";

export function customSection(frame: Frame): Section {
  const { words } = frame.page;
  const status = byId("custom-status", HTMLOutputElement);
  const fields = makeFields(words);
  const factors = el("select", { id: "custom-factors" });
  choice(factors, factorChoices(words), "self-hosted");
  byId("custom-fields", HTMLElement).append(
    ...Object.values(fields).map((field) => field.element),
    el(
      "div",
      { class: "field" },
      el("label", { for: factors.id }, words.text("custom_provider")),
      factors,
    ),
  );
  byId("custom-form", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    void act(status, words, async () => await add(fields, factors.value, frame, status));
  });
  let shown = "";
  return {
    refresh: async ({ settings }) => {
      const lines = await Promise.all(
        settings.customProviders.map(
          async (custom) => [custom, await isCustomPermitted(custom)] as const,
        ),
      );
      // A list that is the same stays, and with it the focus on one of its buttons.
      if (JSON.stringify(lines) === shown) return;
      shown = JSON.stringify(lines);
      showList(lines, frame, status);
    },
  };
}

function makeFields(words: Words): Readonly<Record<Name, Field>> {
  return {
    name: new Field({ id: "custom-name", label: "custom_name" }, words),
    address: new Field(
      {
        id: "custom-address",
        label: "custom_address",
        help: "custom_address_help",
      },
      words,
    ),
    pathPrefix: new Field(
      { id: "custom-path", label: "custom_path", help: "custom_path_help" },
      words,
    ),
    page: new Field({ id: "custom-page", label: "custom_page", help: "custom_page_help" }, words),
  };
}

/** Whose factors a service may take: the person's own server, or any provider EcoMind knows. */
function factorChoices(words: Words): readonly (readonly [string, string])[] {
  const known = new Map(PROVIDERS.map(({ provider, label }) => [provider, label]));
  return [["self-hosted", words.text("custom_provider_self")], ...known];
}

/** `https://` may be typed; without it this machine is http and everything else https. */
function readAddress(typed: string): Pick<TypedCustomProvider, "scheme" | "address"> {
  const scheme = /^\s*(https?):\/\//i.exec(typed);
  const address = scheme === null ? typed : typed.replace(scheme[0], "").replace(/\/$/, "");
  const place = parseHostPort(address);
  const isHere = place.ok && isLoopback(place.value.host);
  const named = scheme?.[1]?.toLowerCase();
  const isHttp = named === undefined ? isHere : named === "http";
  return { scheme: isHttp ? "http" : "https", address };
}

async function add(
  fields: Readonly<Record<Name, Field>>,
  provider: string,
  frame: Frame,
  status: HTMLOutputElement,
): Promise<void> {
  const { words, settings } = frame.page;
  const typed: TypedCustomProvider = {
    name: fields.name.value,
    provider,
    ...readAddress(fields.address.value),
    pathPrefix: fields.pathPrefix.value,
    page: fields.page.value,
  };
  for (const field of Object.values(fields)) field.complain("");
  const added = await addCustomProvider(typed, settings);
  if (added.code === "no_permission") {
    tell(status, words.text("permission_refused", { host: typed.address }), "bad");
  } else if (added.code === "refused") {
    const field = fields[added.checked.field as Name] ?? fields.address;
    field.complain(refusalText(added.checked.refusal, words));
    field.input.focus();
  } else {
    for (const field of Object.values(fields)) field.value = "";
    await frame.reload();
    tell(status, words.text("custom_added", { name: added.custom.name }));
  }
}

function showList(
  lines: readonly (readonly [custom: CustomProvider, isPermitted: boolean])[],
  frame: Frame,
  status: HTMLOutputElement,
): void {
  const none = el("li", { class: "muted" }, frame.page.words.text("custom_none"));
  const items = lines.map(([custom, isPermitted]) => lineOf(custom, isPermitted, frame, status));
  fill(byId("custom", HTMLUListElement), ...(items.length > 0 ? items : [none]));
}

function lineOf(
  custom: CustomProvider,
  isPermitted: boolean,
  frame: Frame,
  status: HTMLOutputElement,
): HTMLElement {
  const { words } = frame.page;
  const { name } = custom;
  const remove = button(
    words.text("remove"),
    () => void act(status, words, async () => await removeAsked(custom, frame, status)),
    { "aria-label": words.text("remove_named", { name }) },
  );
  const allow = button(
    words.text("custom_allow"),
    () =>
      void act(status, words, async () => {
        await allowCustomProvider(custom);
        await frame.reload();
      }),
    { "aria-label": words.text("custom_allow_named", { name }) },
  );
  const note = isPermitted ? null : ` · ${words.text("custom_not_allowed")}`;
  return el(
    "li",
    {},
    el(
      "div",
      {},
      el("span", { class: "label" }, name),
      el("br"),
      el("span", { class: "small muted" }, addressText(custom), note),
    ),
    el("div", { class: "actions" }, isPermitted ? null : allow, remove),
  );
}

async function removeAsked(
  custom: CustomProvider,
  frame: Frame,
  status: HTMLOutputElement,
): Promise<void> {
  const { words } = frame.page;
  const gaps = { name: custom.name, address: addressText(custom) };
  const isSure = await ask({
    title: words.text("custom_remove_title", gaps),
    body: [words.text("custom_remove_text", gaps)],
    yes: words.text("remove"),
    no: words.text("cancel"),
    isDangerous: true,
  });
  if (!isSure) return;
  await removeCustomProvider(custom.id);
  await frame.reload();
  // The button that had the focus is gone.
  byId("custom-name", HTMLInputElement).focus();
  tell(status, words.text("custom_removed", gaps));
}

function addressText({ scheme, host, port, pathPrefix }: CustomProvider): string {
  return `${scheme}://${host}${port === null ? "" : `:${port}`}${pathPrefix}`;
}
