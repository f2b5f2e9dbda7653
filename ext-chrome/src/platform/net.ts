/**
 * Talking to the organisation's backend; nothing else is ever asked anything.
 *
 * Belongs here: the four requests the extension makes, and reading their answers without trust.
 * Does not belong here: when they are made. Keys travel in a header, never in an address.
 */

import { requestAddress } from "../core/hosts";
import type { OutgoingEvent } from "../core/payload";
import { type Answer, readRetryAfter } from "../core/queue";
import type { ConnectionCode, ConnectionResult, OrganizationToday, Settings } from "../core/types";
import {
  isRecord,
  member,
  parseJson,
  readCount,
  readInstant,
  readList,
  readRange,
  readText,
} from "../core/unknowns";
import { backendOrigin, hasOrigins } from "./permissions";

const SEND_TIMEOUT_MS = 15_000;
const ASK_TIMEOUT_MS = 5_000;
const ANSWER_MAX = 100_000;

interface Reply {
  /** 0 where there was no answer. */
  readonly status: number;
  readonly isTimeout: boolean;
  readonly retryAfter: string | null;
  readonly body: unknown;
}

type Ask = {
  readonly method: "GET" | "POST";
  readonly key: string;
  readonly body?: unknown;
  readonly timeoutMs: number;
};

async function ask(url: string, { method, key, body, timeoutMs }: Ask): Promise<Reply> {
  const headers = new Headers({ accept: "application/json" });
  if (key !== "") headers.set("authorization", `Bearer ${key}`);
  if (body !== undefined) headers.set("content-type", "application/json");
  try {
    const response = await fetch(requestAddress(url), {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      credentials: "omit",
      redirect: "error",
      cache: "no-store",
      referrerPolicy: "no-referrer",
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await response.text();
    return {
      status: response.status,
      isTimeout: false,
      retryAfter: response.headers.get("retry-after"),
      body: text.length > ANSWER_MAX ? undefined : parseJson(text),
    };
  } catch (error) {
    const isTimeout = error instanceof DOMException && error.name === "TimeoutError";
    return { status: 0, isTimeout, retryAfter: null, body: undefined };
  }
}

/** Send a batch; never throws. */
export async function sendBatch(
  settings: Settings,
  events: readonly OutgoingEvent[],
): Promise<Answer> {
  const reply = await ask(`${settings.backendUrl}/v1/events`, {
    method: "POST",
    key: settings.apiKey,
    body: { events },
    timeoutMs: SEND_TIMEOUT_MS,
  });
  return {
    status: reply.status,
    retryAfterMs: readRetryAfter(reply.retryAfter, new Date()),
    rejected: readCount(member(reply.body, "rejected")) ?? 0,
  };
}

/** Whether the backend can be reached and takes the key, and if not, why. */
export async function testConnection(settings: Settings): Promise<ConnectionResult> {
  if (settings.backendUrl === "") return { code: "no_address", status: null };
  if (!(await hasOrigins([backendOrigin(settings.backendUrl)]))) {
    return { code: "no_permission", status: null };
  }
  const health = await ask(`${settings.backendUrl}/health`, {
    method: "GET",
    key: "",
    timeoutMs: ASK_TIMEOUT_MS,
  });
  const trouble = troubleOf(health);
  if (trouble !== null) return trouble;
  if (readText(member(health.body, "version"), 100) === "") {
    return { code: "wrong_address", status: health.status };
  }
  if (settings.apiKey === "") return { code: "reachable", status: health.status };
  return await testKey(settings);
}

async function testKey(settings: Settings): Promise<ConnectionResult> {
  const probe = {
    event_id: crypto.randomUUID(),
    source: "ext-chrome",
    occurred_at: new Date().toISOString(),
    org_id: settings.orgId || null,
    provider: "openai",
    request_model: "unknown",
  };
  // Judged like an event, and stored nowhere.
  const reply = await ask(`${settings.backendUrl}/v1/validate`, {
    method: "POST",
    key: settings.apiKey,
    body: [probe],
    timeoutMs: ASK_TIMEOUT_MS,
  });
  const trouble = troubleOf(reply);
  if (trouble !== null) return trouble;
  const code = isOfAnother(reply.body) ? "wrong_organization" : "key_accepted";
  return { code, status: reply.status };
}

function isOfAnother(body: unknown): boolean {
  return readList(member(body, "results"), 1).some((result) =>
    readList(member(result, "errors"), 10).some(
      (error) => member(error, "code") === "tenant_mismatch",
    ),
  );
}

/** What is wrong with an answer, or null where nothing is. */
function troubleOf(reply: Reply): ConnectionResult | null {
  const code = troubleCode(reply);
  return code === null ? null : { code, status: reply.status === 0 ? null : reply.status };
}

type Trouble = Exclude<ConnectionCode, "reachable" | "key_accepted" | "no_address" | "bad_address">;

function troubleCode(reply: Reply): Trouble | null {
  const { status } = reply;
  if (reply.isTimeout) return "timeout";
  if (status === 0) return "unreachable";
  if (status === 401) return "refused_key";
  if (status === 403) return "not_allowed";
  if (status === 429 || status >= 500) return "server_trouble";
  return status >= 200 && status <= 299 && isRecord(reply.body) ? null : "wrong_address";
}

export type Asked =
  { readonly code: "ok"; readonly today: OrganizationToday } | { readonly code: Trouble };

/** The organisation's figures of today, from an address that the person agreed to. */
export async function askToday(settings: Settings): Promise<Asked> {
  const base = settings.figuresUrl || settings.backendUrl;
  if (!(await hasOrigins([backendOrigin(base)]))) return { code: "no_permission" };
  const reply = await ask(`${base}/v1/today`, {
    method: "GET",
    key: settings.apiKey,
    timeoutMs: ASK_TIMEOUT_MS,
  });
  const code = troubleCode(reply);
  if (code !== null) return { code };
  const today = readToday(reply.body);
  return today === null ? { code: "wrong_address" } : { code: "ok", today };
}

function readToday(body: unknown): OrganizationToday | null {
  const date = readText(member(body, "date"), 10);
  const calls = member(body, "calls");
  const energyKwh = readRange(member(body, "energy_kwh"));
  const waterL = readRange(member(body, "water_l"));
  const co2eKg = readRange(member(body, "co2e_kg"));
  if (!/^\d{4}-\d\d-\d\d$/.test(date)) return null;
  if (typeof calls !== "number" || !Number.isFinite(calls) || calls < 0) return null;
  if (energyKwh === null || waterL === null || co2eKg === null) return null;
  const dataThrough = readInstant(member(body, "data_through"));
  return { date, calls, energyKwh, waterL, co2eKg, dataThrough };
}
