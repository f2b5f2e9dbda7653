/** The popup: what was counted, as a person reads it. */

import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PROVIDERS } from "../../src/core/providers";
import { Browser, RELEASE } from "./launch";
import {
  Backend,
  connected,
  daysAgo,
  drawn,
  entry,
  type Stored,
  settings,
  store,
  stored,
  today,
  usualDays,
} from "./person";

const HOSTILE = '<img src=x onerror="document.title=1">';

let browser: Browser;
let backend: Backend;

beforeAll(async () => {
  browser = await Browser.launch();
  browser.context.setDefaultTimeout(10_000);
  backend = await Backend.start();
});

afterAll(async () => {
  await browser?.close();
  await backend?.stop();
});

async function open(values: Stored): Promise<Page> {
  await store(browser, values);
  return await drawn(await browser.open("popup.html"));
}

/** Text as people see it, with ordinary blanks. */
async function read(page: Page, selector: string): Promise<string> {
  // biome-ignore lint/performance/useDomNodeTextContent: what is hidden must not be read
  const text = await page.locator(selector).innerText();
  return text.replace(/[\u00a0\u202f]/g, " ").replace(/\s*\n\s*/g, " | ");
}

test("the welcome page opened by itself, once", async () => {
  const fresh = await Browser.launch();
  const opened = () => fresh.context.pages().filter((page) => page.url().endsWith("/welcome.html"));
  if (opened().length === 0) await fresh.context.waitForEvent("page");
  await fresh.open("popup.html");
  expect(opened()).toHaveLength(1);
  await fresh.close();
});

test("without calls it says how the count begins", async () => {
  const page = await open(settings({ language: "en" }));
  await page.getByText("No calls counted yet").waitFor();
  expect(await read(page, "#state")).toBe("Stays local");
  await expectHidden(page, "#equivalent", "#providers", "#organisation", "#notice");
  await page.close();
});

test("calls, figures with their ranges, services and models of each period", async () => {
  const page = await open({ ...usualDays(), ...settings({ language: "en" }) });
  await page.getByText("25 calls").waitFor();
  expect(await read(page, "#summary .figures")).toBe(
    "Energy | 11 Wh 2.7 to 32 Wh | Water | 35 mL 8.6 to 100 mL | CO₂e | 4.3 g 1.1 to 13 g",
  );
  expect(await read(page, "#equivalent")).toMatch(/^That is about a 10 W LED lamp lit for 65 min/);
  expect(await read(page, "#shares")).toMatch(
    /^ChatGPT \| 14 calls · 5.6 Wh .*Claude \| 8 calls · 4 Wh .*claude-sonnet-4-5.*Copilot \| at least 3 calls · 1.2 Wh/,
  );
  for (const [period, total] of [
    ["7 days", "90 calls"],
    ["30 days", "132 calls"],
    ["All time", "4,120 calls"],
  ] as const) {
    await page.getByRole("radio", { name: period }).check();
    await page.getByText(total, { exact: true }).waitFor();
  }
  await page.close();
});

test("the chart and its table say the same", async () => {
  const page = await open({ ...usualDays(), ...settings({ language: "en" }) });
  await page.getByText("As a table").click();
  const table = await page.locator("#chart tbody td:nth-child(2)").allInnerTexts();
  const bars = await page.locator("#chart svg .value").allTextContents();
  expect(table).toEqual(["0", "31", "22", "0", "8", "4", "25"]);
  expect(bars).toEqual(table.map((count) => (count === "0" ? "" : count)));
  const heights = await page
    .locator("#chart svg .bar")
    .evaluateAll((all) => all.map((bar) => Number(bar.getAttribute("height"))));
  expect(heights.map((height) => Math.round((height / Math.max(...heights)) * 31))).toEqual(
    table.map(Number),
  );
  const label = await page.locator("#chart svg").getAttribute("aria-label");
  expect(label).toContain("90 calls in all");
  await page.close();
});

test("a call that is counted meanwhile shows at once", async () => {
  const page = await open({ ...usualDays(), ...settings({ language: "en" }) });
  await page.getByText("25 calls").waitFor();
  const worker = await browser.worker();
  await worker.evaluate(async (values) => await chrome.storage.local.set(values), {
    [`day:${today()}`]: { entries: [entry("openai-web", 26, 0.01)] },
  });
  await page.getByText("26 calls", { exact: true }).waitFor();
  await page.close();
});

