/**
 * The built extension in the system's Chromium.
 *
 * Belongs here: starting and stopping browsers, waking and killing the worker, reading what is
 * stored. Does not belong here: expectations.
 */

import { existsSync, mkdtempSync, rmSync } from "node:fs";
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

export const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find(existsSync);
export const DIST = fileURLToPath(new URL("../../dist-e2e", import.meta.url));

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
