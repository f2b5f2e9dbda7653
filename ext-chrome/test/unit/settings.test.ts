import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  BOUNDS,
  checkApiKey,
  checkCustomProvider,
  checkId,
  checkParameter,
  defaults,
  normalise,
  readPolicy,
  type TypedCustomProvider,
  underPolicy,
} from "../../src/core/settings";
import type { Settings } from "../../src/core/types";

const TYPED: TypedCustomProvider = {
  name: "Our model",
  provider: "",
  scheme: "https",
  address: "llm.example.org:8443",
  pathPrefix: "/v1",
  page: "https://chat.example.org/app",
};

function full(): Settings {
  const checked = checkCustomProvider(TYPED);
  if (!checked.ok) throw new Error(checked.refusal);
  return {
    version: 1,
    localOnly: false,
    backendUrl: "https://ecomind.example.org",
    figuresUrl: "http://localhost:8790",
    orgId: "acme",
    userId: "Ada Lovelace",
    apiKey: "eco_pub_12345678_secret",
    disabledProviders: ["openai-web", "xai-web"],
    customProviders: [{ id: "custom-a1", ...checked.value }],
    parameters: {
      "openai-web": {
        kwhPerCall: 0,
        includesPue: true,
        pue: 1,
        waterLPerKwh: 0,
        co2eKgPerKwh: 0,
      },
    },
    usualModels: { "openai-web": "gpt-4o" },
    language: "fr",
  };
}

describe("settings", () => {
  it("are fresh copies: changing one changes no other", () => {
    const [one, other] = [defaults(), defaults()];
    (one.disabledProviders as string[]).push("openai-web");
    (one.parameters as Record<string, unknown>)["x"] = 1;
    expect(other).toEqual(normalise(undefined));
    expect(other.disabledProviders).toEqual([]);
    expect(defaults().parameters).toEqual({});
  });

  it("are local only until somebody says otherwise", () => {
    expect(defaults().localOnly).toBe(true);
    expect(normalise({ localOnly: "false" }).localOnly).toBe(true);
    expect(normalise({ localOnly: 0 }).localOnly).toBe(true);
  });

  it("come back as they were, zeros included, and never as the same objects", () => {
    const before = full();
    const frozen = JSON.stringify(before);
    const after = normalise(before);
    expect(after).toEqual(before);
    expect(after.customProviders[0]).not.toBe(before.customProviders[0]);
    expect(after.parameters["openai-web"]).not.toBe(before.parameters["openai-web"]);
    expect(JSON.stringify(before)).toBe(frozen);
  });

  it("are made of anything, and stay the same when made again", () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        const once = normalise(value);
        expect(normalise(once)).toEqual(once);
        expect(normalise(JSON.parse(JSON.stringify(once)))).toEqual(once);
      }),
    );
  });

  it("are made of anything in every field", () => {
    const fields = Object.fromEntries(Object.keys(full()).map((name) => [name, fc.anything()]));
    fc.assert(
      fc.property(fc.record(fields), (value) => {
        expect(normalise(normalise(value))).toEqual(normalise(value));
      }),
    );
  });

  it("take nothing from prototypes", () => {
    const hostile = JSON.parse('{"__proto__": {"localOnly": false, "orgId": "evil"}}');
    expect(normalise(hostile)).toEqual(defaults());
    expect(normalise(Object.create({ localOnly: false })).localOnly).toBe(true);
    const parameters = JSON.parse('{"__proto__": {"kwhPerCall": 1}, "constructor": {"pue": 2}}');
    expect(Object.keys(normalise({ parameters }).parameters)).toEqual(["constructor"]);
    expect(({} as Record<string, unknown>)["pue"]).toBeUndefined();
  });

  it("leave out what is not as it must be", () => {
    const read = normalise({
      backendUrl: "javascript:alert(1)",
      orgId: "a b",
      userId: "line\nbreak",
      apiKey: "x".repeat(129),
      disabledProviders: ["openai-web", "OPENAI", 7, "openai-web", "a".repeat(65)],
      customProviders: [{ id: "custom-1" }, null, { ...TYPED, id: "evil" }],
      parameters: { "openai-web": { kwhPerCall: -1, pue: 0.9 }, "BAD ID": { pue: 1 } },
      usualModels: { "openai-web": 7, "xai-web": " grok-4 " },
      language: "kl",
    });
    expect(read).toEqual({
      ...defaults(),
      disabledProviders: ["openai-web"],
      usualModels: { "xai-web": "grok-4" },
    });
  });

  it("keep each custom provider once", () => {
    const [custom] = full().customProviders;
    expect(normalise({ customProviders: [custom, custom] }).customProviders).toHaveLength(1);
  });
});

