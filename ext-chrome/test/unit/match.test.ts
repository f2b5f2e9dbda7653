import { describe, expect, it } from "vitest";
import fixture from "../../fixtures/addresses.json";
import { MAY_BE_ANSWER } from "../../src/content/paths";
import { matchCall, mayBeCall, providerOfAnswer, type Seen } from "../../src/core/match";
import { originsOf, PROVIDERS, type Provider, providerById } from "../../src/core/providers";
import { defaults } from "../../src/core/settings";
import type { CustomProvider, Settings } from "../../src/core/types";

const OWN = "chrome-extension://cdiddonodmoeiaglmdcgmpfmhdpfhajb";
const NOTHING = defaults();

interface Case {
  readonly method: string;
  readonly url: string;
  readonly counts: string | null;
  readonly status?: number;
  readonly type?: string;
  readonly model?: string;
  readonly operation?: string;
  readonly isAtLeast?: boolean;
}
const CASES: readonly Case[] = fixture.cases;

function seen({ method, url, status = 200, type = "xmlhttprequest" }: Case): Seen {
  return { method, url, statusCode: status, type, initiator: "https://page.test" };
}

describe("the provider table", () => {
  it.each(CASES)("$method $url ($status, $type) counts for $counts", (one) => {
    const call = matchCall(seen(one), NOTHING, OWN);
    expect(call?.providerId ?? null).toBe(one.counts);
    if (call === null) return;
    expect(mayBeCall(seen(one))).toBe(true);
    expect(call.model).toBe(one.model ?? null);
    expect(call.operation).toBe(one.operation ?? "chat");
    expect(call.isAtLeast).toBe(one.isAtLeast ?? false);
    expect(call.httpStatus).toBe(one.status ?? 200);
  });

  it("has every provider and every path in the fixture", () => {
    const counted = new Set(CASES.map((one) => one.counts));
    expect(PROVIDERS.map(({ id }) => id).filter((id) => !counted.has(id))).toEqual([]);
    for (const provider of PROVIDERS) {
      for (const rule of provider.rules) {
        const paths = CASES.filter((one) => one.counts === provider.id).map(
          (one) => new URL(one.url).pathname,
        );
        expect(paths.some((path) => rule.path.test(path))).toBe(true);
      }
    }
  });

  it("has nine web apps of its own and only exact hosts in lower case", () => {
    const owners = PROVIDERS.filter((one) => one.kind === "web" && one.isBuiltIn);
    expect(owners).toHaveLength(9);
    for (const { hosts } of PROVIDERS) {
      for (const host of hosts) expect(new URL(`https://${host}`).hostname).toBe(host);
    }
    expect(new Set(PROVIDERS.map(({ id }) => id)).size).toBe(PROVIDERS.length);
  });

  it("anchors every path at both ends", () => {
    for (const rule of PROVIDERS.flatMap(({ rules }) => rules)) {
      expect(rule.path.source.startsWith("^")).toBe(true);
      expect(rule.path.source.endsWith("$")).toBe(true);
      expect(rule.path.flags).toBe("");
    }
  });

  it("cannot be changed", () => {
    const first = PROVIDERS[0] as Provider;
    expect(() => (PROVIDERS as unknown[]).push(first)).toThrow(TypeError);
    expect(() => (first.hosts as string[]).push("evil.test")).toThrow(TypeError);
    expect(() => Object.assign(first, { id: "x" })).toThrow(TypeError);
  });

  it("asks for wss where calls are handshakes, and for nothing else beside https", () => {
    const copilot = providerById("microsoft-web");
    expect(copilot && originsOf(copilot)).toEqual([
      "https://copilot.microsoft.com/*",
      "wss://copilot.microsoft.com/*",
    ]);
    expect(providerById("nobody")).toBeNull();
  });
});

describe("what is not counted", () => {
  const call = CASES[0] as Case;

  it("requests of the extension itself", () => {
    expect(matchCall({ ...seen(call), initiator: OWN }, NOTHING, OWN)).toBeNull();
    expect(matchCall({ ...seen(call), initiator: undefined }, NOTHING, OWN)).not.toBeNull();
  });

  it("providers that are off", () => {
    const settings = { ...NOTHING, disabledProviders: ["openai-web"] };
    expect(matchCall(seen(call), settings, OWN)).toBeNull();
  });
});

