/**
 * What leaves the machine of a call: an event of the project's contract, these keys and no others.
 *
 * Belongs here: making events, and reading stored ones through the same list. Does not belong here:
 * sending. Times are cut to the hour; tokens nobody counted are null, never 0.
 */

import type { Call, Estimate, Settings } from "./types";
import { isRecord, member } from "./unknowns";

export interface OutgoingEvent {
  readonly event_id: string;
  readonly source: "ext-chrome";
  /** Start of the UTC hour of the call. */
  readonly occurred_at: string;
  readonly org_id: string | null;
  readonly user_id: string | null;
  readonly provider: string;
  readonly request_model: string;
  readonly operation: Call["operation"];
  readonly http_status: number;
  readonly request_count: 1;
  readonly input_tokens: null;
  readonly output_tokens: number | null;
  /** `chars_estimated`: guessed from the size or duration of the answer. */
  readonly usage_source: "missing" | "chars_estimated";
  readonly tags: {
    readonly client: string;
    readonly method: Estimate["method"];
    readonly confidence: Estimate["confidence"];
  };
}

export const ALLOWED_KEYS = Object.freeze([
  "event_id",
  "source",
  "occurred_at",
  "org_id",
  "user_id",
  "provider",
  "request_model",
  "operation",
  "http_status",
  "request_count",
  "input_tokens",
  "output_tokens",
  "usage_source",
  "tags",
] as const satisfies readonly (keyof OutgoingEvent)[]);

/** What the contract calls a model nobody named; the provider's usual class of model is taken. */
export const UNKNOWN_MODEL = "unknown";
const HOUR_MS = 3_600_000;

export interface Sender {
  readonly settings: Pick<Settings, "orgId" | "userId">;
  readonly version: string;
}

export function makeEvent(
  call: Call,
  estimate: Estimate,
  eventId: string,
  at: Date,
  sender: Sender,
): OutgoingEvent {
  return {
    event_id: eventId,
    source: "ext-chrome",
    occurred_at: new Date(Math.floor(at.getTime() / HOUR_MS) * HOUR_MS).toISOString(),
    org_id: sender.settings.orgId || null,
    user_id: sender.settings.userId || null,
    provider: call.provider,
    request_model: call.model ?? UNKNOWN_MODEL,
    operation: call.operation,
    http_status: call.httpStatus,
    request_count: 1,
    input_tokens: null,
    output_tokens: estimate.outputTokens,
    usage_source: estimate.outputTokens === null ? "missing" : "chars_estimated",
    tags: {
      client: `ext-chrome/${sender.version}`,
      method: estimate.method,
      confidence: estimate.confidence,
    },
  };
}

const EVENT_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const TOKEN = /^[\x21-\x7e]+$/;
const OPERATIONS = ["chat", "embeddings", "image_generation", "other"] as const;
const METHODS = ["per_call", "duration", "size"] as const;
const CONFIDENCES = ["medium", "low"] as const;

/** A stored event made anew of its allowed keys, or null where one is not as it must be. */
export function readEvent(value: unknown): OutgoingEvent | null {
  if (!isRecord(value)) return null;
  const tokens = value["output_tokens"];
  const outputTokens = typeof tokens === "number" && Number.isSafeInteger(tokens) ? tokens : null;
  const eventId = readWord(value["event_id"], 36, EVENT_ID);
  const provider = readWord(value["provider"], 64, TOKEN);
  const model = readWord(value["request_model"], 128, TOKEN);
  const at = readWord(value["occurred_at"], 24, /^\d{4}-\d\d-\d\dT\d\d:00:00\.000Z$/);
  const client = readWord(member(value["tags"], "client"), 40, TOKEN);
  const operation = OPERATIONS.find((one) => one === value["operation"]);
  const method = METHODS.find((one) => one === member(value["tags"], "method"));
  const confidence = CONFIDENCES.find((one) => one === member(value["tags"], "confidence"));
  const status = value["http_status"];
  if (eventId === null || provider === null || model === null || at === null || client === null) {
    return null;
  }
  if (operation === undefined || method === undefined || confidence === undefined) return null;
  if (typeof status !== "number" || !Number.isInteger(status)) return null;
  return {
    event_id: eventId,
    source: "ext-chrome",
    occurred_at: at,
    org_id: readWord(value["org_id"], 64, TOKEN),
    user_id: readWord(value["user_id"], 128, /^.+$/),
    provider,
    request_model: model,
    operation,
    http_status: status,
    request_count: 1,
    input_tokens: null,
    output_tokens: outputTokens,
    usage_source: outputTokens === null ? "missing" : "chars_estimated",
    tags: { client, method, confidence },
  };
}

function readWord(value: unknown, maxLength: number, pattern: RegExp): string | null {
  if (typeof value !== "string" || value.length > maxLength) return null;
  return pattern.test(value) ? value : null;
}
