/**
 * Everything a page of the extension may do.
 *
 * Belongs here: the functions popup, options and welcome call; they need nothing else of `platform`.
 * Does not belong here: what pages look like. Functions marked "from a click" ask the browser for
 * permission and must be called from a click before anything is awaited.
 */

import {
  historyCsv,
  exportHistory as historyFile,
  importHistory as readHistoryFile,
  importSettings as readSettingsFile,
  exportSettings as settingsFile,
} from "../core/history";
import { providerById } from "../core/providers";
import { emptied, resumed } from "../core/queue";
import {
  CONSENT_VERSION,
  CUSTOM_PROVIDERS_MAX,
  checkCustomProvider,
  normalise,
  type TypedCustomProvider,
} from "../core/settings";
import type { Checked, CustomProvider, SendingState, Settings, TodayResult } from "../core/types";
import { prune } from "./counting";
import { askToSendNow } from "./messages";
import { askToday } from "./net";
import {
  backendOrigin,
  customOrigins,
  hasOrigins,
  providerOrigins,
  requestOrigins,
  returnOrigins,
} from "./permissions";
import { describeSending, isSending } from "./sending-state";
import {
  alone,
  dayStorageKey,
  KEYS,
  loadConsent,
  loadDays,
  loadOwnSettings,
  loadQueue,
  loadSettings,
  loadTotal,
  remove,
  storedDays,
  write,
} from "./storage";
import { forgetUnrefined } from "./unrefined";

export { clearHistory, dayTotals, resetToday, summary } from "./counting";
export { testConnection } from "./net";
export { loadConsent, loadSettings } from "./storage";

/** Change the person's settings; locked ones stay as the administrator set them. */
export async function changeSettings(change: (settings: Settings) => Settings): Promise<Settings> {
  await alone(async () => {
    const before = await loadOwnSettings();
    const after = normalise(change(before));
    const isElsewhere = after.backendUrl !== before.backendUrl || after.apiKey !== before.apiKey;
    await write({
      [KEYS.settings]: after,
      ...(isElsewhere ? { [KEYS.queue]: resumed(await loadQueue()) } : {}),
    });
  });
  return (await loadSettings()).settings;
}

/** Privacy mode on: what waits is thrown away, so ask before. */
export async function setLocalOnly(localOnly: boolean): Promise<void> {
  await alone(async () => {
    const settings: Settings = { ...(await loadOwnSettings()), localOnly };
    const queue = await loadQueue();
    await write({
      [KEYS.settings]: settings,
      ...(localOnly ? { [KEYS.queue]: emptied(queue) } : {}),
    });
  });
}

/** The person read the promise of this version and agreed to sending. */
export async function giveConsent(now = new Date()): Promise<void> {
  const consent = { version: CONSENT_VERSION, givenAt: now.toISOString() };
  await alone(async () => await write({ [KEYS.consent]: consent }));
}

/** Nothing is sent from now on, and nothing waits. */
export async function withdrawConsent(): Promise<void> {
  await alone(async () => {
    await write({ [KEYS.queue]: emptied(await loadQueue()) });
    await remove([KEYS.consent]);
  });
}

export async function sendingState(): Promise<SendingState> {
  const { settings } = await loadSettings();
  return describeSending(settings, await loadConsent(), await loadQueue());
}

/** Send what waits, also where sending is paused or postponed; how it stands afterwards. */
export async function sendNow(): Promise<SendingState> {
  await askToSendNow();
  return await sendingState();
}

/** The organisation's figures of today; shown beside the local ones and never added to them. */
export async function fetchTodayData(): Promise<TodayResult> {
  const { settings } = await loadSettings();
  if (!isSending(settings, await loadConsent())) return { code: "not_connected" };
  return await askToday(settings);
}

/** Ask for the backend's origins; from a click. */
export async function requestBackend(addresses: readonly string[]): Promise<boolean> {
  const origins = addresses.filter((address) => address !== "").map(backendOrigin);
  return origins.length === 0 || (await requestOrigins(origins));
}

/** Give back the origins of addresses that the stored settings have no use for. */
export async function returnBackend(addresses: readonly string[]): Promise<void> {
  const { settings } = await loadSettings();
  const origins = addresses.filter((address) => address !== "").map(backendOrigin);
  await returnOrigins(origins.filter((origin) => !neededBy(settings).has(origin)));
}

function neededBy(settings: Settings): ReadonlySet<string> {
  return new Set([
    ...settings.customProviders.flatMap(customOrigins),
    ...[settings.backendUrl, settings.figuresUrl].filter((url) => url !== "").map(backendOrigin),
  ]);
}

/** Whether the browser lets a provider of the table be seen. */
export async function isProviderPermitted(providerId: string): Promise<boolean> {
  const provider = providerById(providerId);
  return provider !== null && (await hasOrigins(providerOrigins(provider)));
}

