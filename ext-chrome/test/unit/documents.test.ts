/** What the documents promise is what the program does. */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unzipSync } from "fflate";
import { expect, test } from "vitest";
import { buildInto, zipOf } from "../../build.mjs";
import { ALLOWED_KEYS } from "../../src/core/payload";
import { originsOf, PROVIDERS } from "../../src/core/providers";
import { CONSENT_VERSION } from "../../src/core/settings";

const ROOT = join(import.meta.dirname, "../..");
const read = (name: string): string => readFileSync(join(ROOT, name), "utf8");

/** The cells of the table below a heading that begins so. */
function rowsBelow(text: string, head: string): readonly (readonly string[])[] {
  const lines = text.slice(text.indexOf(head)).split("\n").slice(2);
  const end = lines.findIndex((line) => !line.startsWith("|"));
  return lines.slice(0, end).map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

test("the README names every service, its hosts, and which are asked for", () => {
  const told = rowsBelow(read("README.md"), "| service |").map(([service, hosts, counts]) => [
    service,
    hosts,
    counts?.startsWith("at least"),
  ]);
  expect(told).toEqual(
    PROVIDERS.map(({ label, hosts, isBuiltIn, rules }) => [
      isBuiltIn ? label : `${label} (asks)`,
      hosts.map((host) => `\`${host}\``).join(", "),
      rules.some((rule) => rule.isHandshake),
    ]),
  );
});

test("the privacy page names exactly what may be sent, and the version of the consent", () => {
  const text = read("PRIVACY.md");
  const told = rowsBelow(text, "| field |").map(([field]) => field);
  expect(told).toEqual(ALLOWED_KEYS.map((key) => `\`${key}\``));
  expect(text).toContain(`Version ${CONSENT_VERSION} of the promise`);
});

test("the privacy page names every site whose answers are timed", () => {
  const timed = PROVIDERS.filter(({ timing, isBuiltIn }) => timing !== null && isBuiltIn);
  const told = /On ([^.]*?) a\s+script reads/.exec(read("PRIVACY.md"))?.[1];
  expect(told?.split(/,\s+|\s+and\s+/)).toEqual(timed.map(({ label }) => label));
});

test("the store's page justifies every permission and every host", () => {
  const manifest = JSON.parse(read("manifest.base.json")) as { permissions: string[] };
  const told = rowsBelow(read("STORE.md"), "| permission |").map(([name]) => name ?? "");
  for (const permission of manifest.permissions) expect(told).toContain(`\`${permission}\``);
  const hosts = PROVIDERS.filter(({ isBuiltIn }) => isBuiltIn)
    .flatMap((provider) => originsOf(provider))
    .map((origin) => new URL(origin.replace("/*", "")).host);
  const justified = told.find((name) => name.startsWith("hosts:")) ?? "";
  expect([...justified.matchAll(/`([^`]+)`/g)].map(([, host]) => host)).toEqual([
    ...new Set(hosts),
  ]);
});

test("the zip is what the store takes: no key, the manifest otherwise the same", async () => {
  const folder = mkdtempSync(join(tmpdir(), "ecomind-dist-"));
  const { key, ...manifest } = (await buildInto(folder)) as Record<string, unknown>;
  const files = unzipSync(zipOf(folder));
  rmSync(folder, { recursive: true });
  expect(key).toBeTypeOf("string");
  expect(JSON.parse(new TextDecoder().decode(files["manifest.json"]))).toEqual(manifest);
});
