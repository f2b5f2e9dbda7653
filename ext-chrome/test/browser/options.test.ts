/** The settings: each does what it says, asks before something is lost, and refuses in a sentence. */

import type { Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ALLOWED_KEYS } from "../../src/core/payload";
import { Browser } from "./launch";
import {
  Backend,
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

const HOSTILE = '<img src=x onerror="document.title=1">';
const EVENT = {
  event_id: "00000000-0000-4000-8000-000000000001",
  source: "ext-chrome",
  occurred_at: "2026-11-22T00:00:00.000Z",
  org_id: "acme",
  user_id: null,
  provider: "openai",
  request_model: "unknown",
  operation: "chat",
  http_status: 200,
  request_count: 1,
  input_tokens: null,
  output_tokens: null,
  usage_source: "missing",
  tags: {
    client: "ext-chrome/1.0.0",
    method: "per_call",
    confidence: "medium",
  },
};

let browser: Browser;
let backend: Backend;
let page: Page;

beforeAll(async () => {
  browser = await Browser.launch();
  browser.context.setDefaultTimeout(10_000);
  backend = await Backend.start();
  page = await browser.open("options.html");
});

afterAll(async () => {
  await browser?.close();
  await backend?.stop();
});

beforeEach(() => {
  backend.mood = "fine";
});

/** The settings page as it opens for someone with these values. */
async function start(values: Stored): Promise<void> {
  await store(browser, values);
  // Behind the welcome page, which opens by itself, frames are drawn once a second.
  await page.bringToFront();
  await page.reload();
  await drawn(page);
}

async function storedSettings(): Promise<Record<string, unknown>> {
  return (await stored(browser))["settings"] as Record<string, unknown>;
}

const save = () => page.locator("#connection").getByRole("button", { name: "Save" }).click();
const says = async (status: string, text: RegExp | string) =>
  await page.locator(status).getByText(text).waitFor();

describe("local only", () => {
  test("cannot be left before there is an address and a key", async () => {
    await start(settings({ language: "en" }));
    await page.getByRole("switch").click();
    await says("#privacy-status", "First enter and save");
    expect(await page.getByRole("switch").isChecked()).toBe(true);
  });

  test("is left only after the list of everything that is sent, and a yes to it", async () => {
    await start(
      settings({
        language: "en",
        backendUrl: backend.url,
        apiKey: KEY,
        orgId: "acme",
      }),
    );
    await page.getByRole("switch").click();
    const dialog = page.getByRole("dialog", {
      name: "Before anything is sent",
    });
    expect(await dialog.locator("code").allTextContents()).toEqual([...ALLOWED_KEYS]);
    await dialog.getByText(`to ${backend.host}, for the organisation acme`).waitFor();
    await dialog.getByRole("button", { name: "Stay local" }).click();
    await page.locator("#local-only:checked").waitFor();
    expect((await stored(browser))["consent"]).toBeUndefined();

    await page.getByRole("switch").click();
    await page.getByRole("button", { name: "Agree and send" }).click();
    await says("#sending", `Calls are reported to ${backend.host}. You agreed on`);
    expect((await storedSettings())["localOnly"]).toBe(false);
    expect((await stored(browser))["consent"]).toMatchObject({ version: 1 });
  });

  test("is entered again at once, or after asking where calls wait", async () => {
    const queue = {
      items: [EVENT],
      attempt: 0,
      notBefore: null,
      dropped: 0,
      pause: "refused_key",
    };
    await start({ ...connected(backend.url, { language: "en" }), queue });
    await page.getByRole("switch").click();
    await page.getByText("1 call waits to be sent and would be deleted").waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
    await page.locator("#local-only:not(:checked)").waitFor();
    await says("#sending", "1 call is waiting.");
    await page.getByRole("switch").click();
    await page.getByRole("button", { name: "Delete and stay local" }).click();
    await says("#sending", "Nothing is sent.");
    expect((await stored(browser))["queue"]).toMatchObject({ items: [] });
    expect((await stored(browser))["consent"]).toBeUndefined();
  });

  test("an administrator's values are shown, locked, and still need a person's consent", async () => {
    const policy = {
      localOnly: false,
      backendUrl: backend.url,
      orgId: "acme",
      apiKey: KEY,
    };
    await start({ ...settings({ language: "en", orgId: "mine" }), policy });
    await page.getByText("Your organisation has set some of these values").waitFor();
    expect(await page.getByRole("switch").isDisabled()).toBe(true);
    const org = page.getByLabel("Organisation id");
    expect([await org.isDisabled(), await org.inputValue()]).toEqual([true, "acme"]);
    expect(await page.getByLabel("Your user id").isDisabled()).toBe(false);
    expect(await page.getByRole("button", { name: "Remove key" }).isVisible()).toBe(false);
    await says("#sending", "you have not agreed to the list");
    // A preset address has no permission of the browser yet: it is asked for with the consent.
    await page.evaluate(() => {
      chrome.permissions.request = ({ origins }) => {
        document.body.dataset["asked"] = origins?.join();
        return Promise.resolve(false);
      };
    });
    await page.getByRole("button", { name: "Read what is sent" }).click();
    await page.getByRole("button", { name: "Agree and send" }).click();
    await says("#privacy-status", `did not allow access to ${backend.host}; nothing is sent`);
    expect(await page.locator("body").getAttribute("data-asked")).toBe(`${backend.url}/*`);
    expect((await stored(browser))["consent"]).toBeUndefined();
    await page.evaluate(() => {
      chrome.permissions.request = () => Promise.resolve(true);
    });
    await page.getByRole("button", { name: "Read what is sent" }).click();
    await page.getByRole("button", { name: "Agree and send" }).click();
    await says("#sending", "Calls are reported to");
    expect((await storedSettings())["orgId"]).toBe("mine");
    await page.getByRole("button", { name: "Withdraw my consent" }).click();
    await says("#sending", "you have not agreed to the list");
    expect((await stored(browser))["consent"]).toBeUndefined();
  });
});

describe("the organisation", () => {
  test("refuses an address that cannot be, in a sentence, and keeps the old one", async () => {
    await start(settings({ language: "en", backendUrl: "https://old.example" }));
    for (const [typed, sentence] of [
      ["http://far.example", "must use https"],
      ["localhost:0", "from 1 to 65535"],
      ["localhost:65536", "from 1 to 65535"],
      ["javascript:alert(1)", "from 1 to 65535"],
      ["ftp://files.example", "Only http and https"],
      ["https://a:b@far.example", "must not hold a user name"],
      ["<img src=x>", "characters that are not allowed"],
    ] as const) {
      await page.locator("#backend-url").fill(typed);
      await save();
      await says("#backend-url-problem", sentence);
      expect(await page.locator("#backend-url").getAttribute("aria-invalid")).toBe("true");
      expect((await storedSettings())["backendUrl"]).toBe("https://old.example");
    }
  });

  test("takes addresses as people write them", async () => {
    await start(settings({ language: "en" }));
    for (const [typed, address] of [
      ["localhost:3000", "http://localhost:3000"],
      ["[::1]:8080", "http://[::1]:8080"],
      ["EcoMind.Example.org./", "https://ecomind.example.org"],
    ] as const) {
      await page.locator("#backend-url").fill(typed);
      await save();
      await says("#connection-status", "Saved.");
      expect((await storedSettings())["backendUrl"]).toBe(address);
      expect(await page.locator("#backend-url").inputValue()).toBe(address);
    }
  });

  test("keeps the key out of the page, replaces it only by another, removes it", async () => {
    await start(settings({ language: "en", backendUrl: backend.url }));
    expect(await page.locator("#api-key").getAttribute("type")).toBe("password");
    await page.locator("#api-key").fill("my password");
    await save();
    await says("#api-key-problem", "This is not an EcoMind key");
    await page.locator("#api-key").fill(KEY);
    await save();
    await says("#connection-status", "Saved.");
    await page.getByText("A key is stored.").waitFor();
    await page.locator("#org-id").fill("acme");
    await save();
    await says("#connection-status", "Saved.");
    await page.reload();
    await page.getByText("A key is stored.").waitFor();
    expect(await storedSettings()).toMatchObject({
      apiKey: KEY,
      orgId: "acme",
    });
    const values = await page
      .locator("input")
      .evaluateAll((all) => all.map((input) => (input as HTMLInputElement).value).join());
    expect((await page.content()) + values).not.toContain(KEY);
    await page.getByRole("button", { name: "Remove key" }).click();
    await says("#connection-status", "The key is removed.");
    expect((await storedSettings())["apiKey"]).toBe("");
  });

  test("the test of a connection has a sentence for every outcome", async () => {
    await start(settings({ language: "en", backendUrl: backend.url, apiKey: KEY }));
    for (const [mood, sentence] of [
      ["fine", "is reachable and accepts the key"],
      ["refuses", "is reachable but refuses the key"],
      ["forbids", "it may not be used here"],
      ["breaks", "answers with an error. Try again later. (HTTP 503)"],
      ["stranger", "but it is not EcoMind"],
    ] as const) {
      backend.mood = mood;
      await page.getByRole("button", { name: "Test connection" }).click();
      await says("#connection-status", sentence);
    }
  });

  test("the test tells an address without a backend, a missing key and a missing address", async () => {
    await start(settings({ language: "en", backendUrl: backend.url }));
    const test = page.getByRole("button", { name: "Test connection" });
    await test.click();
    await says("#connection-status", "Enter a key to send");
    await page.locator("#backend-url").fill("localhost:1");
    await test.click();
    await says("#connection-status", "localhost:1 cannot be reached");
    await page.locator("#backend-url").fill("");
    await test.click();
    await says("#connection-status", "Enter an address first");
    expect((await storedSettings())["backendUrl"]).toBe(backend.url);
  });

  test("asks for consent anew where sending would go elsewhere", async () => {
    await start(connected(backend.url, { language: "en" }));
    await page.locator("#backend-url").fill("localhost:3999");
    await save();
    const dialog = page.getByRole("dialog", {
      name: "Before anything is sent",
    });
    await dialog.getByText("to localhost:3999").waitFor();
    await dialog.getByRole("button", { name: "Stay local" }).click();
    await dialog.waitFor({ state: "detached" });
    expect((await storedSettings())["backendUrl"]).toBe(backend.url);
  });
});

describe("services", () => {
  test("are switched off and on, in so many words", async () => {
    await start(settings({ language: "en" }));
    await page.getByRole("checkbox", { name: "ChatGPT" }).uncheck();
    await says("#services-status", "ChatGPT is no longer counted.");
    expect((await storedSettings())["disabledProviders"]).toEqual(["openai-web"]);
    await page.getByRole("checkbox", { name: "ChatGPT" }).check();
    await says("#services-status", "ChatGPT is counted.");
    expect((await storedSettings())["disabledProviders"]).toEqual([]);
  });

  test("of one's own are added and removed with the keyboard alone", async () => {
    await start(settings({ language: "en" }));
    await page.locator("#custom-name").focus();
    for (const text of [HOSTILE, "localhost:11434", "/api/chat"]) {
      await page.keyboard.type(text);
      await page.keyboard.press("Tab");
    }
    await page.keyboard.press("Enter");
    await says("#custom-status", `${HOSTILE} is added and counted.`);
    expect((await storedSettings())["customProviders"]).toMatchObject([
      {
        name: HOSTILE,
        scheme: "http",
        host: "localhost",
        port: 11_434,
        pathPrefix: "/api/chat",
      },
    ]);
    await page.getByText("http://localhost:11434/api/chat").waitFor();
    expect(await page.locator("main img").count()).toBe(0);
    expect(await page.title()).toBe("EcoMind settings");
    await page.getByRole("button", { name: `Remove ${HOSTILE}` }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Shift+Tab");
    await page.keyboard.press("Enter");
    await says("#custom-status", "is removed and its permission given back");
    expect((await storedSettings())["customProviders"]).toEqual([]);
  });

  test("that cannot be are refused at the field that is wrong", async () => {
    await start(settings({ language: "en" }));
    for (const [name, address, path, field, sentence] of [
      ["", "localhost", "/", "#custom-name", "Please fill this in"],
      ["Ours", "localhost:99999", "/", "#custom-address", "from 1 to 65535"],
      ["Ours", "ai.example.org/chat", "/", "#custom-address", "Only host and port"],
      ["Ours", "http://ai.example.org", "/", "#custom-address", "must use https"],
      ["Ours", "ai.example.org", "/a?b", "#custom-path", "A path begins with /"],
    ] as const) {
      await page.locator("#custom-name").fill(name);
      await page.locator("#custom-address").fill(address);
      await page.locator("#custom-path").fill(path);
      await page.getByRole("button", { name: "Add a service" }).click();
      await says(`${field}-problem`, sentence);
    }
    expect((await storedSettings())["customProviders"]).toBeUndefined();
  });
});

describe("estimates", () => {
  test("take one's own values, zero included, and go back to the published ones", async () => {
    await start(settings({ language: "en" }));
    await page.getByLabel("Service", { exact: true }).selectOption("anthropic-web");
    await page.getByLabel("Energy per call, kWh").fill("0,002");
    await page.getByLabel("Water, L per kWh").fill("0");
    await page.getByLabel(/already contains cooling/).check();
    await page.locator("#parameters").getByRole("button", { name: "Save" }).click();
    await says("#parameters-status", "Saved.");
    expect((await storedSettings())["parameters"]).toEqual({
      "anthropic-web": {
        kwhPerCall: 0.002,
        includesPue: true,
        pue: null,
        waterLPerKwh: 0,
        co2eKgPerKwh: null,
      },
    });
    await page.getByRole("button", { name: "Back to the published values" }).click();
    await says("#parameters-status", "Claude: published values are in use.");
    expect((await storedSettings())["parameters"]).toEqual({});
    expect(await page.getByLabel("Energy per call, kWh").inputValue()).toBe("");
  });

  test("refuse what is no number or not possible", async () => {
    await start(settings({ language: "en" }));
    await page.getByLabel("PUE, at least 1").fill("0.9");
    await page.getByLabel("CO₂e, kg per kWh").fill("a lot");
    await page.locator("#parameters").getByRole("button", { name: "Save" }).click();
    await says("#parameter-pue-problem", "outside what is possible");
    await says("#parameter-co2eKgPerKwh-problem", "This is not a number");
    expect((await storedSettings())["parameters"]).toBeUndefined();
  });
});

test("the language changes every text, and stays", async () => {
  await start(settings({ language: "en" }));
  await page.getByLabel("Language of EcoMind").selectOption("de");
  await page.getByRole("heading", { name: "EcoMind-Einstellungen" }).waitFor();
  expect((await storedSettings())["language"]).toBe("de");
  await page.getByLabel("Sprache von EcoMind").selectOption("fr");
  await page.getByRole("heading", { name: "Réglages d’EcoMind" }).waitFor();
  expect(await page.locator("html").getAttribute("lang")).toBe("fr");
});

test("what a person is doing survives a change elsewhere and a counted call", async () => {
  const custom = {
    id: "custom-1",
    name: "Ours",
    provider: "self-hosted",
    scheme: "http",
    host: "localhost",
    port: null,
    pathPrefix: "/",
    pageOrigin: null,
  } as const;
  await start({ ...usualDays(), ...connected(backend.url, { customProviders: [custom] }) });
  await page.locator("#org-id").fill("half-typ");
  await page.getByRole("checkbox", { name: "Gemini", exact: false }).first().uncheck();
  await says("#services-status", "is no longer counted");
  expect(await page.locator("#org-id").inputValue()).toBe("half-typ");

  const remove = page.getByRole("button", { name: "Remove Ours" });
  await remove.focus();
  const worker = await browser.worker();
  await worker.evaluate(async (changes) => await chrome.storage.local.set(changes), {
    [`day:${today()}`]: { entries: [] },
    queue: { items: [EVENT], attempt: 0, notBefore: null, dropped: 0, pause: null },
  });
  await says("#sending", "1 call is waiting.");
  expect(await remove.evaluate((button) => button === document.activeElement)).toBe(true);
});