/** Count a provider of the table, asking for its hosts where needed; from a click. */
export async function enableProvider(providerId: string): Promise<boolean> {
  const provider = providerById(providerId);
  if (provider === null) return false;
  if (!provider.isBuiltIn && !(await requestOrigins(providerOrigins(provider)))) return false;
  await changeSettings((settings) => ({
    ...settings,
    disabledProviders: settings.disabledProviders.filter((id) => id !== providerId),
  }));
  return true;
}

/** Count a provider of the table no longer; hosts that were asked for are given back. */
export async function disableProvider(providerId: string): Promise<void> {
  await changeSettings((settings) => ({
    ...settings,
    disabledProviders: [...settings.disabledProviders, providerId],
  }));
  const provider = providerById(providerId);
  if (provider !== null) await returnOrigins(providerOrigins(provider));
}

export type Added =
  | { readonly code: "added"; readonly custom: CustomProvider }
  | { readonly code: "no_permission" }
  | { readonly code: "refused"; readonly checked: Exclude<Checked<never>, { readonly ok: true }> };

/** Add a provider, asking for exactly its origins; from a click. */
export async function addCustomProvider(
  typed: TypedCustomProvider,
  known: Settings,
): Promise<Added> {
  const checked = checkCustomProvider(typed);
  if (!checked.ok) return { code: "refused", checked };
  const id = `custom-${crypto.randomUUID().replaceAll("-", "")}`;
  const custom: CustomProvider = { id, ...checked.value };
  const refusal = known.customProviders.some((other) => isSamePlace(other, custom))
    ? "already_there"
    : known.customProviders.length >= CUSTOM_PROVIDERS_MAX
      ? "too_many"
      : null;
  if (refusal !== null)
    return { code: "refused", checked: { ok: false, refusal, field: "address" } };
  if (!(await requestOrigins(customOrigins(custom)))) return { code: "no_permission" };
  await changeSettings((settings) => ({
    ...settings,
    customProviders: [...settings.customProviders, custom],
  }));
  return { code: "added", custom };
}

/** Whether the browser lets a person's provider be seen; one that was imported may lack it. */
export async function isCustomPermitted(custom: CustomProvider): Promise<boolean> {
  return await hasOrigins(customOrigins(custom));
}

/** Ask for the origins of a provider that is there already; from a click. */
export async function allowCustomProvider(custom: CustomProvider): Promise<boolean> {
  return await requestOrigins(customOrigins(custom));
}

function isSamePlace(one: CustomProvider, other: CustomProvider): boolean {
  return (
    one.scheme === other.scheme &&
    one.host === other.host &&
    one.port === other.port &&
    one.pathPrefix === other.pathPrefix
  );
}

/** Remove a provider and give back its origins that no other one needs. */
export async function removeCustomProvider(id: string): Promise<void> {
  const { customProviders } = await loadOwnSettings();
  const gone = customProviders.find((custom) => custom.id === id);
  const after = await changeSettings((settings) => ({
    ...settings,
    customProviders: settings.customProviders.filter((custom) => custom.id !== id),
  }));
  if (gone === undefined) return;
  const needed = neededBy(after);
  await returnOrigins(customOrigins(gone).filter((origin) => !needed.has(origin)));
}

/** The settings as a file, without the key. */
export async function exportSettings(): Promise<string> {
  return settingsFile(await loadOwnSettings());
}

/** Take the settings of a file; a file that cannot be read whole changes nothing. */
export async function importSettings(text: string): Promise<Checked<Settings>> {
  const checked = readSettingsFile(text, await loadOwnSettings());
  if (!checked.ok) return checked;
  return { ok: true, value: await changeSettings(() => checked.value) };
}

export async function exportHistoryJson(): Promise<string> {
  const days = await storedDays();
  const ledgers = await loadDays(days);
  return historyFile({
    days: days.map((day, i) => ({ day, entries: ledgers[i]?.entries ?? [] })),
    total: await loadTotal(),
  });
}

export async function exportHistoryCsv(): Promise<string> {
  const days = await storedDays();
  const ledgers = await loadDays(days);
  return historyCsv(days.map((day, i) => ({ day, entries: ledgers[i]?.entries ?? [] })));
}

/** Put a file's history in place of the stored one, so ask before; a bad file changes nothing. */
export async function importHistory(text: string): Promise<Checked<number>> {
  const checked = readHistoryFile(text);
  if (!checked.ok) return checked;
  const { days, total } = checked.value;
  await alone(async () => {
    await remove((await storedDays()).map(dayStorageKey));
    const stored = days.map(({ day, entries }) => [dayStorageKey(day), { entries }] as const);
    await write({ ...Object.fromEntries(stored), [KEYS.total]: total });
    await forgetUnrefined();
  });
  await prune();
  return { ok: true, value: days.length };
}

/** Called whenever something stored changes, also by the worker or another page. */
export function onChange(listener: () => void): void {
  chrome.storage.onChanged.addListener(listener);
}
