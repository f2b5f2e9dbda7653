/** The texts: the same ones in every language, each used, none missing. */

import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import de from "../../public/_locales/de/messages.json";
import en from "../../public/_locales/en/messages.json";
import fr from "../../public/_locales/fr/messages.json";
import { ALLOWED_KEYS } from "../../src/core/payload";

type Messages = Readonly<Record<string, { readonly message: string }>>;
const LANGUAGES: Readonly<Record<string, Messages>> = { en, fr, de };
const KEYS = Object.keys(en);
const ROOT = join(import.meta.dirname, "../..");

function textOf(messages: Messages, key: string): string {
  return messages[key]?.message ?? "";
}

function gapsOf(text: string): readonly string[] {
  return [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? "").sort();
}

/** Every file that may name a text. */
function sources(): string {
  const below = (folder: string): string[] =>
    readdirSync(join(ROOT, folder), { recursive: true })
      .map((name) => join(ROOT, folder, String(name)))
      .filter((path) => statSync(path).isFile() && /\.(ts|html)$/.test(path));
  const files = [...below("src/ui"), ...below("public"), join(ROOT, "manifest.base.json")];
  return files.map((path) => readFileSync(path, "utf8")).join("\n");
}

describe.each(Object.entries(LANGUAGES))("the texts in %s", (language, messages) => {
  test("are the English ones, in the same order", () => {
    expect(Object.keys(messages)).toEqual(KEYS);
  });

  test("have the gaps of the English ones", () => {
    const different = KEYS.filter(
      (key) => String(gapsOf(textOf(messages, key))) !== String(gapsOf(textOf(en, key))),
    );
    expect(different).toEqual([]);
  });

  test("are written: none empty, no stray blanks, no markup, no typewriter quotes", () => {
    const bad = KEYS.filter((key) => {
      const text = textOf(messages, key);
      return text === "" || text !== text.trim() || /\s\s|&\w+;|\$\w+\$|['"]|<\w/.test(text);
    });
    expect(bad).toEqual([]);
  });

  test("fit the store's fields", () => {
    expect(textOf(messages, "extension_name").length).toBeLessThanOrEqual(75);
    expect(textOf(messages, "extension_short_name").length).toBeLessThanOrEqual(12);
    expect(textOf(messages, "extension_description").length).toBeLessThanOrEqual(132);
  });

  test("are translated", () => {
    const sentences = KEYS.filter((key) => textOf(en, key).split(" ").length > 3);
    const left = sentences.filter((key) => textOf(messages, key) === textOf(en, key));
    expect(left).toEqual(language === "en" ? sentences : []);
  });
});

test("French punctuation stands apart and does not wrap", () => {
  const wraps = KEYS.filter((key) => / [;?!:»](\s|$)|« /.test(textOf(fr, key)));
  expect(wraps).toEqual([]);
});

test("every text is used, and every text that is used exists", () => {
  const code = sources();
  const found = (pattern: RegExp) => [...code.matchAll(pattern)].map(([, key]) => key ?? "");
  const named = new Set([...found(/["'](\w+)["']/g), ...found(/__MSG_(\w+)__/g)]);
  const shapes = found(/`(\w*\$\{[^}]+\}\w*)`/g)
    .filter((shape) => /^[a-z_]+\$|\}_/.test(shape))
    .map((shape) => new RegExp(`^${shape.replace(/\$\{[^}]+\}/g, "\\w+")}$`));
  const unused = KEYS.filter((key) => {
    const isNamed = named.has(key) || named.has(key.replace(/_(one|other)$/, ""));
    return !isNamed && !shapes.some((shape) => shape.test(key));
  });
  expect(unused).toEqual([]);
  const placed = [...found(/data-(?:text|label|hint)="(\w+)"/g), ...found(/__MSG_(\w+)__/g)];
  expect(placed.length).toBeGreaterThan(50);
  expect(placed.filter((key) => !KEYS.includes(key))).toEqual([]);
});

test("a count has both its forms", () => {
  const before = (end: string) =>
    KEYS.filter((key) => key.endsWith(end)).map((key) => key.slice(0, -end.length));
  expect(before("_one")).toEqual(before("_other"));
});

test("everything that may be sent is on the list a person agrees to", () => {
  const said = KEYS.filter((key) => /^sent_(?!now$|later$)/.test(key));
  expect(said).toEqual(ALLOWED_KEYS.map((key) => `sent_${key}`));
});
