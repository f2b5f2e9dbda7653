import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  addressOf,
  canonicalHost,
  isLoopback,
  parseBackendUrl,
  parseHostPort,
  parsePathPrefix,
  parsePort,
  requestAddress,
} from "../../src/core/hosts";

const PIECES = [
  "http",
  "https",
  "://",
  "a",
  ".",
  "org",
  "[::1]",
  ":",
  "80",
  "8443",
  "/",
  "@",
  "B",
  "?",
];
const ADDRESSES = fc.array(fc.constantFrom(...PIECES), { maxLength: 9 }).map((all) => all.join(""));

describe("hosts and ports", () => {
  it.each([
    ["localhost", "localhost", null],
    ["localhost:3000", "localhost", 3000],
    ["LLM.Example.ORG.", "llm.example.org", null],
    [" llm.example.org:8443 ", "llm.example.org", 8443],
    ["127.0.0.1:11434", "127.0.0.1", 11434],
    ["[::1]", "[::1]", null],
    ["[::1]:8080", "[::1]", 8080],
    ["[0:0:0:0:0:0:0:1]:1", "[::1]", 1],
    ["bücher.example", "xn--bcher-kva.example", null],
    ["example.org:80", "example.org", 80],
    ["example.org:65535", "example.org", 65535],
    ["my_host:1", "my_host", 1],
  ])("%s is read", (typed, host, port) => {
    expect(parseHostPort(typed)).toEqual({ ok: true, value: { host, port } });
  });

  it.each([
    ["", "empty"],
    ["  ", "empty"],
    [":80", "bad_host"],
    ["example.org:", "bad_port"],
    ["example.org:0", "bad_port"],
    ["example.org:65536", "bad_port"],
    ["example.org:-1", "bad_port"],
    ["example.org:1e3", "bad_port"],
    ["example.org:80:80", "bad_port"],
    ["example.org:8o", "bad_port"],
    ["http://example.org", "has_scheme"],
    ["javascript://x", "has_scheme"],
    ["example.org/path", "has_path"],
    ["example.org?x", "has_path"],
    ["example.org#x", "has_path"],
    ["exa\\mple.org", "has_path"],
    ["user@example.org", "has_credentials"],
    ["user:pw@example.org:80", "has_credentials"],
    ["*.example.org", "bad_host"],
    ["*", "bad_host"],
    ["exa mple.org", "bad_characters"],
    ["exa\u0000mple.org", "bad_characters"],
    ["<img src=x onerror=alert(1)>", "bad_characters"],
    ["<b>", "bad_host"],
    ["-a.org", "bad_host"],
    ["a..org", "bad_host"],
    ["[::1", "bad_host"],
    ["::1", "bad_host"],
    ["[zz]", "bad_host"],
    ["ex%61mple.org", "bad_host"],
    ["x".repeat(301), "too_long"],
  ])("%j is refused", (typed, refusal) => {
    expect(parseHostPort(typed)).toEqual({ ok: false, refusal });
  });

  it("reads ports as digits only", () => {
    expect(parsePort("443")).toBe(443);
    for (const text of ["", " 1", "+1", "0x50", "1.0", "99999"]) expect(parsePort(text)).toBeNull();
  });

  it("compares hosts in lower case and without a final dot", () => {
    expect(canonicalHost("API.OpenAI.com.")).toBe("api.openai.com");
    expect(canonicalHost("a..")).toBe("a.");
  });

  it("knows this machine", () => {
    for (const host of ["localhost", "a.localhost", "127.0.0.1", "127.9.9.9", "[::1]"]) {
      expect(isLoopback(host)).toBe(true);
    }
    for (const host of ["localhost.evil.test", "128.0.0.1", "127.0.0.1.evil.test", "[::2]"]) {
      expect(isLoopback(host)).toBe(false);
    }
  });
});

describe("addresses of a backend", () => {
  it.each([
    ["", ""],
    ["localhost:3000", "http://localhost:3000"],
    ["[::1]:8080", "http://[::1]:8080"],
    ["127.0.0.1", "http://127.0.0.1"],
    ["ecomind.example.org", "https://ecomind.example.org"],
    ["HTTPS://EcoMind.Example.org./", "https://ecomind.example.org"],
    ["https://example.org:443/eco/", "https://example.org/eco"],
    ["http://localhost:80/a/b//", "http://localhost/a/b"],
    ["example.org:8443/eco", "https://example.org:8443/eco"],
  ])("%s is %s", (typed, address) => {
    expect(parseBackendUrl(typed)).toEqual({ ok: true, value: address });
  });

  it.each([
    ["http://example.org", "insecure"],
    ["ftp://example.org", "bad_scheme"],
    ["javascript:alert(1)", "bad_port"],
    ["file:///etc/passwd", "bad_scheme"],
    ["https://user:pw@example.org", "has_credentials"],
    ["https://example.org?key=1", "bad_path"],
    ["https://example.org/#x", "bad_path"],
    ["https://example.org:99999", "bad_port"],
    ["https://", "empty"],
    ["exa mple.org", "bad_characters"],
    ["x".repeat(2001), "too_long"],
  ])("%s is refused", (typed, refusal) => {
    expect(parseBackendUrl(typed)).toEqual({ ok: false, refusal });
  });

  it("stays the same when it is read again", () => {
    fc.assert(
      fc.property(fc.oneof(ADDRESSES, fc.string()), (typed) => {
        const once = parseBackendUrl(typed);
        if (once.ok) expect(parseBackendUrl(once.value)).toEqual(once);
      }),
    );
  });

  it("leaves the usual port out", () => {
    expect(addressOf("https", "a", 443)).toBe("https://a");
    expect(addressOf("http", "a", 443)).toBe("http://a:443");
  });

  it("asks for the loopback of IPv6 by its name", () => {
    expect(requestAddress("http://[::1]:8080/v1")).toBe("http://localhost:8080/v1");
    expect(requestAddress("https://example.org/[::1]")).toBe("https://example.org/[::1]");
  });
});

describe("path prefixes", () => {
  it.each([
    ["", "/"],
    ["v1/chat", "/v1/chat"],
    ["/api/chat/", "/api/chat/"],
  ])("%s is %s", (typed, path) => {
    expect(parsePathPrefix(typed)).toEqual({ ok: true, value: path });
  });

  it.each([
    ["/a?b", "bad_path"],
    ["/a#b", "bad_path"],
    ["/a/../b", "bad_path"],
    ["//evil.test", "bad_path"],
    ["/a*", "bad_path"],
    ["/%2fa", "bad_path"],
    ["/a b", "bad_characters"],
    ["x".repeat(201), "too_long"],
  ])("%s is refused", (typed, refusal) => {
    expect(parsePathPrefix(typed)).toEqual({ ok: false, refusal });
  });
});
