/** What pages do with settings, history, permissions and the backend, in a real browser. */

import type { Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import type { Settings } from "../../src/core/types";
import { Backend } from "./backend";
import { Browser, counted, post, stored } from "./launch";
import { Providers } from "./providers";

const CALL = "https://claude.ai/api/organizations/0a/chat_conversations/1b/completion";
const KEY = "eco_pub_12345678_testing";

let providers: Providers;
let backend: Backend;
let browser: Browser;
let page: Page;
let chat: Page;

beforeAll(async () => {
  providers = await Providers.start();
  backend = await Backend.start();
  browser = await Browser.launch({ args: [providers.resolverRules] });
  page = await browser.open("harness.html");
  chat = await browser.context.newPage();
  await chat.goto("https://claude.ai/");
});

afterAll(async () => {
  await browser?.close();
  await backend?.stop();
  await providers?.stop();
});

beforeEach(async () => {
  await page.evaluate(() => chrome.storage.local.clear());
  backend.answers.clear();
  backend.received.length = 0;
});

async function change(values: Partial<Settings>): Promise<Settings> {
  return await page.evaluate((given) => desk.changeSettings((s) => ({ ...s, ...given })), values);
}

async function connect(): Promise<void> {
  await change({ localOnly: false, backendUrl: backend.url, orgId: "acme", apiKey: KEY });
  await page.evaluate(() => desk.giveConsent());
}

async function test(values: Partial<Settings>): Promise<string> {
  const settings = await change({ backendUrl: backend.url, apiKey: KEY, ...values });
  return await page.evaluate(async (given) => (await desk.testConnection(given)).code, settings);
}

const kept = (): Promise<Record<string, unknown>> =>
  page.evaluate(() => chrome.storage.local.get(null));

it("tells what is wrong with a connection, each thing by its own name", async () => {
  expect(await test({ backendUrl: "" })).toBe("no_address");
  expect(await test({ apiKey: "" })).toBe("reachable");
  expect(await test({})).toBe("key_accepted");
  expect(await test({ backendUrl: "http://localhost:9" })).toBe("unreachable");
  const bodies: readonly (readonly [string, number, unknown, string])[] = [
    ["/health", 200, "hello", "wrong_address"],
    ["/health", 200, { name: "another service" }, "wrong_address"],
    ["/health", 404, {}, "wrong_address"],
    ["/health", 503, {}, "server_trouble"],
    ["/v1/validate", 401, {}, "refused_key"],
    ["/v1/validate", 403, {}, "not_allowed"],
    ["/v1/validate", 404, {}, "wrong_address"],
    ["/v1/validate", 429, {}, "server_trouble"],
    [
      "/v1/validate",
      200,
      { results: [{ errors: [{ code: "tenant_mismatch" }] }] },
      "wrong_organization",
    ],
  ];
  for (const [path, status, body, code] of bodies) {
    backend.answers.clear();
    backend.answers.set(path, { status, body });
    expect(await test({}), `${path} ${status}`).toBe(code);
  }
  // The key goes nowhere but to the address that is asked whether it takes it.
  const health = backend.received.filter(({ path }) => path === "/health");
  expect(health.map(({ authorization }) => authorization)).not.toContain(`Bearer ${KEY}`);
});

it("reaches a backend that listens on IPv6 only by its loopback address", async () => {
  const port = new URL(backend.url).port;
  expect(await test({ backendUrl: `http://[::1]:${port}` })).toBe("key_accepted");
});

it("reads the organisation's figures of today, whole or not at all", async () => {
  const today = async () => await page.evaluate(() => desk.fetchTodayData());
  expect(await today()).toEqual({ code: "not_connected" });
  await connect();
  const range = { low: 1, mid: 2, high: 3 };
  const body = {
    date: "2026-11-22",
    calls: 12,
    energy_kwh: range,
    water_l: range,
    co2e_kg: range,
    data_through: "2026-11-22T10:00:00Z",
  };
  backend.answers.set("/v1/today", { status: 200, body });
  expect(await today()).toEqual({
    code: "ok",
    today: {
      date: "2026-11-22",
      calls: 12,
      energyKwh: range,
      waterL: range,
      co2eKg: range,
      dataThrough: "2026-11-22T10:00:00.000Z",
    },
  });
  const broken = [{ energy_kwh: { low: 3, mid: 2, high: 1 } }, { calls: "12" }, { date: "<b>" }];
  for (const part of broken) {
    backend.answers.set("/v1/today", { status: 200, body: { ...body, ...part } });
    expect(await today()).toEqual({ code: "wrong_address" });
  }
  backend.answers.set("/v1/today", { status: 403, body: {} });
  expect(await today()).toEqual({ code: "not_allowed" });
});

it("loses no call and no setting when worker and page write at once", async () => {
  await Promise.all([
    chat.evaluate(async (url) => {
      const calls = Array.from({ length: 40 }, () => fetch(url, { method: "POST", body: "x" }));
      await Promise.all(calls);
    }, CALL),
    page.evaluate(async () => {
      const changes = Array.from({ length: 40 }, (_, i) =>
        desk.changeSettings((s) => ({
          ...s,
          disabledProviders: [...s.disabledProviders, `custom-${i}`],
        })),
      );
      await Promise.all(changes);
    }),
  ]);
  await expect.poll(() => counted(page)).toEqual({ "anthropic-web": 40 });
  const { settings } = (await stored(page)) as { settings: Settings };
  expect(settings.disabledProviders).toHaveLength(40);
});

it("forgets today, or everything, and keeps the settings", async () => {
  await change({ orgId: "acme" });
  await post(chat, CALL);
  await expect.poll(() => counted(page)).toEqual({ "anthropic-web": 1 });
  const file = await page.evaluate(() => desk.exportHistoryJson());
  expect(await page.evaluate(() => desk.exportHistoryCsv())).toMatch(/anthropic-web,,1,[01],/);
  await page.evaluate(() => desk.resetToday());
  expect(await counted(page)).toEqual({});
  expect(await page.evaluate((text) => desk.importHistory(text), file)).toEqual({
    ok: true,
    value: 1,
  });
  expect(await counted(page)).toEqual({ "anthropic-web": 1 });
  const week = await page.evaluate(() => desk.summary("week"));
  expect(week.sums.calls).toBe(1);
  const days = await page.evaluate(() => desk.dayTotals(7));
  expect(days.map(({ sums }) => sums.calls)).toEqual([0, 0, 0, 0, 0, 0, 1]);
  await page.evaluate(() => desk.clearHistory());
  expect(Object.keys(await kept()).sort()).toEqual(["settings"]);
});

it("changes nothing for a malformed file", async () => {
  await change({ orgId: "acme", apiKey: KEY });
  await post(chat, CALL);
  await expect.poll(() => counted(page)).toEqual({ "anthropic-web": 1 });
  const before = await kept();
  const files = ["", "{", "[]", '{"format":"ecomind-extension-history","version":1,"days":[1]}'];
  for (const text of files) {
    expect((await page.evaluate((t) => desk.importSettings(t), text)).ok).toBe(false);
    expect((await page.evaluate((t) => desk.importHistory(t), text)).ok).toBe(false);
  }
  const settings = await page.evaluate(() => desk.exportSettings());
  expect(settings).not.toContain(KEY);
  expect((await page.evaluate((t) => desk.importSettings(t), settings)).ok).toBe(true);
  expect(await kept()).toEqual(before);
});

it("throws away what waits when sending is switched off or consent withdrawn", async () => {
  for (const stop of ["setLocalOnly", "withdrawConsent"] as const) {
    await connect();
    await post(chat, CALL);
    const waiting = async () => (await page.evaluate(() => desk.sendingState())).waiting;
    await expect.poll(waiting).toBe(1);
    await page.evaluate(async (name) => await desk[name](true), stop);
    expect(await waiting()).toBe(0);
    expect((await page.evaluate(() => desk.sendingState())).status).not.toBe("on");
  }
  expect(backend.received).toEqual([]);
});

it("asks for a custom provider's origin alone, and gives it back", async () => {
  const typed = {
    name: "<b>Ours</b>",
    provider: "",
    scheme: "https" as const,
    address: "llm.test:8443",
    pathPrefix: "/v1",
    page: "",
  };
  const asked = await page.evaluate(async (given) => {
    const calls: unknown[] = [];
    // Nobody can answer the browser's question here; everything else is the browser's own.
    chrome.permissions.request = (wanted: unknown) => {
      calls.push(wanted);
      return Promise.resolve(true);
    };
    chrome.permissions.remove = (wanted: unknown) => {
      calls.push(wanted);
      return Promise.resolve(true);
    };
    // What people install asks for every origin of their own; the test build was granted all.
    const manifest = { ...chrome.runtime.getManifest(), host_permissions: [] };
    chrome.runtime.getManifest = () => manifest;
    const { settings } = await desk.loadSettings();
    const bad = await desk.addCustomProvider({ ...given, address: "https://llm.test" }, settings);
    const added = await desk.addCustomProvider(given, settings);
    const now = (await desk.loadSettings()).settings;
    const twice = await desk.addCustomProvider(given, now);
    if (added.code === "added") await desk.removeCustomProvider(added.custom.id);
    const left = (await desk.loadSettings()).settings.customProviders;
    return { calls, codes: [bad.code, added.code, twice.code], left };
  }, typed);
  const origin = { origins: ["https://llm.test:8443/*"] };
  expect(asked).toEqual({
    calls: [origin, origin],
    codes: ["refused", "added", "refused"],
    left: [],
  });
});