test("a hostile name is text: no element, no script, no title", async () => {
  const custom = {
    id: "custom-1",
    name: HOSTILE,
    provider: "self-hosted",
    scheme: "http",
    host: "localhost",
    port: 11_434,
    pathPrefix: "/",
    pageOrigin: null,
  } as const;
  const page = await open({
    [`day:${today()}`]: {
      entries: [entry("custom-1", 2, 0.001, "<script>x</script>")],
    },
    [`day:${daysAgo(1)}`]: { entries: [entry("custom-2", 2, 0.001)] },
    ...settings({ language: "en", customProviders: [custom] }),
  });
  await page.getByText(HOSTILE).waitFor();
  await page.getByText("<script>x</script>").waitFor();
  expect(await page.locator("main img, main script").count()).toBe(0);
  expect(await page.title()).toBe("EcoMind, your AI use");
  await page.getByRole("radio", { name: "7 days" }).check();
  await page.getByText("Removed service").waitFor();
  await page.close();
});

test("the organisation's figure stands beside the local one, with source and time, never added", async () => {
  const values = {
    ...usualDays(),
    ...connected(backend.url, { language: "en" }),
  };
  const page = await open(values);
  await page.getByText("18,234").waitFor();
  expect(await read(page, "#organisation")).toMatch(
    new RegExp(`^Your whole organisation today .*From ${backend.host}, asked at .* Data up to `),
  );
  await page.getByText("25 calls", { exact: true }).waitFor();
  expect(await page.getByText("18,259").count()).toBe(0);
  expect(await read(page, "#state")).toBe(`Sent to ${backend.host}`);
  expect(await stored(browser)).toEqual(values);
  await page.close();
});

test("without the organisation's answer the local figures are there, and the reason", async () => {
  backend.mood = "refuses";
  const page = await open({
    ...usualDays(),
    ...connected(backend.url, { language: "en" }),
  });
  await page.getByText(/figure is not available: .* refuses the key/).waitFor();
  await page.getByText("25 calls").waitFor();
  backend.mood = "fine";
  await page.close();
});

test("a pause says why and what to do", async () => {
  const page = await open({
    ...connected(backend.url, { language: "en" }),
    queue: {
      items: [],
      attempt: 0,
      notBefore: null,
      dropped: 0,
      pause: "refused_key",
      lastSentAt: null,
    },
  });
  await page
    .getByRole("alert")
    .getByText(/refused the key/)
    .waitFor();
  expect(await read(page, "#state")).toBe("Sending paused");
  await page.close();
});

test("local only asks nobody anything", async () => {
  const before = backend.asked.length;
  const page = await open({
    ...usualDays(),
    ...connected(backend.url, { language: "en", localOnly: true }),
  });
  await page.getByText("25 calls").waitFor();
  await expectHidden(page, "#organisation");
  expect(backend.asked.length).toBe(before);
  await page.close();
});

test.each([
  ["fr", "25 appels", "5,6 Wh"],
  ["de", "25 Aufrufe", "5,6 Wh"],
] as const)("in %s", async (language, calls, energy) => {
  const page = await open({ ...usualDays(), ...settings({ language }) });
  await page.getByText(calls, { exact: true }).waitFor();
  expect(await read(page, "#shares")).toContain(energy);
  expect(await page.locator("html").getAttribute("lang")).toBe(language);
  await page.close();
});

async function expectHidden(page: Page, ...selectors: readonly string[]): Promise<void> {
  for (const selector of selectors) {
    expect(await page.locator(selector).isVisible(), selector).toBe(false);
  }
}

test("in a French browser everything is French without a choice", async (context) => {
  const french = await Browser.launch({ env: { LANGUAGE: "fr" } });
  const page = await drawn(await french.open("options.html"));
  const browserLanguage = await page.evaluate(() => chrome.i18n.getUILanguage());
  const named = await page.evaluate(() => chrome.runtime.getManifest().name);
  const title = await page.title();
  await french.close();
  // Debian keeps the other languages in a package of its own.
  context.skip(!browserLanguage.startsWith("fr"), "chromium-l10n is not installed");
  expect([title, named]).toEqual([
    "Réglages d’EcoMind",
    "EcoMind\u00a0: l’empreinte de votre usage de l’IA",
  ]);
});

test("as people install it, only the chat sites are on: all others ask first", async () => {
  const fresh = await Browser.launch({ dist: RELEASE });
  const page = await drawn(await fresh.open("options.html"));
  const on = await page
    .locator("#services input")
    .evaluateAll((all) =>
      all.filter((box) => (box as HTMLInputElement).checked).map(({ id }) => id),
    );
  await fresh.close();
  expect(on).toEqual(
    PROVIDERS.filter(({ isBuiltIn }) => isBuiltIn).map(({ id }) => `service-${id}`),
  );
});
