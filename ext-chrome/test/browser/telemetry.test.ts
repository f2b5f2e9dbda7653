/** What leaves the machine, when, and what never does. */

import type { Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { CONSENT_VERSION } from "../../src/core/settings";
import type { Queue } from "../../src/core/queue";
import { Backend } from "./backend";
import { Browser, counted, fireAlarm, post, stored } from "./launch";
import { Providers } from "./providers";

const CANARY = "kanarienvogel-7f3a91";
/** A service whose answers are not timed: nothing comes after the call. */
const CALL = "https://chatgpt.com/backend-api/conversation";
const TIMED = `https://claude.ai/api/organizations/${CANARY}/chat_conversations/${CANARY}/completion`;
const KEY = "eco_pub_12345678_testing";

let providers: Providers;
let backend: Backend;
let browser: Browser;
let desk: Page;
let page: Page;

beforeAll(async () => {
  providers = await Providers.start();
  backend = await Backend.start();
  browser = await Browser.launch({ args: [providers.resolverRules] });
  desk = await browser.open("options.html");
  page = await browser.context.newPage();
  await page.goto("https://chatgpt.com/");
});

afterAll(async () => {
  await browser?.close();
  await backend?.stop();
  await providers?.stop();
});

beforeEach(async () => {
  await desk.evaluate(async () => {
    await chrome.storage.local.clear();
    await chrome.alarms.clear("send");
  });
  backend.received.length = 0;
  backend.statuses.length = 0;
  backend.retryAfter = null;
  backend.answers.clear();
});

async function connect(change: Record<string, unknown> = {}): Promise<void> {
  const settings = {
    localOnly: false,
    backendUrl: backend.url,
    orgId: "acme",
    userId: "ada",
    apiKey: KEY,
    ...change,
  };
  const consent = { version: CONSENT_VERSION, givenAt: new Date().toISOString() };
  await desk.evaluate((values) => chrome.storage.local.set(values), { settings, consent });
}

async function queue(): Promise<Queue | undefined> {
  return (await stored(desk))["queue"] as Queue | undefined;
}

async function waits(count: number): Promise<void> {
  await expect.poll(async () => (await queue())?.items.length ?? 0).toBe(count);
}

/** As time would: what was put off is due, and its alarm fires. */
async function letTimePass(): Promise<void> {
  await desk.evaluate(async () => {
    const { queue } = await chrome.storage.local.get("queue");
    await chrome.storage.local.set({ queue: { ...(queue as object), notBefore: null } });
  });
  await fireAlarm(desk, "send");
}

it("sends nothing in privacy mode, without consent, or without a key", async () => {
  const variants = [{ localOnly: true }, { apiKey: "" }, { backendUrl: "" }];
  for (const [i, change] of variants.entries()) {
    await connect(change);
    await post(page, CALL);
    await expect.poll(async () => await counted(desk)).toEqual({ "openai-web": i + 1 });
  }
  await connect();
  await desk.evaluate(() => chrome.storage.local.remove("consent"));
  await post(page, CALL);
  await expect.poll(async () => await counted(desk)).toEqual({ "openai-web": 4 });
  await fireAlarm(desk, "send");
  await desk.evaluate(() => chrome.runtime.sendMessage({ type: "send-now" }));
  await waits(0);
  expect(backend.received).toEqual([]);
  expect(await desk.evaluate(() => chrome.alarms.get("send"))).toBeUndefined();
});

it("delivers once what the backend could not take twice", async () => {
  await connect();
  backend.statuses.push(503, 503);
  await post(page, CALL);
  await waits(1);
  const id = (await queue())?.items[0]?.event_id;
  for (let attempt = 1; attempt <= 2; attempt++) {
    await letTimePass();
    await expect.poll(async () => (await queue())?.attempt).toBe(attempt);
    await waits(1);
  }
  // Not before its time, whatever fires.
  await fireAlarm(desk, "send");
  await letTimePass();
  await waits(0);
  expect(backend.events.map(({ event_id }) => event_id)).toEqual([id, id, id]);
  await letTimePass();
  expect(backend.received).toHaveLength(3);
  expect(await queue()).toMatchObject({ attempt: 0, dropped: 0, pause: null, notBefore: null });
});

it("sends an event of the contract, with the key in a header, from the extension's origin", async () => {
  await connect();
  await post(page, CALL);
  await waits(1);
  await desk.evaluate(() => chrome.runtime.sendMessage({ type: "send-now" }));
  await waits(0);
  const [request] = backend.received;
  expect(request).toMatchObject({
    method: "POST",
    path: "/v1/events",
    authorization: `Bearer ${KEY}`,
    origin: `chrome-extension://${browser.id}`,
  });
  expect(backend.events[0]).toMatchObject({
    source: "ext-chrome",
    org_id: "acme",
    user_id: "ada",
    provider: "openai",
    request_model: "unknown",
    input_tokens: null,
    output_tokens: null,
    usage_source: "missing",
  });
  // Sending to a host that is watched counts nothing.
  expect(await counted(desk)).toEqual({ "openai-web": 1 });
});

it("waits as long as the backend asks", async () => {
  await connect();
  backend.statuses.push(429);
  backend.retryAfter = "1200";
  await post(page, CALL);
  await waits(1);
  await letTimePass();
  await expect.poll(async () => (await queue())?.attempt).toBe(1);
  const wait = Date.parse((await queue())?.notBefore ?? "") - Date.now();
  expect(wait).toBeGreaterThan(1_100_000);
  const alarm = await desk.evaluate(() => chrome.alarms.get("send"));
  expect(alarm?.scheduledTime ?? 0).toBeGreaterThan(Date.now() + 1_100_000);
});

it("pauses at a refused key, tells it, and goes on with another", async () => {
  await connect();
  backend.statuses.push(401);
  await post(page, CALL);
  await waits(1);
  await letTimePass();
  await expect.poll(async () => (await queue())?.pause).toBe("refused_key");
  await expect.poll(() => desk.evaluate(() => chrome.action.getBadgeText({}))).toBe("1!");
  await post(page, CALL);
  await waits(2);
  await letTimePass();
  await fireAlarm(desk, "send");
  expect(backend.received).toHaveLength(1);
  await desk.evaluate(() => chrome.runtime.sendMessage({ type: "send-now" }));
  await waits(0);
  expect(backend.events).toHaveLength(3);
  await expect.poll(() => desk.evaluate(() => chrome.action.getBadgeText({}))).toBe("2");
});

it("drops what the backend calls wrong, and counts it", async () => {
  await connect();
  backend.statuses.push(422);
  await post(page, CALL);
  await waits(1);
  await letTimePass();
  await waits(0);
  expect(await queue()).toMatchObject({ dropped: 1, pause: null });
});

it("keeps what waits when the worker dies, and sends it when it wakes", async () => {
  await connect();
  await post(page, CALL);
  await post(page, CALL);
  await waits(2);
  await browser.stopWorker(desk);
  await fireAlarm(desk, "send");
  await waits(0);
  expect(backend.events).toHaveLength(2);
});

it("sends 120 waiting events in three batches", async () => {
  await connect();
  await page.evaluate(async (url) => {
    const calls = Array.from({ length: 120 }, () => fetch(url, { method: "POST", body: "x" }));
    await Promise.all(calls);
  }, CALL);
  await waits(120);
  await fireAlarm(desk, "send");
  await waits(0);
  const sizes = backend.received.map(
    ({ body }) => (JSON.parse(body) as { events: [] }).events.length,
  );
  expect(sizes).toEqual([50, 50, 20]);
  expect(new Set(backend.events.map(({ event_id }) => event_id)).size).toBe(120);
});

it("carries nothing of what was asked, answered or addressed", async () => {
  await connect();
  const logs: string[] = [];
  (await browser.worker()).on("console", (message) => logs.push(message.text()));
  desk.on("console", (message) => logs.push(message.text()));
  const pieces = Array(12).fill(`data: ${CANARY} ${"x".repeat(300)}\n\n`);
  providers.behaviours.set("/completion", { pieces, pauseMs: 100 });
  await page.goto("https://claude.ai/");
  await post(page, `${TIMED}?q=${CANARY}#${CANARY}`, JSON.stringify({ prompt: CANARY }));
  const guessed = async () => (await queue())?.items[0]?.usage_source;
  await expect.poll(guessed).toBe("chars_estimated");
  expect(JSON.stringify(await stored(desk))).not.toContain(CANARY);
  await fireAlarm(desk, "send");
  await waits(0);
  expect(providers.seen.join()).toContain(CANARY);
  expect(backend.events).toHaveLength(1);
  expect(JSON.stringify(backend.received)).not.toContain(CANARY);
  expect(JSON.stringify(await stored(desk))).not.toContain(CANARY);
  expect(logs.join()).not.toContain(CANARY);
  expect(await browser.closeAndFind(CANARY)).toEqual([]);
});
