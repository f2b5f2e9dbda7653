/** Everyone can use the pages: no rule of axe broken, light and dark, large type, keyboard alone. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Browser } from "./launch";
import { Backend, connected, drawn, KEY, settings, store, usualDays } from "./person";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const PAGES = ["welcome.html", "popup.html", "options.html"] as const;
const LOOKS = ["light", "dark"] as const;
const CUSTOM = {
  id: "custom-1",
  name: "Our model",
  provider: "self-hosted",
  scheme: "http",
  host: "localhost",
  port: 11_434,
  pathPrefix: "/api/chat",
  pageOrigin: null,
} as const;

interface AxeResult {
  readonly violations: readonly {
    readonly id: string;
    readonly nodes: readonly unknown[];
  }[];
}

async function violations(page: Page): Promise<readonly string[]> {
  await page.evaluate(AXE);
  const result = await page.evaluate(
    async () => await (globalThis as unknown as { axe: { run(): Promise<AxeResult> } }).axe.run(),
  );
  return result.violations.map(({ id, nodes }) => `${id}: ${JSON.stringify(nodes[0])}`);
}

let browser: Browser;
let backend: Backend;

beforeAll(async () => {
  browser = await Browser.launch();
  browser.context.setDefaultTimeout(10_000);
  backend = await Backend.start();
  await store(browser, {
    ...usualDays(),
    ...connected(backend.url, { language: "en", customProviders: [CUSTOM] }),
  });
});

afterAll(async () => {
  await browser?.close();
  await backend?.stop();
});

async function open(name: string, look: (typeof LOOKS)[number]): Promise<Page> {
  const page = await browser.context.newPage();
  await page.emulateMedia({ colorScheme: look });
  await page.goto(`chrome-extension://${browser.id}/${name}`);
  return await drawn(page);
}

describe.each(LOOKS)("in %s", (look) => {
  test.each(PAGES)("axe finds nothing on %s", async (name) => {
    const page = await open(name, look);
    if (name === "popup.html") {
      await page.getByText("From localhost").waitFor();
      for (const summary of await page.locator("summary").all()) await summary.click();
    }
    expect(await violations(page)).toEqual([]);
    await page.close();
  });

  test("axe finds nothing where something is wrong or asked", async () => {
    const page = await open("options.html", look);
    await page.getByLabel("Address", { exact: true }).first().fill("http://far.example");
    await page.getByRole("button", { name: "Save" }).first().click();
    await page.getByText("must use https").waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByRole("button", { name: "Clear history" }).click();
    await page.getByRole("dialog").waitFor();
    expect(await violations(page)).toEqual([]);
    await page.close();
  });
});

test("no page says or fails anything on the console", async () => {
  const said: string[] = [];
  for (const name of PAGES) {
    const page = await browser.context.newPage();
    page.on("console", (message) => said.push(message.text()));
    page.on("pageerror", (error) => said.push(error.message));
    await page.goto(`chrome-extension://${browser.id}/${name}`);
    await drawn(page);
    await page.close();
  }
  expect(said).toEqual([]);
});

test.each(["welcome.html", "options.html"])(
  "%s fits at 200 and 400 per cent zoom",
  async (name) => {
    const page = await open(name, "light");
    for (const width of [640, 320]) {
      await page.setViewportSize({ width, height: 400 });
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect(over, `at ${width} px`).toBeLessThanOrEqual(0);
    }
    await page.close();
  },
);

test("the popup at 200 per cent zoom is no wider than the browser allows, and cuts nothing off", async () => {
  const page = await open("popup.html", "light");
  await page.getByText("From localhost").waitFor();
  const size = await page.evaluate(() => ({
    body: document.body.getBoundingClientRect().width,
    content: document.body.scrollWidth,
  }));
  expect(size.body * 2).toBeLessThanOrEqual(800);
  expect(size.content).toBeLessThanOrEqual(Math.ceil(size.body));
  await page.close();
});

test("the keyboard alone reaches every control of the settings in the order they are read", async () => {
  const page = await open("options.html", "light");
  const wanted = await page.evaluate(() =>
    [...document.querySelectorAll("a[href], button, input, select, summary")]
      .filter((element) => element.checkVisibility() && !element.matches(":disabled"))
      .filter(
        (element) => element.closest("details:not([open])") === null || element.matches("summary"),
      )
      .map((element) => element.id || element.textContent),
  );
  const reached: (string | null)[] = [];
  for (let i = 0; i < wanted.length; i++) {
    await page.keyboard.press("Tab");
    reached.push(
      await page.evaluate(() => {
        const { activeElement: element } = document;
        return element === null ? null : element.id || element.textContent;
      }),
    );
  }
  expect(reached).toEqual(wanted);
  expect(wanted.length).toBeGreaterThan(40);
  await page.close();
});

test("the popup's periods change with the arrow keys, and its settings button with Enter", async () => {
  const page = await open("popup.html", "light");
  await page.getByText("25 calls").waitFor();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.press("ArrowRight");
  await page.getByText("90 calls").waitFor();
  await page.keyboard.press("ArrowLeft");
  await page.getByText("25 calls").waitFor();
  await page.keyboard.press("Shift+Tab");
  const opened = browser.context.waitForEvent("page");
  await page.keyboard.press("Enter");
  const settingsPage = await opened;
  expect(settingsPage.url()).toContain("options.html");
  await settingsPage.close();
  await page.close();
});

test("the list a person agrees to starts at its beginning and breaks no rule", async () => {
  await store(browser, settings({ language: "fr", backendUrl: backend.url, apiKey: KEY }));
  const page = await open("options.html", "light");
  await page.setViewportSize({ width: 640, height: 400 });
  await page.getByRole("switch").click();
  await page.getByText("Si vous acceptez").waitFor();
  const { top, bottom } = await page.getByText("Si vous acceptez").evaluate((text) => ({
    top: text.getBoundingClientRect().top,
    bottom: document.querySelector("dialog .actions")?.getBoundingClientRect().bottom ?? Infinity,
  }));
  expect(top).toBeGreaterThan(0);
  expect(bottom).toBeLessThanOrEqual(400);
  expect(await violations(page)).toEqual([]);
  await page.close();
});

test("a dialog keeps the focus, Enter is the harmless answer, Escape another no", async () => {
  await store(browser, { ...usualDays(), ...settings({ language: "en" }) });
  const page = await open("options.html", "light");
  for (const key of ["Enter", "Escape"]) {
    await page.getByRole("button", { name: "Clear history" }).focus();
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog", {
      name: "Delete the whole history?",
    });
    await dialog.waitFor();
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("Cancel");
    await page.keyboard.press(key);
    await dialog.waitFor({ state: "detached" });
  }
  const popup = await open("popup.html", "light");
  await popup.getByText("25 calls").waitFor();
  await popup.close();
  await page.close();
});
