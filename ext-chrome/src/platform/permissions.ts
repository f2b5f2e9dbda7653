/**
 * What the browser lets the extension see and reach.
 *
 * Belongs here: asking for exactly one origin, and giving it back. `request…` must be called from a
 * click. Does not belong here: which origin a provider or backend needs.
 */

import { requestAddress } from "../core/hosts";
import { originsOf, type Provider } from "../core/providers";
import type { CustomProvider } from "../core/types";

/** The pattern of an origin: scheme, host and port, every path. */
function patternOf(address: string): string {
  const url = new URL(address);
  return `${url.protocol}//${url.host}/*`;
}

/** The pattern of a backend's origin. */
export function backendOrigin(address: string): string {
  return patternOf(requestAddress(address));
}

/** Both the address and the page that calls it: the browser tells of a request only with both. */
export function customOrigins(custom: CustomProvider): readonly string[] {
  const port = custom.port === null ? "" : `:${custom.port}`;
  const own = `${custom.scheme}://${custom.host}${port}/*`;
  return custom.pageOrigin === null ? [own] : [own, patternOf(custom.pageOrigin)];
}

export function providerOrigins(provider: Provider): readonly string[] {
  return originsOf(provider);
}

export async function hasOrigins(origins: readonly string[]): Promise<boolean> {
  return await chrome.permissions.contains({ origins: [...origins] });
}

/** Whether the person agreed; from a click only. */
export async function requestOrigins(origins: readonly string[]): Promise<boolean> {
  return await chrome.permissions.request({ origins: [...origins] });
}

/** Give origins back; those that came with the installation stay, and giving one back is an error. */
export async function returnOrigins(origins: readonly string[]): Promise<void> {
  const granted = chrome.runtime.getManifest().host_permissions as readonly string[] | undefined;
  const required = granted ?? [];
  const optional = origins.filter((origin) => !required.some((whole) => isPartOf(origin, whole)));
  if (optional.length > 0) await chrome.permissions.remove({ origins: optional });
}

/** Whether a pattern lies within another: the same scheme, and its host or every host. */
function isPartOf(origin: string, whole: string): boolean {
  const [scheme, host] = partsOf(origin);
  const [wholeScheme, wholeHost] = partsOf(whole);
  if (scheme !== wholeScheme) return false;
  // A pattern without a port stands for every port.
  return wholeHost === "*" || wholeHost === host || wholeHost === host?.replace(/:\d+$/, "");
}

function partsOf(pattern: string): readonly (string | undefined)[] {
  const [scheme, rest] = pattern.split("://");
  return [scheme, rest?.replace(/\/\*$/, "")];
}
