/**
 * Settings: their defaults, and the one way any outside value becomes settings.
 *
 * Belongs here: `defaults`, `normalise`, limits of every field, the fixed values of a policy.
 * Does not belong here: where settings are stored. Every function returns fresh objects.
 */

import { isLoopback, parseBackendUrl, parseHostPort, parsePathPrefix } from "./hosts";
import type {
  Checked,
  CustomProvider,
  Language,
  Locked,
  Policy,
  ProviderParameters,
  Settings,
} from "./types";
import { isRecord, member, readBoolean, readList, readNumber, readText } from "./unknowns";

/** Of the privacy promise; a new one is asked for anew. */
export const CONSENT_VERSION = 1;

export const CUSTOM_PROVIDERS_MAX = 50;
const TEXT_MAX = { orgId: 64, userId: 128, apiKey: 128, name: 60, model: 128 } as const;
const LANGUAGES: readonly Language[] = ["auto", "en", "fr", "de"];
const PROVIDER_ID = /^[a-z0-9][a-z0-9-]{0,63}$/;
const CUSTOM_ID = /^custom-[a-z0-9]{1,32}$/;
const PROVIDER_NAME = /^[a-z0-9][a-z0-9_.-]{0,63}$/;
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/;
const TOKEN = /^[\x21-\x7e]*$/;

/** Bounds of the numbers a person may set; both included. */
export const BOUNDS = Object.freeze({
  kwhPerCall: Object.freeze({ minimum: 0, maximum: 1000 }),
  pue: Object.freeze({ minimum: 1, maximum: 5 }),
  waterLPerKwh: Object.freeze({ minimum: 0, maximum: 1000 }),
  co2eKgPerKwh: Object.freeze({ minimum: 0, maximum: 100 }),
});
export type ParameterName = keyof typeof BOUNDS;

const DEFAULTS: Settings = {
  version: 1,
  localOnly: true,
  backendUrl: "",
  figuresUrl: "",
  orgId: "",
  userId: "",
  apiKey: "",
  disabledProviders: [],
  customProviders: [],
  parameters: {},
  usualModels: {},
  language: "auto",
};

/** Settings nobody touched; a fresh copy each time. */
export function defaults(): Settings {
  return structuredClone(DEFAULTS);
}

export const NO_PARAMETERS: ProviderParameters = Object.freeze({
  kwhPerCall: null,
  includesPue: false,
  pue: null,
  waterLPerKwh: null,
  co2eKgPerKwh: null,
});

/** Settings made of any value: what is not as it must be takes its default. */
export function normalise(value: unknown): Settings {
  const language = LANGUAGES.find((known) => known === member(value, "language"));
  return {
    version: 1,
    localOnly: readBoolean(member(value, "localOnly"), DEFAULTS.localOnly),
    backendUrl: readAddress(member(value, "backendUrl")),
    figuresUrl: readAddress(member(value, "figuresUrl")),
    orgId: readToken(member(value, "orgId"), TEXT_MAX.orgId),
    userId: readLine(member(value, "userId"), TEXT_MAX.userId),
    apiKey: readToken(member(value, "apiKey"), TEXT_MAX.apiKey),
    disabledProviders: readIds(member(value, "disabledProviders")),
    customProviders: readCustomProviders(member(value, "customProviders")),
    parameters: readByProvider(member(value, "parameters"), readParameters),
    usualModels: readByProvider(member(value, "usualModels"), readModel),
    language: language ?? DEFAULTS.language,
  };
}

function readAddress(value: unknown): string {
  const checked = parseBackendUrl(readText(value, 2000));
  return checked.ok ? checked.value : "";
}

function readLine(value: unknown, maxLength: number): string {
  const text = readText(value, maxLength).trim();
  return UNPRINTABLE.test(text) ? "" : text;
}

function readToken(value: unknown, maxLength: number): string {
  const text = readText(value, maxLength).trim();
  return TOKEN.test(text) ? text : "";
}

function readModel(value: unknown): string | null {
  return readLine(value, TEXT_MAX.model) || null;
}

function readIds(value: unknown): readonly string[] {
  const ids = readList(value, 200).filter(
    (id): id is string => typeof id === "string" && PROVIDER_ID.test(id),
  );
  return [...new Set(ids)].sort();
}

function readByProvider<T>(value: unknown, read: (value: unknown) => T | null): Record<string, T> {
  const found: Record<string, T> = {};
  if (!isRecord(value)) return found;
  for (const id of Object.keys(value).slice(0, 200)) {
    const one = PROVIDER_ID.test(id) ? read(value[id]) : null;
    if (one !== null) found[id] = one;
  }
  return found;
}

/** Parameters of one provider, or null where every one of them is the default. */
function readParameters(value: unknown): ProviderParameters | null {
  const number = (name: ParameterName): number | null =>
    readNumber(member(value, name), BOUNDS[name].minimum, BOUNDS[name].maximum);
  const read = {
    kwhPerCall: number("kwhPerCall"),
    includesPue: readBoolean(member(value, "includesPue"), false),
    pue: number("pue"),
    waterLPerKwh: number("waterLPerKwh"),
    co2eKgPerKwh: number("co2eKgPerKwh"),
  };
  return Object.values(read).every((one) => one === null || one === false) ? null : read;
}

