/**
 * Chat services, played by one TLS server on the loopback interface.
 *
 * Belongs here: answering for any host as services do, slowly where told, and what arrived. Does not
 * belong here: expectations. With `resolverRules` the browser finds every name here and nowhere else.
 */

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";

const WEBSOCKET_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const PAGE = "<!doctype html><meta charset=utf-8><title>page</title>";

/** How to answer one POST; by default 200 with a short stream. */
export interface Behaviour {
  readonly status?: number;
  /** Pieces of the answer, and the pause before each. */
  readonly pieces?: readonly string[];
  readonly pauseMs?: number;
}

export class Providers {
  /** Every POST and handshake, as `METHOD host/path`. */
  readonly seen: string[] = [];
  /** By the end of the path; the longest that fits. */
  readonly behaviours = new Map<string, Behaviour>();
  private readonly sockets = new Set<Duplex>();

  private constructor(private readonly server: Server) {}

  static async start(): Promise<Providers> {
    const server = createServer(selfSigned());
    const providers = new Providers(server);
    server.on("request", (request, response) => void providers.answer(request, response));
    server.on("upgrade", (request, socket) => providers.shakeHands(request, socket));
    server.on("connection", (socket) => {
      providers.sockets.add(socket);
      socket.on("close", () => providers.sockets.delete(socket));
    });
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    return providers;
  }

  get resolverRules(): string {
    const { port } = this.server.address() as AddressInfo;
    return `--host-resolver-rules=MAP * 127.0.0.1:${port}, EXCLUDE localhost, EXCLUDE 127.0.0.1`;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((done) => this.server.close(done));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? "").replace(/\?.*$/, "");
    response.on("error", () => undefined);
    // An API lets every page in, as those of the providers do.
    response.setHeader("access-control-allow-origin", request.headers.origin ?? "*");
    response.setHeader("access-control-allow-headers", "*");
    if (request.method === "GET" || request.method === "OPTIONS") {
      response.setHeader("content-type", "text/html");
      response.end(request.method === "GET" ? PAGE : "");
      return;
    }
    for await (const _ of request) void _;
    this.seen.push(`${request.method} ${request.headers.host}${path}`);
    const { status = 200, pieces = ["data: a\n\n"], pauseMs = 0 } = this.behaviourOf(path);
    response.writeHead(status, { "content-type": "text/event-stream" });
    response.flushHeaders();
    for (const piece of pieces) {
      await new Promise((wake) => setTimeout(wake, pauseMs));
      if (!response.writable) return;
      response.write(piece);
    }
    response.end();
  }

  private behaviourOf(path: string): Behaviour {
    const fits = [...this.behaviours.keys()].filter((end) => path.endsWith(end));
    const best = fits.sort((one, other) => other.length - one.length)[0];
    return (best === undefined ? undefined : this.behaviours.get(best)) ?? {};
  }

  private shakeHands(request: IncomingMessage, socket: Duplex): void {
    const key = request.headers["sec-websocket-key"] ?? "";
    const accept = createHash("sha1")
      .update(key + WEBSOCKET_GUID)
      .digest("base64");
    this.seen.push(`GET ${request.headers.host}${(request.url ?? "").replace(/\?.*$/, "")}`);
    socket.on("error", () => undefined);
    socket.write(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
        `Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
  }
}

function selfSigned(): { key: Buffer; cert: Buffer } {
  const folder = mkdtempSync(join(tmpdir(), "ecomind-tls-"));
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const subject = ["-subj", "/CN=providers.test", "-days", "2"];
  execFileSync(
    "openssl",
    ["req", "-x509", "-newkey", "rsa:2048", "-nodes", ...subject, "-keyout", key, "-out", cert],
    { stdio: "ignore" },
  );
  const read = { key: readFileSync(key), cert: readFileSync(cert) };
  rmSync(folder, { recursive: true });
  return read;
}