describe("numbers a person sets", () => {
  it.each([
    ["kwhPerCall", "0", 0],
    ["kwhPerCall", "0,0003", 0.0003],
    ["kwhPerCall", " 3e-4 ", 0.0003],
    ["pue", "1", 1],
    ["waterLPerKwh", ".5", 0.5],
    ["co2eKgPerKwh", "", null],
    ["co2eKgPerKwh", "-0", 0],
  ] as const)("%s = %j is %j", (name, typed, value) => {
    const checked = checkParameter(name, typed);
    expect(checked.ok && (checked.value === null ? null : checked.value + 0)).toBe(value);
  });

  it.each([
    ["kwhPerCall", "-1", "out_of_range"],
    ["kwhPerCall", "1e309", "out_of_range"],
    ["kwhPerCall", "NaN", "bad_number"],
    ["kwhPerCall", "Infinity", "bad_number"],
    ["kwhPerCall", "0x10", "bad_number"],
    ["kwhPerCall", "1,000.5", "bad_number"],
    ["kwhPerCall", "zero", "bad_number"],
    ["pue", "0", "out_of_range"],
    ["pue", "0.99", "out_of_range"],
    ["pue", "5.1", "out_of_range"],
  ] as const)("%s = %j is refused", (name, typed, refusal) => {
    expect(checkParameter(name, typed)).toEqual({ ok: false, refusal, field: name });
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, -1, "0", null, undefined, [0], true])(
    "stored as %j are the default",
    (value) => {
      const parameters = { "openai-web": { kwhPerCall: value, pue: value, waterLPerKwh: value } };
      expect(normalise({ parameters }).parameters).toEqual({});
    },
  );

  it("may be zero wherever zero means something", () => {
    for (const [name, { minimum }] of Object.entries(BOUNDS)) {
      expect(minimum).toBe(name === "pue" ? 1 : 0);
    }
  });
});

describe("custom providers as typed", () => {
  const refused = (change: Partial<TypedCustomProvider>) =>
    checkCustomProvider({ ...TYPED, ...change });

  it("are read", () => {
    expect(checkCustomProvider(TYPED)).toEqual({
      ok: true,
      value: {
        name: "Our model",
        provider: "self-hosted",
        scheme: "https",
        host: "llm.example.org",
        port: 8443,
        pathPrefix: "/v1",
        pageOrigin: "https://chat.example.org",
      },
    });
    const local = refused({ scheme: "http", address: "[::1]:11434", page: "", provider: "Ollama" });
    expect(local).toMatchObject({ ok: true, value: { provider: "ollama", pageOrigin: null } });
  });

  it("keep a hostile name as the text it is", () => {
    const name = "<img src=x onerror=alert(1)>";
    expect(refused({ name })).toMatchObject({ ok: true, value: { name } });
  });

  it.each([
    [{ name: " " }, "empty", "name"],
    [{ name: "x".repeat(61) }, "too_long", "name"],
    [{ name: "a\u202eb" }, "bad_characters", "name"],
    [{ provider: "a b" }, "bad_characters", "provider"],
    [{ address: "https://x" }, "has_scheme", "address"],
    [{ address: "x:0" }, "bad_port", "address"],
    [{ scheme: "http" }, "insecure", "address"],
    [{ pathPrefix: "/?" }, "bad_path", "pathPrefix"],
    [{ page: "ftp://x" }, "bad_scheme", "page"],
  ] as const)("%j is refused", (change, refusal, field) => {
    expect(refused(change)).toEqual({ ok: false, refusal, field });
  });
});

describe("keys and ids as typed", () => {
  it("are read or refused", () => {
    expect(checkApiKey(" eco_pub_12345678_abc ")).toEqual({
      ok: true,
      value: "eco_pub_12345678_abc",
    });
    expect(checkApiKey("")).toEqual({ ok: true, value: "" });
    expect(checkApiKey("Bearer x")).toMatchObject({ ok: false, refusal: "bad_key" });
    expect(checkApiKey("x".repeat(129))).toMatchObject({ ok: false, refusal: "too_long" });
    expect(checkId("orgId", "acme")).toEqual({ ok: true, value: "acme" });
    expect(checkId("orgId", "a b")).toMatchObject({ refusal: "bad_characters", field: "orgId" });
    expect(checkId("userId", "Ada L")).toEqual({ ok: true, value: "Ada L" });
    expect(checkId("userId", "a\u0007")).toMatchObject({ refusal: "bad_characters" });
    expect(checkId("userId", "x".repeat(129))).toMatchObject({ refusal: "too_long" });
  });
});

describe("an administrator's presets", () => {
  it("take the place of the person's settings and are locked", () => {
    const policy = readPolicy({
      localOnly: false,
      backendUrl: "https://eco.example.org/",
      orgId: "acme",
    });
    const { settings, locked } = underPolicy({ ...full(), orgId: "mine" }, policy);
    expect(settings).toMatchObject({
      localOnly: false,
      backendUrl: "https://eco.example.org",
      orgId: "acme",
      userId: "Ada Lovelace",
    });
    expect(locked).toEqual(["localOnly", "backendUrl", "orgId"]);
  });

  it("count only where they are well formed", () => {
    expect(readPolicy({ localOnly: "yes", backendUrl: "http://plain.test", orgId: "a b" })).toEqual(
      {},
    );
    expect(readPolicy(undefined)).toEqual({});
    expect(readPolicy({ orgId: "", language: "fr" })).toEqual({});
    expect(underPolicy(defaults(), {})).toEqual({ settings: defaults(), locked: [] });
  });
});
