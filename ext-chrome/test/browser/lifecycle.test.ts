/** The worker dies and wakes, calls come all at once, days and permissions change: exact counts. */

import type { Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { dayKey, shiftDay } from "../../src/core/days";
import type { Ledger } from "../../src/core/types";
import { Browser, counted, fireAlarm, post, stored } from "./launch";
import { Providers } from "./providers";

const CALL = "https://claude.ai/api/organizations/0a/chat_conversations/1b/completion";
/** A service whose answers are not timed. */
const UNTIMED = "https://chatgpt.com/backend-api/conversation";
const API = "https://api.openai.com/v1/chat/completions";

let providers: Providers;
let browser: Browser;
let desk: Page;
let page: Page;

beforeAll(async () => {
  providers = await Providers.start();
  browser = await Browser.launch({ args: [providers.resolverRules] });
  desk = await browser.open("options.html");
  page = await browser.context.newPage();
  await page.goto("https://claude.ai/");
});

afterAll(async () => {
  await browser?.close();
  await providers?.stop();
});

beforeEach(async () => {
  providers.behaviours.clear();
  await desk.evaluate(async () => {
    await chrome.storage.local.clear();
    await chrome.storage.session.clear();
  });
});

async function expectCounts(expected: Record<string, number>): Promise<void> {
  await expect.poll(async () => await counted(desk)).toEqual(expected);
}

const badge = (): Promise<string> => desk.evaluate(() => chrome.action.getBadgeText({}));

it("counts a call that wakes the worker", async () => {
  await browser.stopWorker(desk);
  await post(page, CALL);
  await expectCounts({ "anthropic-web": 1 });
});

it("counts a call once whose worker dies while it streams", async () => {
  providers.behaviours.set("/completion", { pieces: Array(8).fill("data: a\n\n"), pauseMs: 100 });
  const call = post(page, CALL);
  await expectCounts({ "anthropic-web": 1 });
  await browser.stopWorker(desk);
  await call;
  await post(page, CALL);
  await expectCounts({ "anthropic-web": 2 });
});

it("counts 50 calls at once as 50", async () => {
  await page.evaluate(async (url) => {
    const calls = Array.from({ length: 50 }, () => fetch(url, { method: "POST", body: "x" }));
    await Promise.all(calls);
  }, CALL);
  await expectCounts({ "anthropic-web": 50 });
  const today = (await stored(desk))[`day:${dayKey(new Date())}`] as Ledger;
  expect(today.entries[0]?.sums.calls).toBe(50);
  await expect.poll(badge).toBe("50");
});

it("counts an API only for the provider's own page or one that may be seen", async () => {
  await page.goto("https://platform.openai.com/");
  expect(await post(page, API)).toBe(200);
  await expectCounts({ "openai-api": 1 });
  const off = { settings: { disabledProviders: ["openai-api"] } };
  await desk.evaluate((values) => chrome.storage.local.set(values), off);
  expect(await post(page, API)).toBe(200);
  await page.goto("https://chatgpt.com/");
  await post(page, UNTIMED);
  await expectCounts({ "openai-api": 1, "openai-web": 1 });
  await page.goto("https://claude.ai/");
});

it("takes the time and size of an answer for a better estimate of the same call", async () => {
  const pieces = Array(12).fill(`data: ${"x".repeat(400)}\n\n`);
  providers.behaviours.set("/completion", { pieces, pauseMs: 100 });
  await post(page, CALL);
  const lowOf = async (): Promise<number> => {
    const { total } = (await stored(desk)) as { total?: Ledger };
    return total?.entries[0]?.sums.lowConfidenceCalls ?? 0;
  };
  await expect.poll(lowOf).toBe(1);
  await expectCounts({ "anthropic-web": 1 });
  // Kept in memory for the next timing only: the call is gone from there, too.
  expect((await stored(desk))["unrefined"]).toEqual([]);
});

it("begins a new day at midnight and keeps the old one", async () => {
  await post(page, CALL);
  await expectCounts({ "anthropic-web": 1 });
  await expect.poll(badge).toBe("1");
  const today = dayKey(new Date());
  // As if a day had passed: today's sums are yesterday's, and 400 days ago there was a call, too.
  await desk.evaluate(
    async ([now, before, expired]) => {
      const sums = (await chrome.storage.local.get(now))[now ?? ""];
      await chrome.storage.local.remove(now ?? "");
      await chrome.storage.local.set({ [before ?? ""]: sums, [expired ?? ""]: sums });
    },
    [`day:${today}`, `day:${shiftDay(today, -1)}`, `day:${shiftDay(today, -400)}`],
  );
  await fireAlarm(desk, "midnight");
  await expect.poll(badge).toBe("");
  const days = async (): Promise<readonly string[]> =>
    Object.keys(await stored(desk)).filter((key) => key.startsWith("day:"));
  await expect.poll(days).toEqual([`day:${shiftDay(today, -1)}`]);
  const { scheduledTime } = (await desk.evaluate(() => chrome.alarms.get("midnight"))) ?? {};
  expect(scheduledTime).toBeGreaterThan(Date.now());
  expect(new Date(scheduledTime ?? 0).getHours()).toBe(0);
  await post(page, CALL);
  await expectCounts({ "anthropic-web": 2 });
  await expect.poll(badge).toBe("1");
});

it("reads what an older or broken version left as far as it can", async () => {
  const broken = {
    settings: "x",
    total: { entries: [{ providerId: "a" }] },
    queue: [1],
    consent: 1,
  };
  await desk.evaluate((values) => chrome.storage.local.set(values), broken);
  await post(page, CALL);
  await expectCounts({ "anthropic-web": 1 });
});

it("counts a provider that a person added, at its port and path only", async () => {
  const custom = {
    id: "custom-1",
    name: "<img src=x onerror=alert(1)>",
    provider: "self-hosted",
    scheme: "https",
    host: "llm.test",
    port: 8443,
    pathPrefix: "/v1",
    pageOrigin: null,
  };
  const settings = { settings: { customProviders: [custom] } };
  await desk.evaluate((values) => chrome.storage.local.set(values), settings);
  await page.goto("https://llm.test:8443/");
  await post(page, "https://llm.test:8443/v1/chat/completions");
  await post(page, "https://llm.test:8443/v2/chat/completions");
  await post(page, "https://llm.test/v1/chat/completions");
  await page.goto("https://claude.ai/");
  await post(page, CALL);
  await expectCounts({ "custom-1": 1, "anthropic-web": 1 });
});
