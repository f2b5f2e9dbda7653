/**
 * A backend on the loopback interface that answers as it is told.
 *
 * Belongs here: the endpoints the extension asks, and what it sent them. Does not belong here: the
 * real ingest API, which the repository's end-to-end test starts.
 */

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
  readonly origin: string | undefined;
  readonly body: string;
}

export interface Sent {
  readonly event_id: string;
  readonly [name: string]: unknown;
}

export class Backend {
  readonly received: Received[] = [];
  /** Statuses of the next answers to events; 202 when there is none left. */
  readonly statuses: number[] = [];
  retryAfter: string | null = null;
  /** Status and body of the answer to a path, in place of the usual one. */
  readonly answers = new Map<string, { readonly status: number; readonly body: unknown }>();

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(): Promise<Backend> {
    const server = createServer();
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    const { port } = server.address() as AddressInfo;
    const backend = new Backend(server, `http://localhost:${port}`);
    server.on("request", (request, response) => {
      const parts: Buffer[] = [];
      request.on("data", (part: Buffer) => parts.push(part));
      request.on("end", () => {
        const path = request.url ?? "";
        backend.received.push({
          method: request.method ?? "",
          path,
          authorization: request.headers.authorization,
          origin: request.headers.origin,
          body: Buffer.concat(parts).toString(),
        });
        const { status, body } = backend.answerTo(path);
        if (backend.retryAfter !== null) response.setHeader("retry-after", backend.retryAfter);
        response.writeHead(status, { "content-type": "application/json" });
        response.end(JSON.stringify(body));
      });
    });
    return backend;
  }

  private answerTo(path: string): { readonly status: number; readonly body: unknown } {
    const told = this.answers.get(path);
    if (told !== undefined) return told;
    if (path === "/health") return { status: 200, body: { version: "1" } };
    if (path === "/v1/validate")
      return { status: 200, body: { results: [{ result: "accepted" }] } };
    return { status: this.statuses.shift() ?? 202, body: { accepted: 1, rejected: 0 } };
  }

  /** Events of all requests for them, in the order they came. */
  get events(): readonly Sent[] {
    return this.received
      .filter(({ path }) => path === "/v1/events")
      .flatMap(({ body }) => (JSON.parse(body) as { events: Sent[] }).events);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }
}
