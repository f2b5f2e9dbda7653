/**
 * The built extension in the system's Chromium.
 *
 * Belongs here: starting and stopping browsers, waking and killing the worker, reading what is
 * stored. Does not belong here: expectations.
 */

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type BrowserContext,
  type CDPSession,
  chromium,
  type Page,
  type Worker,
} from "playwright-core";
import type { Ledger } from "../../src/core/types";

export const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find(existsSync);
/** Hosts of the tests are granted here, since nobody can answer a permission prompt. */
export const DIST = fileURLToPath(new URL("../../dist-e2e", import.meta.url));
/** What people install. */
export const RELEASE = fileURLToPath(new URL("../../dist", import.meta.url));

export interface LaunchOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly dist?: string;
}

/** One browser with a fresh profile and the extension. */
export class Browser {
  private constructor(
    readonly context: BrowserContext,
    readonly id: string,
    private readonly profile: string,
  ) {}

  static async launch({ args = [], env = {}, dist = DIST }: LaunchOptions = {}): Promise<Browser> {
    if (CHROMIUM === undefined) throw new Error("Chromium is not installed");
    const profile = mkdtempSync(join(tmpdir(), "ecomind-extension-"));
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: CHROMIUM,
      headless: true,
      args: [
        `--disable-extensions-except=${dist}`,
        `--load-extension=${dist}`,
        "--ignore-certificate-errors",
        "--no-sandbox",
        ...args,
      ],
      env: { ...(process.env as Record<string, string>), ...env },
    });
    const worker = context.serviceWorkers()[0] ?? (await context.waitForEvent("serviceworker"));
    return new Browser(context, new URL(worker.url()).host, profile);
  }

  async close(): Promise<void> {
    await this.context.close();
    rmSync(this.profile, { recursive: true, force: true });
  }

  /** Close the browser and look for a text in what the extension left on the disk. */
  async closeAndFind(text: string): Promise<readonly string[]> {
    await this.context.close();
    const folder = join(this.profile, "Default");
    const found = readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => /extension/i.test(name))
      .filter((name) => statSync(join(folder, name)).isFile())
      .filter((name) => readFileSync(join(folder, name)).includes(text));
    rmSync(this.profile, { recursive: true, force: true });
    return found;
  }

  /** A page of the extension, such as `options.html`. */
  async open(name: string): Promise<Page> {
    const page = await this.context.newPage();
    await page.goto(`chrome-extension://${this.id}/${name}`);
    return page;
  }

  /** The worker, awake. */
  async worker(): Promise<Worker> {
    return this.context.serviceWorkers()[0] ?? (await this.context.waitForEvent("serviceworker"));
  }

  /** Stop the worker as the browser does when it is idle; the next event wakes it. */
  async stopWorker(page: Page): Promise<void> {
    const session: CDPSession = await this.context.newCDPSession(page);
    await session.send("ServiceWorker.enable");
    await session.send("ServiceWorker.stopAllWorkers");
    await session.detach();
  }
}

/** Everything the extension keeps, as one of its pages sees it. */
export async function stored(page: Page): Promise<Record<string, unknown>> {
  return await page.evaluate(async () => ({
    ...(await chrome.storage.local.get(null)),
    ...(await chrome.storage.session.get(null)),
  }));
}

/** Calls of all time by provider. */
export async function counted(page: Page): Promise<Record<string, number>> {
  const { total } = (await stored(page)) as { total?: Ledger };
  const calls: Record<string, number> = {};
  for (const { providerId, sums } of total?.entries ?? []) {
    calls[providerId] = (calls[providerId] ?? 0) + sums.calls;
  }
  return calls;
}

/** Fire an alarm of the worker's now, as time would. */
export async function fireAlarm(page: Page, name: string): Promise<void> {
  await page.evaluate((alarm) => chrome.alarms.create(alarm, { when: Date.now() + 10 }), name);
}

/** POST from a page as its own scripts do; resolves at the end of the answer, to its status. */
export async function post(page: Page, url: string, body = "x"): Promise<number> {
  return await page.evaluate(
    async ([to, text]) => {
      const response = await fetch(to ?? "", { method: "POST", body: text ?? "" });
      await response.arrayBuffer();
      return response.status;
    },
    [url, body],
  );
}
