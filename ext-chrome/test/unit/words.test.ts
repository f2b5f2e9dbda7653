/** Words, figures and equivalents as a person reads them. */

import { describe, expect, test } from "vitest";
import { equivalentOf } from "../../src/ui/shared/equivalents";
import { Figures } from "../../src/ui/shared/figures";
import { type Language, Words, wordsFor } from "../../src/ui/shared/i18n";

const plain = (text: string | undefined) => text?.replace(/[\u00a0\u202f]/g, " ");
const figuresIn = (language: Language) => new Figures(new Words(language));

test.each([
  ["auto", "fr-CA", "fr", "fr-CA"],
  ["auto", "de", "de", "de"],
  ["auto", "pt-BR", "en", "en"],
  ["de", "fr-FR", "de", "de"],
  ["en", "en-GB", "en", "en-GB"],
])(
  "chosen %s in a browser in %s: words in %s, numbers as in %s",
  (chosen, browser, language, locale) => {
    const words = wordsFor(chosen, browser);
    expect([words.language, words.locale]).toEqual([language, locale]);
  },
);

describe("words", () => {
  test.each<[Language, number, string]>([
    ["en", 1, "1 call"],
    ["en", 0, "0 calls"],
    ["en", 12_345, "12,345 calls"],
    ["fr", 0, "0 appel"],
    ["fr", 2, "2 appels"],
    ["de", 1, "1 Aufruf"],
    ["de", 12_345, "12.345 Aufrufe"],
  ])("count in %s: %i", (language, count, text) => {
    expect(new Words(language).count("calls", count)).toBe(text);
  });

  test("fill a gap with the value as it is, whatever it looks like", () => {
    const name = "$& {name} <b>";
    const text = new Words("en").text("custom_removed", { name });
    expect(text.startsWith(`${name} is removed`)).toBe(true);
  });

  test("leave a gap visible that nobody filled", () => {
    expect(new Words("en").text("state_sending")).toBe("Sent to {host}");
  });
});

describe("figures", () => {
  const range = { low: 0.0064, mid: 0.0213, high: 0.068 };

  test("show the range in the unit of the middle", () => {
    const { mid, span } = figuresIn("en").shown("energy", range);
    expect([plain(mid), plain(span)]).toEqual(["21 Wh", "6.4 to 68 Wh"]);
    expect(plain(figuresIn("fr").shown("energy", range).span)).toBe("6,4 à 68 Wh");
  });

  test.each([
    [0.001, "3.6 s"],
    [0.02, "72 s"],
    [0.5, "30 min"],
    [2.1, "2.1 h"],
    [100, "4.2 days"],
  ])("write %f hours as %s", (hours, text) => {
    expect(plain(figuresIn("en").duration(hours))).toBe(text);
  });

  test("name a day the same in every time zone", () => {
    expect(figuresIn("en").weekday("2026-11-22")).toBe("Sun");
    expect(figuresIn("de").day("2026-11-22")).toBe("Sonntag, 22. November");
  });
});

describe("the equivalent", () => {
  const of = (mid: number) => {
    const words = new Words("en");
    return equivalentOf({ low: mid / 2, mid, high: mid * 2 }, words, new Figures(words));
  };

  test("of no energy is none", () => {
    expect(of(0)).toBeNull();
  });

  test("of a little is a lamp: a Wh is a tenth of an hour at 10 W", () => {
    expect(plain(of(0.001)?.text)).toBe("a 10 W LED lamp lit for 6 min");
    expect(plain(of(0.001)?.source)).toContain("3 min to 12 min");
  });

  test("of more is water brought to the boil: 0.0989 kWh a litre", () => {
    expect(plain(of(0.989)?.text)).toBe("heating 10 L of tap water to the boil");
  });
});
