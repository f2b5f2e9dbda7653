/**
 * The words the extension speaks: settings, calls, sums, verdicts.
 *
 * Belongs here: types shared by core, platform and pages. Does not belong here: behaviour.
 * Units are in the names; a `Range` is the 10th, 50th and 90th percentile.
 */

export interface Range {
  readonly low: number;
  readonly mid: number;
  readonly high: number;
}

/** How the energy of a call was found. */
export type Method = "per_call" | "duration" | "size";
/** `low` where a count is "at least", or where tokens were guessed from time or size. */
export type Confidence = "medium" | "low";

/** A provider the person added. `host` is lower case, IPv6 in brackets, `port` null for the usual one. */
export interface CustomProvider {
  /** `custom-` and a short random text; never changes. */
  readonly id: string;
  /** What the person called it: untrusted text, to be shown as text only. */
  readonly name: string;
  /** Who serves it, as the factors know providers, such as `self-hosted`. */
  readonly provider: string;
  readonly scheme: "http" | "https";
  readonly host: string;
  readonly port: number | null;
  /** Begins with `/`; calls are POSTs to it or below it. */
  readonly pathPrefix: string;
  /** Host of the page that makes the calls, where it is another one; null otherwise. */
  readonly pageOrigin: string | null;
}

/** What a person may set of the estimate of one provider; null takes the default. */
export interface ProviderParameters {
  readonly kwhPerCall: number | null;
  /** Whether `kwhPerCall` contains the data centre's overhead; then PUE is not applied again. */
  readonly includesPue: boolean;
  readonly pue: number | null;
  readonly waterLPerKwh: number | null;
  readonly co2eKgPerKwh: number | null;
}

export type Language = "auto" | "en" | "fr" | "de";

export interface Settings {
  readonly version: 1;
  /** Privacy mode: nothing leaves the machine. */
  readonly localOnly: boolean;
  /** Origin and path of the ingest API, such as `http://localhost:8787`; empty for none. */
  readonly backendUrl: string;
  /** Where the organisation's figures are read, if elsewhere; empty for the same address. */
  readonly figuresUrl: string;
  readonly orgId: string;
  readonly userId: string;
  readonly apiKey: string;
  /** Provider ids that are off; all others are on. */
  readonly disabledProviders: readonly string[];
  readonly customProviders: readonly CustomProvider[];
  /** By provider id. */
  readonly parameters: Readonly<Record<string, ProviderParameters>>;
  /** The model a person usually talks to, by provider id, where no address tells it. */
  readonly usualModels: Readonly<Record<string, string>>;
  readonly language: Language;
}

/** Names of settings an administrator fixed. */
export type Locked = readonly (keyof Settings)[];

/** What an organisation's administrator preset. */
export type Policy = Partial<
  Pick<Settings, "localOnly" | "backendUrl" | "figuresUrl" | "orgId" | "userId" | "apiKey">
>;

export interface Consent {
  readonly version: number;
  /** RFC 3339, UTC. */
  readonly givenAt: string;
}

/** Additive figures of some calls. */
export interface Sums {
  readonly calls: number;
  /** Of `calls`, those whose confidence is low. */
  readonly lowConfidenceCalls: number;
  readonly energyKwh: Range;
  readonly waterL: Range;
  /** Location-based, with the share of making the hardware. */
  readonly co2eKg: Range;
}

export interface Entry {
  readonly providerId: string;
  /** Null where it is not known. */
  readonly model: string | null;
  readonly sums: Sums;
}

/** The sums of a local day, or of all time. */
export interface Ledger {
  readonly entries: readonly Entry[];
}

export interface DayLedger extends Ledger {
  /** `YYYY-MM-DD`, local time. */
  readonly day: string;
}

export type Period = "today" | "week" | "month" | "all";

/** What the popup shows of a period. */
export interface Summary {
  readonly period: Period;
  readonly sums: Sums;
  /** Most energy first. */
  readonly byProvider: readonly { readonly providerId: string; readonly sums: Sums }[];
  /** Known models only, most energy first. */
  readonly byModel: readonly {
    readonly providerId: string;
    readonly model: string;
    readonly sums: Sums;
  }[];
}

/** One bar of the chart; seven of them, the oldest first, days without calls included. */
export interface DayTotal {
  readonly day: string;
  readonly sums: Sums;
}

/** A call as seen on the wire. */
export interface Call {
  /** Provider id of the table, or of a custom provider. */
  readonly providerId: string;
  /** Who serves it, as in the event contract. */
  readonly provider: string;
  readonly model: string | null;
  readonly operation: "chat" | "embeddings" | "image_generation" | "other";
  readonly httpStatus: number;
  /** A handshake that may carry many messages. */
  readonly isAtLeast: boolean;
}

export interface Estimate {
  readonly energyKwh: Range;
  readonly waterL: Range;
  readonly co2eKg: Range;
  readonly method: Method;
  readonly confidence: Confidence;
  /** Rounded to two digits; null where nothing tells it. */
  readonly outputTokens: number | null;
}

export type PauseReason = "refused_key" | "not_allowed" | "wrong_address";

/** How the sending of events stands. */
export interface SendingState {
  /** `off`: local only; `no_consent`, `incomplete`: not yet; `on`; `paused`: the person must act. */
  readonly status: "off" | "no_consent" | "incomplete" | "on" | "paused";
  readonly pause: PauseReason | null;
  readonly waiting: number;
  /** Events refused by the backend, too old or too many, since the installation. */
  readonly dropped: number;
  readonly lastSentAt: string | null;
  readonly nextAttemptAt: string | null;
}

/** Each its own sentence in the pages. */
export type ConnectionCode =
  | "no_address"
  | "bad_address"
  | "no_permission"
  | "timeout"
  | "unreachable"
  | "wrong_address"
  | "reachable"
  | "refused_key"
  | "not_allowed"
  | "wrong_organization"
  | "server_trouble"
  | "key_accepted";

export interface ConnectionResult {
  readonly code: ConnectionCode;
  /** HTTP status that led to it, where there was one. */
  readonly status: number | null;
}

/** The organisation's figures of today, as its backend published them; never added to local ones. */
export interface OrganizationToday {
  readonly date: string;
  readonly calls: number;
  readonly energyKwh: Range;
  readonly waterL: Range;
  readonly co2eKg: Range;
  /** RFC 3339; null where the backend does not say. */
  readonly dataThrough: string | null;
}

export type TodayResult =
  | { readonly code: "ok"; readonly today: OrganizationToday }
  | { readonly code: Exclude<ConnectionCode, "reachable" | "key_accepted"> | "not_connected" };

/** Why a typed value was refused; each its own sentence in the pages. */
export type Refusal =
  | "empty"
  | "too_long"
  | "bad_characters"
  | "bad_host"
  | "bad_port"
  | "has_scheme"
  | "has_path"
  | "has_credentials"
  | "bad_scheme"
  | "insecure"
  | "bad_path"
  | "bad_number"
  | "out_of_range"
  | "bad_key"
  | "already_there"
  | "not_json"
  | "not_ours"
  | "newer_version"
  | "too_many"
  | "bad_history";

export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly refusal: Refusal; readonly field?: string };