function readCustomProviders(value: unknown): readonly CustomProvider[] {
  const found: CustomProvider[] = [];
  for (const item of readList(value, CUSTOM_PROVIDERS_MAX)) {
    const one = readCustomProvider(item);
    if (one !== null && !found.some((other) => other.id === one.id)) found.push(one);
  }
  return found;
}

function readCustomProvider(value: unknown): CustomProvider | null {
  const id = readText(member(value, "id"), 64);
  const port = member(value, "port");
  const checked = checkCustomProvider({
    name: readText(member(value, "name"), 1000),
    provider: readText(member(value, "provider"), 1000),
    scheme: member(value, "scheme") === "http" ? "http" : "https",
    address: readText(member(value, "host"), 300) + (port === null ? "" : `:${Number(port)}`),
    pathPrefix: readText(member(value, "pathPrefix"), 1000, "?"),
    page: readText(member(value, "pageOrigin"), 1000),
  });
  return CUSTOM_ID.test(id) && checked.ok ? { id, ...checked.value } : null;
}

/** A custom provider as a person types it. */
export interface TypedCustomProvider {
  readonly name: string;
  /** Who serves it, as the factors know providers; empty for `self-hosted`. */
  readonly provider: string;
  readonly scheme: "http" | "https";
  /** `host` or `host:port`. */
  readonly address: string;
  readonly pathPrefix: string;
  /** Address of the page that calls it, where it is another one; empty otherwise. */
  readonly page: string;
}

/** A custom provider without its id, or what is wrong with the first field that is wrong. */
export function checkCustomProvider(
  typed: TypedCustomProvider,
): Checked<Omit<CustomProvider, "id">> {
  const name = typed.name.trim();
  if (name === "") return { ok: false, refusal: "empty", field: "name" };
  if (name.length > TEXT_MAX.name) return { ok: false, refusal: "too_long", field: "name" };
  if (UNPRINTABLE.test(name)) return { ok: false, refusal: "bad_characters", field: "name" };
  const provider = typed.provider.trim().toLowerCase() || "self-hosted";
  if (!PROVIDER_NAME.test(provider)) {
    return { ok: false, refusal: "bad_characters", field: "provider" };
  }
  const place = parseHostPort(typed.address);
  if (!place.ok) return { ...place, field: "address" };
  // The browser may grant plain http for this machine only.
  if (typed.scheme === "http" && !isLoopback(place.value.host)) {
    return { ok: false, refusal: "insecure", field: "address" };
  }
  const path = parsePathPrefix(typed.pathPrefix);
  if (!path.ok) return { ...path, field: "pathPrefix" };
  const page = parseBackendUrl(typed.page);
  if (!page.ok) return { ...page, field: "page" };
  return {
    ok: true,
    value: {
      name,
      provider,
      scheme: typed.scheme,
      host: place.value.host,
      port: place.value.port,
      pathPrefix: path.value,
      pageOrigin: page.value === "" ? null : new URL(page.value).origin,
    },
  };
}

/** A number as typed into a parameter's field; empty means the default. */
export function checkParameter(name: ParameterName, typed: string): Checked<number | null> {
  const text = typed.trim().replace(",", ".");
  if (text === "") return { ok: true, value: null };
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?$/i.test(text)) {
    return { ok: false, refusal: "bad_number", field: name };
  }
  const { minimum, maximum } = BOUNDS[name];
  const value = readNumber(Number(text), minimum, maximum);
  return value === null ? { ok: false, refusal: "out_of_range", field: name } : { ok: true, value };
}

/** A key as typed: printable ASCII without spaces, or empty. */
export function checkApiKey(typed: string): Checked<string> {
  const text = typed.trim();
  if (text.length > TEXT_MAX.apiKey) return { ok: false, refusal: "too_long", field: "apiKey" };
  if (text !== "" && !/^eco_[a-z]+_[0-9A-Za-z_]+$/.test(text)) {
    return { ok: false, refusal: "bad_key", field: "apiKey" };
  }
  return { ok: true, value: text };
}

/** An organisation's or person's id as typed. */
export function checkId(field: "orgId" | "userId", typed: string): Checked<string> {
  const text = typed.trim();
  if (text.length > TEXT_MAX[field]) return { ok: false, refusal: "too_long", field };
  const isFine = field === "orgId" ? TOKEN.test(text) : !UNPRINTABLE.test(text);
  return isFine ? { ok: true, value: text } : { ok: false, refusal: "bad_characters", field };
}

const PRESETS = ["localOnly", "backendUrl", "figuresUrl", "orgId", "userId", "apiKey"] as const;

/** A policy made of what managed storage holds: only well-formed presets count. */
export function readPolicy(value: unknown): Policy {
  const read = normalise(value);
  const found: Record<string, unknown> = {};
  for (const name of PRESETS) {
    const given = member(value, name);
    if (typeof given === typeof DEFAULTS[name] && given !== "" && read[name] !== "") {
      found[name] = read[name];
    }
  }
  return found;
}

/** Settings with a policy's values in place of the person's, and which ones those are. */
export function underPolicy(
  settings: Settings,
  policy: Policy,
): { readonly settings: Settings; readonly locked: Locked } {
  return {
    settings: { ...settings, ...policy },
    locked: PRESETS.filter((name) => policy[name] !== undefined),
  };
}
