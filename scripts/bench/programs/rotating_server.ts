/**
 * An authorization server that takes each refresh token once, in a process of its own: prints its origin and runs until
 * its standard input ends. `/requests` says how many requests came to each endpoint so far.
 *
 * @module
 */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { Buffer } from "node:buffer";
import process from "node:process";
import { authorizationServer } from "../../../lib/testing/mod.ts";

/** How it behaves. */
export interface RotatingServerOptions {
  /** How long it takes for each answer, in milliseconds. */
  readonly latency: number;
  /** How long an access token lives, in seconds. */
  readonly life: number;
  /** A certificate for 127.0.0.1 and its key, in PEM. Default: no TLS. */
  readonly certificate?: { readonly cert: string; readonly key: string };
  /** Makes the answers of a refresh without an ID token. Default: with one. */
  readonly lean?: boolean;
}

const { latency, life, certificate, lean }: RotatingServerOptions = JSON.parse(process.argv[2]);
const LEFT_OUT = ["host", "connection", "content-length", "transfer-encoding"];

async function answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const { method = "GET", url = "/" } = incoming;
  const chunks: Uint8Array[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  if (url === "/requests") return void outgoing.end(JSON.stringify(counts()));
  const headers = Object.entries(incoming.headers).filter(([name]) => !LEFT_OUT.includes(name));
  const body = Buffer.concat(chunks).toString();
  const message = { method, headers: headers as [string, string][], ...(body ? { body } : {}) };
  const served = await (await server).fetch(new URL(url, origin), { ...message, redirect: "manual" });
  let bytes = new Uint8Array(await served.arrayBuffer());
  if (lean && body.includes("grant_type=refresh_token")) {
    const { id_token: _left, ...rest } = JSON.parse(new TextDecoder().decode(bytes));
    bytes = new TextEncoder().encode(JSON.stringify(rest));
  }
  setTimeout(() => {
    outgoing.writeHead(served.status, Object.fromEntries(served.headers));
    outgoing.end(bytes);
  }, latency);
}

function counts(): Record<string, number> {
  const found: Record<string, number> = {};
  for (const { endpoint } of started?.requests ?? []) found[endpoint] = (found[endpoint] ?? 0) + 1;
  return found;
}

const listener = certificate ? createTlsServer(certificate, answer) : createServer(answer);
// 10,000 callers of a peer make as many connections
await new Promise<void>((resolve) => listener.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, resolve));
const origin = `http${certificate ? "s" : ""}://127.0.0.1:${(listener.address() as AddressInfo).port}`;
const server = authorizationServer({
  issuer: origin,
  accessTokenLifetime: life,
  refreshTokens: "rotate-strict",
  clients: [{ clientId: "app" }, { clientId: "service", secret: "service-secret" }],
});
const started = await server;
process.stdout.write(`${origin}\n`);
process.stdin.resume().on("end", () => process.exit(0));
