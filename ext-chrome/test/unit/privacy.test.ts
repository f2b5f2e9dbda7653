import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildInto, zipOf } from "../../build.mjs";
import { FIELD_NAMES } from "../support/contents";

const ROOT = new URL("../../", import.meta.url).pathname;
const ZIP_MAX = 300_000;

/** What a source may not hold, and why. */
const FORBIDDEN: readonly (readonly [RegExp, string])[] = [
  [
    /innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|setHTML/,
    "text is shown as text only",
  ],
  [/\beval\s*\(|new Function\b|setTimeout\(\s*["'`]/, "no code is made of text"],
  [
    /requestBody|extraHeaders|requestHeaders|responseHeaders|onBeforeRequest|onBeforeSendHeaders/,
    "no content and no headers of requests",
  ],
  [
    /filterResponseData|scripting\.|tabs\.query|cookies\.|history\.search|debugger\./,
    "no other eyes",
  ],
  [/\bXMLHttpRequest\b|\bsendBeacon\b|\bWebSocket\(|EventSource\(/, "one way out: platform/net.ts"],
  [/world:\s*["']MAIN["']/, "no script in the page's own world"],
  [/Math\.random\(\)\s*[*+]/, "no invented figures"],
];

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
}

const SOURCES = filesBelow(join(ROOT, "src")).filter((path) => path.endsWith(".ts"));

describe("the sources", () => {
  it.each(FORBIDDEN)("hold no %s: %s", (pattern) => {
    const found = SOURCES.filter((path) => pattern.test(readFileSync(path, "utf8")));
    expect(found).toEqual([]);
  });

  it("fetch and read answers in one file only", () => {
    const found = SOURCES.filter((path) =>
      /\bfetch\(|\.json\(\)|\.text\(\)|\.arrayBuffer\(\)|getReader\(/.test(
        readFileSync(path, "utf8"),
      ),
    );
    // A file that the person chose is read by its own text().
    const network = found.filter((path) => !path.includes("/ui/"));
    expect(network.map((path) => path.slice(ROOT.length))).toEqual(["src/platform/net.ts"]);
    for (const path of found.filter((one) => one.includes("/ui/"))) {
      expect(readFileSync(path, "utf8")).not.toMatch(/\bfetch\(|getReader\(/);
    }
  });

  it("keep core free of the browser", () => {
    const found = SOURCES.filter((path) => path.includes("/core/")).filter((path) => {
      const text = readFileSync(path, "utf8").replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
      return /\bchrome\.|\bdocument\.|\bwindow\.|navigator\.|from "\.\.\/(platform|ui|content)/.test(
        text,
      );
    });
    expect(found).toEqual([]);
  });

  it("keep the content script away from the page", () => {
    const text = readFileSync(join(ROOT, "src/content/timing.ts"), "utf8");
    expect(text).not.toMatch(/\bdocument\b|\bwindow\b|querySelector|MutationObserver|localStorage/);
  });

  it("send no field of the contract that could hold content", () => {
    const payload = readFileSync(join(ROOT, "src/core/payload.ts"), "utf8");
    for (const name of FIELD_NAMES) expect(payload).not.toMatch(new RegExp(`\\b${name}\\b:`));
  });

  it("say in every file what belongs in it", () => {
    const silent = SOURCES.filter((path) => !/belongs here:/i.test(readFileSync(path, "utf8")));
    expect(silent).toEqual([]);
  });

  it("are short", () => {
    const long = SOURCES.filter((path) => readFileSync(path, "utf8").split("\n").length > 400);
    expect(long).toEqual([]);
  });
});

describe("the package", () => {
  const folders: string[] = [];
  let dist = "";

  beforeAll(async () => {
    for (let i = 0; i < 2; i++) {
      const folder = mkdtempSync(join(tmpdir(), "ecomind-build-"));
      folders.push(folder);
      await buildInto(folder);
    }
    dist = folders[0] ?? "";
  });
  afterAll(() => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });

  it("is the same twice, to the byte, and small", () => {
    const [one, other] = folders.map((folder) => zipOf(folder));
    expect(Buffer.compare(Buffer.from(one ?? []), Buffer.from(other ?? []))).toBe(0);
    expect(one?.length).toBeLessThan(ZIP_MAX);
    expect(one?.length).toBeGreaterThan(10_000);
  });

  it("asks for these permissions and no others", () => {
    const manifest = JSON.parse(readFileSync(join(dist, "manifest.json"), "utf8"));
    const { icons: _, action: __, ...rest } = manifest;
    expect(rest).toMatchSnapshot();
    const text = JSON.stringify(manifest);
    for (const never of [
      "<all_urls>",
      "*://",
      "scripting",
      '"tabs"',
      "cookies",
      "unlimited",
      "unsafe",
      "debugger",
    ]) {
      expect(text).not.toContain(never);
    }
    expect(manifest.version).toBe(
      JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")).version,
    );
    expect(manifest).not.toHaveProperty("web_accessible_resources");
    expect(manifest).not.toHaveProperty("externally_connectable");
  });

  it("holds no forbidden word and no address of anybody else", () => {
    const scripts = filesBelow(dist).filter((path) => path.endsWith(".js"));
    expect(scripts.map((path) => path.slice(dist.length + 1)).sort()).toEqual([
      "background.js",
      "options.js",
      "popup.js",
      "timing.js",
      "welcome.js",
    ]);
    for (const path of scripts) {
      const text = readFileSync(path, "utf8");
      for (const [pattern] of FORBIDDEN) expect(text).not.toMatch(pattern);
    }
    const background = readFileSync(join(dist, "background.js"), "utf8");
    const sources = new Set(
      (
        JSON.parse(readFileSync(join(ROOT, "src/generated/defaults.json"), "utf8")).sources as {
          source_url: string;
        }[]
      ).map(({ source_url }) => new URL(source_url).host),
    );
    const hosts = [...background.matchAll(/https?:\/\/([a-z0-9.[\]:-]+)/gi)].map(
      ([, host]) => host,
    );
    const others = hosts.filter((host) => host !== "h" && !sources.has(host ?? ""));
    expect(others).toEqual([]);
  });

  it("has a content script of less than 1 kB", () => {
    expect(statSync(join(dist, "timing.js")).size).toBeLessThan(1024);
  });

  it("offers administrators exactly the settings that can be preset", async () => {
    const schema = JSON.parse(readFileSync(join(dist, "managed_schema.json"), "utf8"));
    const { readPolicy } = await import("../../src/core/settings");
    const preset = {
      localOnly: false,
      backendUrl: "https://a.test",
      figuresUrl: "https://b.test",
      orgId: "acme",
      userId: "ada",
      apiKey: "eco_pub_1",
    };
    expect(Object.keys(schema.properties).sort()).toEqual(Object.keys(preset).sort());
    expect(readPolicy(preset)).toEqual(preset);
  });

  it("is locked without the host of a registry", () => {
    const lock = readFileSync(join(ROOT, "package-lock.json"), "utf8");
    expect(lock).not.toContain('"resolved"');
    const { packages } = JSON.parse(lock) as { packages: Record<string, { integrity?: string }> };
    const unlocked = Object.entries(packages).filter(
      ([name, one]) => name !== "" && !one.integrity,
    );
    expect(unlocked).toEqual([]);
    const { devDependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    for (const version of Object.values(devDependencies))
      expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  });
});

describe("the rules of the compiler", () => {
  it("are the strict ones", () => {
    const { compilerOptions } = JSON.parse(readFileSync(join(ROOT, "tsconfig.json"), "utf8"));
    expect(compilerOptions).toMatchObject({
      strict: true,
      noUncheckedIndexedAccess: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
    });
  });
});
