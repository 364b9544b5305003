/**
 * The authorization server of the tests on a loopback port, for programs that have no `fetch` of ours.
 *
 * @module
 */

import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import {
  type AuthorizationServer,
  authorizationServer,
  type AuthorizationServerOptions,
} from "../../lib/testing/mod.ts";

/** A server that runs. */
export interface HttpServer {
  readonly server: AuthorizationServer;
  close(): Promise<void>;
}

/**
 * Starts one. The original oidc-agent sends `Basic id:` for a client that has no secret, which is no authentication by
 * RFC 6749 section 2.3.1: for it alone, and for exactly that, the header is taken away.
 */
export async function startHttpServer(options: AuthorizationServerOptions = {}): Promise<HttpServer> {
  const http = createServer((request, response) => {
    answer(request).then(async (answered) => {
      response.writeHead(answered.status, Object.fromEntries(answered.headers));
      response.end(new Uint8Array(await answered.arrayBuffer()));
    }, () => response.destroy());
  });
  await new Promise<void>((listening) => http.listen(0, "127.0.0.1", listening));
  const issuer = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const server = await authorizationServer({ ...options, issuer });

  async function answer(request: IncomingMessage): Promise<Response> {
    const headers = new Headers();
    for (const [name, value] of Object.entries(request.headers)) headers.set(name, String(value));
    let body = await textOf(request);
    const [, credentials = ""] = /^Basic (.+)$/.exec(headers.get("authorization") ?? "") ?? [];
    const [, id] = /^([^:]+):$/.exec(credentials && atob(credentials)) ?? [];
    // 4.x does not say its name
    if (id && /^(oidc-agent\b|$)/.test(headers.get("user-agent") ?? "")) {
      headers.delete("authorization");
      if (!new URLSearchParams(body).has("client_id")) body += `&client_id=${encodeURIComponent(id)}`;
    }
    headers.delete("content-length");
    const { method = "GET" } = request;
    return await server.fetch(`${issuer}${request.url}`, {
      method,
      headers,
      ...(method === "POST" ? { body } : {}),
    });
  }

  return {
    server,
    close: () =>
      new Promise((closed) => {
        http.close(() => closed());
        http.closeAllConnections();
      }),
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const piece of request) text += decoder.decode(piece as Uint8Array, { stream: true });
  return text;
}
