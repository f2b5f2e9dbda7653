/**
 * Which requests are calls.
 *
 * Belongs here: judging one request as the browser reports it. Does not belong here: the table
 * (`providers.ts`), counting. Only method, address, status, type and initiator are looked at.
 */

import { canonicalHost, parsePort } from "./hosts";
import { PROVIDERS, type Provider, type Rule } from "./providers";
import type { Call, CustomProvider, Settings } from "./types";

/** What `webRequest` tells of a request, as far as it is used. */
export interface Seen {
  readonly url: string;
  readonly method: string;
  readonly statusCode: number;
  readonly type: string;
  readonly initiator?: string | undefined;
}

type Matchable = Pick<Settings, "disabledProviders" | "customProviders">;

const HANDSHAKE_STATUS = 101;

/** Whether a request is worth a look at the settings: cheap, and never wrong about a call. */
export function mayBeCall({ method, statusCode, type }: Seen): boolean {
  if (type === "websocket") return statusCode === HANDSHAKE_STATUS;
  return type === "xmlhttprequest" && method === "POST" && isAnswered(statusCode, false);
}

/** The call a request is, or null; `ownOrigin` is that of the extension, whose requests never count. */
export function matchCall(seen: Seen, settings: Matchable, ownOrigin: string): Call | null {
  if (seen.initiator === ownOrigin) return null;
  if (seen.type !== "xmlhttprequest" && seen.type !== "websocket") return null;
  const url = readUrl(seen.url);
  if (url === null) return null;
  const known = matchTable(seen, url);
  if (known !== null) return isOn(known.providerId, settings) ? known : null;
  return matchCustom(seen, url, settings);
}

/** The provider whose answers of a page's origin the timing script may report, or null. */
export function providerOfAnswer(url: string, pageOrigin: string): Provider | null {
  const read = readUrl(url);
  if (read === null || read.origin !== pageOrigin) return null;
  const host = canonicalHost(read.hostname);
  const found = PROVIDERS.find(
    (provider) =>
      provider.timing !== null &&
      provider.hosts.includes(host) &&
      provider.rules.some((rule) => rule.path.test(read.pathname)),
  );
  return found ?? null;
}

function readUrl(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}

function isOn(providerId: string, settings: Matchable): boolean {
  return !settings.disabledProviders.includes(providerId);
}

function matchTable(seen: Seen, url: URL): Call | null {
  const isSocket = seen.type === "websocket";
  if (url.protocol !== (isSocket ? "wss:" : "https:") || url.port !== "") return null;
  const host = canonicalHost(url.hostname);
  for (const provider of PROVIDERS) {
    if (!provider.hosts.includes(host)) continue;
    for (const rule of provider.rules) {
      const found = matchRule(rule, seen, url, isSocket);
      if (found === null) continue;
      return {
        providerId: provider.id,
        provider: provider.provider,
        model: found.groups?.["model"] ?? null,
        operation: rule.operation,
        httpStatus: seen.statusCode,
        isAtLeast: rule.isHandshake,
      };
    }
  }
  return null;
}

function matchRule(rule: Rule, seen: Seen, url: URL, isSocket: boolean): RegExpExecArray | null {
  if (rule.isHandshake !== isSocket || rule.method !== seen.method) return null;
  if (!isAnswered(seen.statusCode, rule.isHandshake)) return null;
  return rule.path.exec(url.pathname);
}

function isAnswered(status: number, isHandshake: boolean): boolean {
  return isHandshake ? status === HANDSHAKE_STATUS : status >= 200 && status <= 299;
}

function matchCustom(seen: Seen, url: URL, settings: Matchable): Call | null {
  if (seen.type !== "xmlhttprequest" || seen.method !== "POST") return null;
  if (!isAnswered(seen.statusCode, false)) return null;
  const found = settings.customProviders.find(
    (custom) => isOn(custom.id, settings) && isAddressOf(custom, url),
  );
  if (found === undefined) return null;
  return {
    providerId: found.id,
    provider: found.provider,
    model: modelInPath(url.pathname),
    operation: "chat",
    httpStatus: seen.statusCode,
    isAtLeast: false,
  };
}

function isAddressOf(custom: CustomProvider, url: URL): boolean {
  if (url.protocol !== `${custom.scheme}:`) return false;
  if (canonicalHost(url.hostname) !== custom.host) return false;
  const usual = custom.scheme === "http" ? 80 : 443;
  if ((parsePort(url.port) ?? usual) !== (custom.port ?? usual)) return false;
  return isBelow(url.pathname, custom.pathPrefix);
}

/** Whether a path is the prefix or below it; `/v1` does not cover `/v10`. */
function isBelow(path: string, prefix: string): boolean {
  if (path === prefix) return true;
  return path.startsWith(prefix.endsWith("/") ? prefix : `${prefix}/`);
}

const MODEL_PATHS = [
  /^\/model\/(?<model>[^/]{1,100})\/(?:invoke|converse)(?:-with-response-stream|-stream)?$/,
  /\/openai\/deployments\/(?<model>[^/]{1,100})\//,
  /\/models\/(?<model>[^/:]{1,100}):[A-Za-z]+$/,
];
const MODEL_TEXT = /^[A-Za-z0-9][A-Za-z0-9._:@-]{0,99}$/;

/** The model named in the path, as Bedrock, Azure OpenAI and Gemini do. */
function modelInPath(path: string): string | null {
  for (const pattern of MODEL_PATHS) {
    const found = pattern.exec(path)?.groups?.["model"];
    if (found === undefined) continue;
    const model = decoded(found);
    if (model !== null && MODEL_TEXT.test(model)) return model;
  }
  return null;
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
