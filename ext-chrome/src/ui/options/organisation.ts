/**
 * The address, names and key of the organisation, and whether they work.
 *
 * Belongs here: the form. A stored key is never put back into the page. Does not belong here: asking
 * the backend (`platform/net`), the rules of addresses (`core/hosts`).
 */

import { parseBackendUrl } from "../../core/hosts";
import { checkApiKey, checkId } from "../../core/settings";
import type { Checked, Settings } from "../../core/types";
import {
  changeSettings,
  giveConsent,
  requestBackend,
  returnBackend,
  sendingState,
  testConnection,
} from "../../platform/desk";
import { askConsent } from "../shared/consent";
import { byId } from "../shared/dom";
import { Field, tell } from "../shared/fields";
import type { MessageKey } from "../shared/i18n";
import { hostOf, type Page } from "../shared/page";
import { act, type Frame, refusalText, type Section } from "./section";

type Name = "backendUrl" | "figuresUrl" | "orgId" | "userId" | "apiKey";
type Typed = Pick<Settings, Name>;
type Fields = Readonly<Record<Name, Field>>;

const SPECS: Readonly<Record<Name, { id: string; label: MessageKey; help?: MessageKey }>> = {
  backendUrl: {
    id: "backend-url",
    label: "backend_url",
    help: "backend_url_help",
  },
  apiKey: { id: "api-key", label: "api_key", help: "api_key_help" },
  orgId: { id: "org-id", label: "org_id" },
  userId: { id: "user-id", label: "user_id", help: "user_id_help" },
  figuresUrl: {
    id: "figures-url",
    label: "figures_url",
    help: "figures_url_help",
  },
};
const NAMES = Object.keys(SPECS) as readonly Name[];

export function organisationSection(frame: Frame): Section {
  const fields = makeFields(frame.page);
  const status = byId("connection-status", HTMLOutputElement);
  const form = byId("connection", HTMLFormElement);
  byId("connection-fields", HTMLElement).append(...NAMES.map((name) => fields[name].element));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const typed = readFields(fields, frame.page);
    if (typed !== null) {
      void act(status, frame.page.words, async () => await save(typed, fields, frame, status));
    }
  });
  byId("test", HTMLButtonElement).addEventListener("click", () => {
    const typed = readFields(fields, frame.page);
    if (typed !== null)
      void act(status, frame.page.words, async () => await test(typed, frame, status));
  });
  byId("remove-key", HTMLButtonElement).addEventListener("click", () => {
    void act(status, frame.page.words, async () => {
      await changeSettings((settings) => ({ ...settings, apiKey: "" }));
      await frame.reload();
      tell(status, frame.page.words.text("api_key_removed"));
    });
  });
  byId("origin", HTMLElement).textContent = location.origin;
  return { refresh: (page) => refresh(fields, page) };
}

function makeFields(page: Page): Fields {
  const make = (name: Name): Field =>
    new Field(
      {
        ...SPECS[name],
        isLocked: page.locked.includes(name),
        attributes: name === "apiKey" ? { type: "password", autocomplete: "new-password" } : {},
      },
      page.words,
    );
  return Object.fromEntries(NAMES.map((name) => [name, make(name)])) as Record<Name, Field>;
}

function refresh(fields: Fields, { settings, locked, words }: Page): void {
  for (const name of NAMES) if (name !== "apiKey") fields[name].offer(settings[name]);
  const hasKey = settings.apiKey !== "";
  fields.apiKey.help(words.text(hasKey ? "api_key_stored" : "api_key_help"));
  byId("remove-key", HTMLButtonElement).hidden = !hasKey || locked.includes("apiKey");
}

/** What is typed, made proper; null after saying at a field what is wrong with it. */
function readFields(fields: Fields, { settings, words }: Page): Typed | null {
  const checks: Readonly<Record<Name, (text: string) => Checked<string>>> = {
    backendUrl: parseBackendUrl,
    figuresUrl: parseBackendUrl,
    orgId: (text) => checkId("orgId", text),
    userId: (text) => checkId("userId", text),
    apiKey: checkApiKey,
  };
  const read: Record<Name, string> = { ...pick(settings) };
  let firstWrong: Field | null = null;
  for (const name of NAMES) {
    const field = fields[name];
    // An empty key field keeps the stored key; a locked field is not the person's.
    if (field.input.disabled || (name === "apiKey" && field.value === "")) continue;
    const checked = checks[name](field.value);
    field.complain(checked.ok ? "" : refusalText(checked.refusal, words));
    if (checked.ok) read[name] = checked.value;
    else firstWrong ??= field;
  }
  firstWrong?.input.focus();
  return firstWrong === null ? read : null;
}

function pick({ backendUrl, figuresUrl, orgId, userId, apiKey }: Settings): Typed {
  return { backendUrl, figuresUrl, orgId, userId, apiKey };
}

async function save(
  typed: Typed,
  fields: Fields,
  frame: Frame,
  status: HTMLOutputElement,
): Promise<void> {
  const { settings, words } = frame.page;
  const addresses = [typed.backendUrl, typed.figuresUrl];
  // The browser's question needs the click, so it comes before anything is awaited.
  if (!(await requestBackend(addresses))) {
    tell(status, words.text("permission_refused", { host: hosts(addresses) }), "bad");
    return;
  }
  if (!(await isAgreedTo(typed, frame.page))) {
    await returnBackend(addresses);
    return;
  }
  await changeSettings((own) => ({ ...own, ...typed }));
  await returnBackend([settings.backendUrl, settings.figuresUrl]);
  for (const name of NAMES) fields[name].settle(name === "apiKey" ? "" : typed[name]);
  await frame.reload();
  tell(status, words.text("saved"));
}

/** Consent is to one address: where sending is on and would go elsewhere, it is asked for anew. */
async function isAgreedTo(typed: Typed, { settings, words }: Page): Promise<boolean> {
  const { status } = await sendingState();
  const isSending = status === "on" || status === "paused";
  const isElsewhere = typed.backendUrl !== settings.backendUrl || typed.orgId !== settings.orgId;
  if (!isSending || !isElsewhere || typed.backendUrl === "") return true;
  const isAgreed = await askConsent(typed, hostOf(typed.backendUrl), words);
  if (isAgreed) await giveConsent();
  return isAgreed;
}

async function test(typed: Typed, { page }: Frame, status: HTMLOutputElement): Promise<void> {
  const { words, settings } = page;
  const host = hostOf(typed.backendUrl);
  // As on Save: from the click, so that an address can be tried before it is kept.
  if (typed.backendUrl !== "" && !(await requestBackend([typed.backendUrl]))) {
    tell(status, words.text("connection_no_permission", { host }), "bad");
    return;
  }
  tell(status, words.text("test_running", { host }));
  const result = await testConnection({ ...settings, ...typed });
  await returnBackend([typed.backendUrl]);
  const isGood = result.code === "key_accepted" || result.code === "reachable";
  const sentence = words.text(`connection_${result.code}`, {
    host,
    org: typed.orgId,
  });
  const detail =
    isGood || result.status === null ? "" : words.text("http_status", { status: result.status });
  tell(status, `${sentence} ${detail}`.trim(), isGood ? "good" : "bad");
}

function hosts(addresses: readonly string[]): string {
  return addresses
    .filter((address) => address !== "")
    .map(hostOf)
    .join(", ");
}
