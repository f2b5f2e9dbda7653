/**
 * Hosts, ports and addresses as people type them and as the browser reports them.
 *
 * Belongs here: reading and refusing them. Does not belong here: which hosts are providers.
 * Nothing here is matched by "contains": hosts are compared whole, lower case, without a final dot.
 */

import type { Checked } from "./types";

export interface HostPort {
  /** Lower case; IPv6 in brackets. */
  readonly host: string;
  /** Null for the scheme's usual port. */
  readonly port: number | null;
}

const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;
const HOST_MAX = 253;
const CONTROL_OR_SPACE = /[\u0000-\u0020\u007f-\u00a0\u2028\u2029]/;
const PORTS_MAX = 65_535;

/** The form hosts are compared in. */
export function canonicalHost(host: string): string {
  const lower = host.toLowerCase();
  return lower.endsWith(".") ? lower.slice(0, -1) : lower;
}

/** Whether a host is this machine itself. */
export function isLoopback(host: string): boolean {
  return (
    host === "localhost" ||
    host.endsWith(".localhost") ||
    host === "[::1]" ||
    /^127(\.\d{1,3}){3}$/.test(host)
  );
}

/** A port as typed: digits only, 1 to 65535. */
export function parsePort(text: string): number | null {
  if (!/^\d{1,5}$/.test(text)) return null;
  const port = Number(text);
  return port >= 1 && port <= PORTS_MAX ? port : null;
}

/** `host`, `host:port`, `[v6]` or `[v6]:port`; nothing else, in particular no scheme and no path. */
export function parseHostPort(typed: string): Checked<HostPort> {
  const text = typed.trim();
  if (text === "") return { ok: false, refusal: "empty" };
  if (text.length > 300) return { ok: false, refusal: "too_long" };
  if (CONTROL_OR_SPACE.test(text)) return { ok: false, refusal: "bad_characters" };
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return { ok: false, refusal: "has_scheme" };
  if (text.includes("@")) return { ok: false, refusal: "has_credentials" };
  if (/[/?#\\]/.test(text)) return { ok: false, refusal: "has_path" };
  const split = /^(\[[^\]]*\]|[^:[\]]*)(?::(.*))?$/.exec(text);
  if (split === null) return { ok: false, refusal: "bad_host" };
  const host = readHost(split[1] ?? "");
  if (host === null) return { ok: false, refusal: "bad_host" };
  if (split[2] === undefined) return { ok: true, value: { host, port: null } };
  const port = parsePort(split[2]);
  if (port === null) return { ok: false, refusal: "bad_port" };
  return { ok: true, value: { host, port } };
}

/** A host in its canonical form (IDN as ASCII, IPv6 shortened), or null. */
function readHost(text: string): string | null {
  if (text === "" || text.includes("%")) return null;
  let host: string;
  try {
    host = canonicalHost(new URL(`http://${text}/`).hostname);
  } catch {
    return null;
  }
  if (host.startsWith("[")) return host;
  const isNamed = host.length <= HOST_MAX && host.split(".").every((label) => LABEL.test(label));
  return isNamed ? host : null;
}

/** The address of a backend: scheme optional, path kept, never a query, fragment or password. */
export function parseBackendUrl(typed: string): Checked<string> {
  const text = typed.trim();
  if (text === "") return { ok: true, value: "" };
  if (text.length > 2000) return { ok: false, refusal: "too_long" };
  if (CONTROL_OR_SPACE.test(text)) return { ok: false, refusal: "bad_characters" };
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme !== undefined && scheme !== "http" && scheme !== "https") {
    return { ok: false, refusal: "bad_scheme" };
  }
  const rest = scheme === undefined ? text : text.slice(scheme.length + 3);
  const slash = rest.indexOf("/");
  const authority = slash < 0 ? rest : rest.slice(0, slash);
  const path = slash < 0 ? "" : rest.slice(slash);
  if (/[?#\\]/.test(rest)) return { ok: false, refusal: "bad_path" };
  const place = parseHostPort(authority);
  if (!place.ok) return place;
  const { host, port } = place.value;
  const used = scheme ?? (isLoopback(host) ? "http" : "https");
  if (used === "http" && !isLoopback(host)) return { ok: false, refusal: "insecure" };
  return { ok: true, value: addressOf(used, host, port) + path.replace(/\/+$/, "") };
}

/** `scheme://host[:port]`, the usual port left out. */
export function addressOf(scheme: "http" | "https", host: string, port: number | null): string {
  const usual = scheme === "http" ? 80 : 443;
  return `${scheme}://${host}${port === null || port === usual ? "" : `:${port}`}`;
}

/**
 * The address requests go to. A content security policy cannot name IPv6 hosts, so this machine's is
 * asked for by its name, which the browser itself resolves to both.
 */
export function requestAddress(address: string): string {
  return address.replace(/^(https?:\/\/)\[::1\]/, "$1localhost");
}

/** A path prefix as typed, beginning with `/`, without query, fragment or dot segments. */
export function parsePathPrefix(typed: string): Checked<string> {
  const text = typed.trim();
  if (text === "") return { ok: true, value: "/" };
  if (text.length > 200) return { ok: false, refusal: "too_long" };
  if (CONTROL_OR_SPACE.test(text)) return { ok: false, refusal: "bad_characters" };
  const path = text.startsWith("/") ? text : `/${text}`;
  if (/[?#\\*]|\/\/|%2f|%5c/i.test(path)) return { ok: false, refusal: "bad_path" };
  if (new URL(path, "http://h/").pathname !== path) return { ok: false, refusal: "bad_path" };
  return { ok: true, value: path };
}
