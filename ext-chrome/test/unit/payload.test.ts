import fc from "fast-check";
import { describe, expect, it } from "vitest";
import schema from "../../../docs/reference/event.schema.json";
import { estimate } from "../../src/core/estimate";
import { matchCall } from "../../src/core/match";
import { ALLOWED_KEYS, makeEvent, readEvent } from "../../src/core/payload";
import { defaults } from "../../src/core/settings";
import type { Call } from "../../src/core/types";

const CALL: Call = {
  providerId: "openai-web",
  provider: "openai",
  model: null,
  operation: "chat",
  httpStatus: 200,
  isAtLeast: false,
};
const ID = "01234567-89ab-4def-8123-456789abcdef";
const SENDER = { settings: { orgId: "acme", userId: "ada" }, version: "1.0.0" };

describe("what is sent", () => {
  it("has exactly the allowed keys, all of them fields of the contract", () => {
    const event = makeEvent(CALL, estimate(CALL), ID, new Date(), SENDER);
    expect(Object.keys(event).sort()).toEqual([...ALLOWED_KEYS].sort());
    const fields = Object.keys(schema.properties);
    expect(ALLOWED_KEYS.filter((key) => !fields.includes(key) && key !== "org_id")).toEqual([]);
    for (const name of schema.required) expect(ALLOWED_KEYS).toContain(name);
    expect(Object.keys(event.tags).sort()).toEqual(["client", "confidence", "method"]);
  });

  it("says null of tokens nobody counted, and rounds those that were guessed", () => {
    const plain = makeEvent(CALL, estimate(CALL), ID, new Date(), SENDER);
    expect(plain).toMatchObject({
      input_tokens: null,
      output_tokens: null,
      usage_source: "missing",
    });
    const guessed = estimate(CALL, undefined, { method: "size", outputTokens: 340 });
    expect(makeEvent(CALL, guessed, ID, new Date(), SENDER)).toMatchObject({
      input_tokens: null,
      output_tokens: 340,
      usage_source: "chars_estimated",
      tags: { method: "size", confidence: "low" },
    });
  });

  it("tells the hour and no more", () => {
    const at = new Date("2026-11-22T10:59:59.999Z");
    expect(makeEvent(CALL, estimate(CALL), ID, at, SENDER).occurred_at).toBe(
      "2026-11-22T10:00:00.000Z",
    );
  });

  it("names nobody where nobody is named", () => {
    const sender = { settings: { orgId: "", userId: "" }, version: "1.0.0" };
    const event = makeEvent(CALL, estimate(CALL), ID, new Date(), sender);
    expect(event).toMatchObject({ org_id: null, user_id: null });
  });

  it("holds nothing of an address but a model's name", () => {
    const secret = fc.stringMatching(/^[A-Za-z0-9]{81,200}$/);
    fc.assert(
      fc.property(secret, (text) => {
        const urls = [
          `https://claude.ai/api/organizations/${text}/chat_conversations/${text}/completion?q=${text}`,
          `https://generativelanguage.googleapis.com/v1/models/gemini-2.5-pro:generateContent?key=${text}#${text}`,
          `https://llm.test/openai/deployments/${text}/chat/completions`,
        ];
        const custom = {
          id: "custom-1",
          name: text,
          provider: "self-hosted",
          scheme: "https" as const,
          host: "llm.test",
          port: null,
          pathPrefix: "/",
          pageOrigin: null,
        };
        for (const url of urls) {
          const settings = { ...defaults(), customProviders: [custom] };
          const seen = { url, method: "POST", statusCode: 200, type: "xmlhttprequest" };
          const call = matchCall(seen, settings, "chrome-extension://x");
          expect(call).not.toBeNull();
          if (call === null) return;
          const event = makeEvent(call, estimate(call), ID, new Date(), SENDER);
          if (text.length > 100) expect(JSON.stringify(event)).not.toContain(text);
          expect(JSON.stringify({ ...event, request_model: "" })).not.toContain(text);
        }
      }),
    );
  });
});

describe("a stored event", () => {
  const event = makeEvent(CALL, estimate(CALL), ID, new Date(), SENDER);

  it("comes back as it was, and loses what does not belong", () => {
    expect(readEvent(structuredClone(event))).toEqual(event);
    expect(readEvent({ ...event, prompt: "secret", tags: { ...event.tags, x: "y" } })).toEqual(
      event,
    );
    expect(readEvent({ ...event, output_tokens: 12.5 })).toEqual(event);
    const guessed = { ...event, output_tokens: 12, usage_source: "chars_estimated" };
    expect(readEvent(guessed)).toEqual(guessed);
  });

  it.each([
    { event_id: "x" },
    { event_id: 7 },
    { provider: "a b" },
    { request_model: "x".repeat(129) },
    { occurred_at: "2026-11-22T10:20:00.000Z" },
    { operation: "prompt" },
    { http_status: "200" },
    { tags: { ...event.tags, method: "magic" } },
    { tags: null },
  ])("with %j is none", (change) => {
    expect(readEvent({ ...event, ...change })).toBeNull();
  });

  it("is never made of anything else", () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        expect(readEvent(value)).toBeNull();
      }),
    );
  });
});
