/**
 * An HTTP server that says whatever a test wants: for what no real provider does.
 *
 * @module
 */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** An answer: JSON, or text of any type. */
export interface FakeAnswer {
  readonly status?: number;
  readonly json?: unknown;
  readonly text?: string;
  readonly type?: string;
}

/** What is answered at a path; a function is asked each time, and `undefined` leaves the request without an answer. */
export type FakeRoute = FakeAnswer | ((parameters: URLSearchParams) => FakeAnswer | undefined);

/** A server that runs. */
export interface FakeServer {
  readonly issuer: string;
  /** The paths asked for so far. */
  readonly requests: string[];
  close(): Promise<void>;
}

/** Starts a server on a free port of 127.0.0.1; everything that has no route is 404. */
export async function startFakeServer(
  routes: (issuer: string) => Readonly<Record<string, FakeRoute>>,
): Promise<FakeServer> {
  const requests: string[] = [];
  const server = createServer(async (request, response) => {
    const path = new URL(request.url ?? "/", "http://localhost").pathname;
    requests.push(path);
    let body = "";
    for await (const chunk of request) body += new TextDecoder().decode(chunk as Uint8Array);
    const route = table[path] ?? { status: 404, text: "not found", type: "text/plain" };
    const answer = typeof route === "function" ? route(new URLSearchParams(body)) : route;
    if (answer === undefined) return;
    const type = answer.type ?? (answer.text === undefined ? "application/json" : "text/html");
    response.writeHead(answer.status ?? 200, { "content-type": type });
    response.end(answer.text ?? JSON.stringify(answer.json));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const table = routes(issuer);
  return {
    issuer,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Where metadata is looked for. */
export const METADATA = "/.well-known/openid-configuration";

/** Metadata that offers a device code, a token endpoint and nothing else. */
export function metadata(issuer: string, more: Record<string, unknown> = {}): FakeAnswer {
  return {
    json: {
      issuer,
      token_endpoint: `${issuer}/token`,
      device_authorization_endpoint: `${issuer}/device`,
      ...more,
    },
  };
}
