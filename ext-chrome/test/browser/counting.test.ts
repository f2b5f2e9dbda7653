/** What people install, in a real browser, against services played on this machine: exact counts. */

import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Browser, counted, post, RELEASE, stored } from "./launch";
import { Providers } from "./providers";

const CLAUDE = "https://claude.ai/api/organizations/0a/chat_conversations/1b";
const GEMINI = "_/BardChatUi/data/assistant.lamda.BardFrontendService/StreamGenerate";
const CALLS: readonly (readonly [string, string])[] = [
  ["openai-web", "https://chatgpt.com/backend-api/f/conversation"],
  ["anthropic-web", `${CLAUDE}/completion`],
  ["google-web", `https://gemini.google.com/${GEMINI}?bl=x`],
  ["perplexity-web", "https://www.perplexity.ai/rest/sse/perplexity_ask"],
  ["mistral-web", "https://chat.mistral.ai/api/chat"],
  ["deepseek-web", "https://chat.deepseek.com/api/v0/chat/completion"],
  ["xai-web", "https://grok.com/rest/app-chat/conversations/new"],
  ["huggingface-web", "https://huggingface.co/chat/conversation/0123456789abcdef01234567"],
];

let providers: Providers;
let browser: Browser;
let desk: Page;
/** What has been counted so far; every test adds what it must add, and nothing else may be there. */
const expected: Record<string, number> = {};

beforeAll(async () => {
  providers = await Providers.start();
  browser = await Browser.launch({ dist: RELEASE, args: [providers.resolverRules] });
  desk = await browser.open("options.html");
});

afterAll(async () => {
  await browser?.close();
  await providers?.stop();
});

async function pageAt(url: string): Promise<Page> {
  const page = await browser.context.newPage();
  await page.goto(new URL("/", url).href);
  return page;
}

/** The counts are exactly the expected ones, now and after a call that comes after all others. */
async function expectCounts(added: Record<string, number>): Promise<void> {
  const last = "openai-web";
  for (const [id, calls] of Object.entries({ ...added, [last]: (added[last] ?? 0) + 1 })) {
    expected[id] = (expected[id] ?? 0) + calls;
  }
  const page = await pageAt("https://chatgpt.com");
  await post(page, "https://chatgpt.com/backend-api/conversation");
  await page.close();
  await expect.poll(async () => await counted(desk)).toEqual(expected);
}

it("counts every web service once", async () => {
  for (const [, url] of CALLS) {
    const page = await pageAt(url);
    expect(await post(page, url)).toBe(200);
    await page.close();
  }
  await expectCounts(Object.fromEntries(CALLS.map(([id]) => [id, 1])));
});

it("counts a WebSocket once, as at least one call", async () => {
  const page = await pageAt("https://copilot.microsoft.com");
  await page.evaluate(async () => {
    const socket = new WebSocket("wss://copilot.microsoft.com/c/api/chat?api-version=2");
    await new Promise((opened) => socket.addEventListener("open", opened));
    socket.send("one");
    socket.send("two");
  });
  await page.close();
  await expectCounts({ "microsoft-web": 1 });
  const { total } = (await stored(desk)) as {
    total: { entries: { providerId: string; sums: { lowConfidenceCalls: number } }[] };
  };
  const copilot = total.entries.find(({ providerId }) => providerId === "microsoft-web");
  expect(copilot?.sums.lowConfidenceCalls).toBe(1);
});

it("counts a second try, and a second account", async () => {
  const claude = await pageAt(CLAUDE);
  await post(claude, `${CLAUDE}/completion`);
  await post(claude, `${CLAUDE}/retry_completion`);
  await claude.close();
  const gemini = await pageAt("https://gemini.google.com");
  await post(gemini, `https://gemini.google.com/u/1/${GEMINI}`);
  await gemini.close();
  await expectCounts({ "anthropic-web": 2, "google-web": 1 });
});

it("counts nothing that is refused, prepared, resumed or read", async () => {
  providers.behaviours.set("/retry_completion", { status: 429 });
  const page = await pageAt(CLAUDE);
  expect(await post(page, `${CLAUDE}/retry_completion`)).toBe(429);
  await post(page, `${CLAUDE}/title`);
  await page.goto("https://chatgpt.com/");
  await post(page, "https://chatgpt.com/backend-api/f/conversation/prepare");
  await post(page, "https://chatgpt.com/backend-api/f/conversation/resume");
  await page.evaluate(() => fetch("/backend-api/conversation"));
  await page.goto("https://chat.deepseek.com/");
  await post(page, "https://chat.deepseek.com/api/v0/chat/stop_stream");
  await page.close();
  providers.behaviours.clear();
  await expectCounts({});
});

it("counts a call that is stopped, and one whose tab is closed", async () => {
  providers.behaviours.set("/completion", { pieces: Array(100).fill("data: a\n\n"), pauseMs: 100 });
  const page = await pageAt(CLAUDE);
  await page.evaluate(async (url) => {
    const stop = new AbortController();
    const response = await fetch(url, { method: "POST", body: "x", signal: stop.signal });
    await response.body?.getReader().read();
    stop.abort();
  }, `${CLAUDE}/completion`);
  await page.evaluate(async (url) => {
    await fetch(url, { method: "POST", body: "x" });
  }, `${CLAUDE}/completion`);
  await page.close();
  providers.behaviours.clear();
  await expectCounts({ "anthropic-web": 2 });
});

it("counts a call of a page's own worker", async () => {
  const page = await pageAt(CLAUDE);
  await page.evaluate(async (url) => {
    const code = `fetch("${url}", { method: "POST", body: "x" }).then(() => postMessage(1))`;
    const worker = new Worker(URL.createObjectURL(new Blob([code])));
    await new Promise((done) => worker.addEventListener("message", done));
  }, `${CLAUDE}/completion`);
  await page.close();
  await expectCounts({ "anthropic-web": 1 });
});

it("counts nothing that another site's page asks for, nor a host that looks alike", async () => {
  const page = await pageAt("https://unrelated.test");
  expect(await post(page, `${CLAUDE}/completion`)).toBe(200);
  expect(await post(page, "https://api.openai.com/v1/chat/completions")).toBe(200);
  for (const host of ["evil-chatgpt.com", "chatgpt.com.evil.test"]) {
    await page.goto(`https://${host}/`);
    expect(await post(page, `https://${host}/backend-api/conversation`)).toBe(200);
  }
  await page.close();
  await expectCounts({});
});

it("shows the count of today on the badge, and cannot be read by pages", async () => {
  const calls = Object.values(expected).reduce((sum, one) => sum + one, 0);
  const badge = () => desk.evaluate(() => chrome.action.getBadgeText({}));
  await expect.poll(badge).toBe(String(calls));
  const page = await pageAt(CLAUDE);
  expect(await page.evaluate(() => typeof chrome === "object" && "storage" in chrome)).toBe(false);
  await page.close();
});
