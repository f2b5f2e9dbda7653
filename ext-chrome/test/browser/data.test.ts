/** A person's data: taken away, brought back, deleted; a bad file changes nothing. */

import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Browser } from "./launch";
import {
  connected,
  drawn,
  KEY,
  type Stored,
  settings,
  store,
  stored,
  today,
  usualDays,
} from "./person";

let browser: Browser;
let page: Page;

beforeAll(async () => {
  browser = await Browser.launch();
  browser.context.setDefaultTimeout(10_000);
  page = await browser.open("options.html");
});

afterAll(async () => {
  await browser?.close();
});

async function start(values: Stored): Promise<void> {
  await store(browser, values);
  // Behind the welcome page, which opens by itself, frames are drawn once a second.
  await page.bringToFront();
  await page.reload();
  await drawn(page);
}

async function exported(button: string): Promise<{ name: string; text: string }> {
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: button }).click();
  const file = await download;
  return {
    name: file.suggestedFilename(),
    text: readFileSync(await file.path(), "utf8"),
  };
}

async function choose(name: string, text: string): Promise<void> {
  await page.locator("#import-file").setInputFiles({
    name,
    mimeType: "application/json",
    buffer: Buffer.from(text),
  });
}

const says = async (text: RegExp | string) =>
  await page.locator("#data-status").getByText(text).waitFor();
const answer = async (name: string) =>
  await page.getByRole("dialog").getByRole("button", { name }).click();

test("settings and history leave as files without the key and come back as they were", async () => {
  const values = {
    ...usualDays(),
    ...connected("https://ecomind.example.org", {
      language: "en",
      disabledProviders: ["xai-web"],
    }),
  };
  await start(values);
  const history = await exported("History (JSON)");
  const chosen = await exported("Settings (JSON)");
  expect([history.name, chosen.name]).toEqual([
    `ecomind-${today()}-history.json`,
    `ecomind-${today()}-settings.json`,
  ]);
  expect(history.text + chosen.text).not.toContain(KEY);

  await start(settings({ language: "en", apiKey: KEY }));
  await choose(history.name, history.text);
  await page.getByText(`${history.name} holds 6 days.`).waitFor();
  await answer("Import");
  await says("Imported.");
  await choose(chosen.name, chosen.text);
  await page.getByText("Replace the settings?").waitFor();
  await answer("Import");
  await says("Imported.");
  const after = await stored(browser);
  const { settings: _, consent: __, ...days } = values;
  expect(after).toMatchObject(days);
  expect(after["settings"]).toMatchObject({
    backendUrl: "https://ecomind.example.org",
    disabledProviders: ["xai-web"],
    apiKey: KEY,
    localOnly: true,
  });
  expect(after["consent"]).toBeUndefined();
});

test("the history leaves as a table, too", async () => {
  await start({ ...usualDays(), ...settings({ language: "en" }) });
  const { name, text } = await exported("History for a spreadsheet");
  expect(name).toBe(`ecomind-${today()}-history.csv`);
  const lines = text.trimEnd().split("\r\n");
  expect(lines[0]).toMatch(/^day,provider,model,calls,.*energy_low_kwh/);
  expect(lines).toHaveLength(1 + 13);
});

const BAD_FILES = [
  ["nothing", "", "This file is not JSON"],
  ["half a file", '{"format":', "This file is not JSON"],
  ["another program's file", '{"hello":[1]}', "not an EcoMind export"],
  ["a list", "[[]]", "not an EcoMind export"],
  ["a newer version", '{"format":"ecomind-extension-history","version":9}', "newer EcoMind"],
  [
    "a damaged history",
    `{"format":"ecomind-extension-history","version":1,"days":[{"day":"2026-13-01","entries":[]}],"total":{"entries":[]}}`,
    "history in this file is damaged",
  ],
  [
    "hostile settings",
    `{"format":"ecomind-extension-settings","version":1,"settings":{"backendUrl":"javascript:alert(1)"}}`,
    "Nothing was changed.",
  ],
] as const;

test("a bad file is refused in a sentence and changes nothing", async () => {
  const values = { ...usualDays(), ...settings({ language: "en" }) };
  await start(values);
  for (const [what, text, sentence] of BAD_FILES) {
    await choose("<b>file</b>.json", text);
    await says(sentence);
    expect(await stored(browser), what).toEqual(values);
    expect(await page.locator("#import-file").inputValue()).toBe("");
  }
});

test("a no to the question changes nothing", async () => {
  const values = { ...usualDays(), ...settings({ language: "en" }) };
  await start(values);
  const { name, text } = await exported("History (JSON)");
  await store(browser, { ...settings({ language: "en" }) });
  await choose(name, text);
  await answer("Cancel");
  for (const button of ["Reset today", "Clear history"]) {
    await page.getByRole("button", { name: button }).click();
    await answer("Cancel");
  }
  expect(await stored(browser)).toEqual(settings({ language: "en" }));
});

test("today and the whole history are deleted apart", async () => {
  const before = usualDays();
  await start({ ...before, ...settings({ language: "en" }) });
  await page.getByRole("button", { name: "Reset today" }).click();
  await answer("Delete");
  await says("Today starts again from zero.");
  const kept = Object.keys(before).filter((key) => key !== `day:${today()}`);
  expect(Object.keys(await stored(browser)).sort()).toEqual([...kept, "settings"].sort());

  await page.getByRole("button", { name: "Clear history" }).click();
  await answer("Delete");
  await says("The history is deleted.");
  expect(await stored(browser)).toEqual(settings({ language: "en" }));
});