describe("custom providers", () => {
  const base: CustomProvider = {
    id: "custom-1",
    name: "Ollama",
    provider: "ollama",
    scheme: "http",
    host: "localhost",
    port: 11434,
    pathPrefix: "/api/chat",
    pageOrigin: null,
  };
  const matched = (url: string, change: Partial<CustomProvider> = {}, method = "POST") => {
    const settings: Settings = { ...NOTHING, customProviders: [{ ...base, ...change }] };
    const request = { method, url, statusCode: 200, type: "xmlhttprequest" };
    return matchCall(request, settings, OWN);
  };

  it("count at their address and below", () => {
    expect(matched("http://localhost:11434/api/chat")?.provider).toBe("ollama");
    expect(matched("http://LOCALHOST:11434/api/chat/x?y")?.providerId).toBe("custom-1");
    expect(matched("http://localhost:11434/anything", { pathPrefix: "/" })).not.toBeNull();
    expect(matched("http://[::1]:8080/api/chat", { host: "[::1]", port: 8080 })).not.toBeNull();
    expect(matched("http://localhost/api/chat", { port: null })).not.toBeNull();
    expect(matched("http://localhost/api/chat", { port: 80 })).not.toBeNull();
    expect(
      matched("https://llm.test/api/chat", { scheme: "https", host: "llm.test", port: 443 }),
    ).not.toBeNull();
  });

  it.each([
    "http://localhost:11435/api/chat",
    "http://localhost/api/chat",
    "https://localhost:11434/api/chat",
    "http://127.0.0.1:11434/api/chat",
    "http://localhost.evil.test:11434/api/chat",
    "http://localhost:11434/api/chats",
    "http://localhost:11434/api",
    "http://localhost:11434/x/api/chat",
  ])("do not count at %s", (url) => {
    expect(matched(url)).toBeNull();
  });

  it("count POST only, successes only, and only while they are on", () => {
    expect(matched("http://localhost:11434/api/chat", {}, "GET")).toBeNull();
    const settings = { ...NOTHING, customProviders: [base], disabledProviders: ["custom-1"] };
    const request = {
      method: "POST",
      url: "http://localhost:11434/api/chat",
      statusCode: 200,
      type: "xmlhttprequest",
    };
    expect(matchCall(request, settings, OWN)).toBeNull();
    const on = { ...settings, disabledProviders: [] };
    expect(matchCall({ ...request, statusCode: 404 }, on, OWN)).toBeNull();
    expect(matchCall({ ...request, type: "websocket" }, on, OWN)).toBeNull();
  });

  it.each([
    [
      "https://bedrock-runtime.eu-central-1.amazonaws.com/model/eu.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse-stream",
      "eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
    ],
    [
      "https://acme.openai.azure.com/openai/deployments/gpt-4o/chat/completions?api-version=1",
      "gpt-4o",
    ],
    ["https://acme.test/v1/models/gemini-2.5-pro:generateContent", "gemini-2.5-pro"],
    ["https://acme.test/model/%E0%A4%A/invoke", null],
    ["https://acme.test/model/%3Cscript%3E/invoke", null],
    ["https://acme.test/other", null],
  ])("take the model from %s", (url, model) => {
    const { hostname } = new URL(url);
    const found = matched(url, { scheme: "https", host: hostname, port: null, pathPrefix: "/" });
    expect(found?.model).toBe(model);
  });
});

describe("timed answers", () => {
  const timed = CASES.filter((one) => providerById(one.counts ?? "")?.timing != null);

  it.each(timed)("$url may be one", ({ url, counts }) => {
    const address = new URL(url);
    expect(MAY_BE_ANSWER.test(address.origin + address.pathname)).toBe(true);
    expect(providerOfAnswer(url, address.origin)?.id).toBe(counts);
  });

  it("are those of the page's own host and of a provider whose timing tells something", () => {
    const url = "https://claude.ai/api/organizations/o/chat_conversations/c/completion";
    expect(providerOfAnswer(url, "https://evil.test")).toBeNull();
    expect(providerOfAnswer("https://evil.test/api/chat", "https://evil.test")).toBeNull();
    expect(providerOfAnswer("nothing", "nothing")).toBeNull();
    const chatgpt = "https://chatgpt.com/backend-api/conversation";
    expect(providerOfAnswer(chatgpt, "https://chatgpt.com")).toBeNull();
    expect(providerOfAnswer("https://claude.ai/api/x", "https://claude.ai")).toBeNull();
  });
});
