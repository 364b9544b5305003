/**
 * The authorization server of `@apex/token/testing` on a loopback port, for programs in other processes.
 *
 * @module
 */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import {
  type AuthorizationServer,
  authorizationServer,
  type AuthorizationServerOptions,
} from "../../lib/testing/mod.ts";

/** A request on its way to the server. */
export interface IncomingRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  readonly body: string;
  /** The port that it comes from. */
  readonly port: number;
  /** Whether the whole answer went out, when that is known. */
  readonly answered: Promise<boolean>;
  /** Breaks the connection: nothing is answered. */
  disconnect(): void;
}

/** Answers in place of the server, or lets it answer. */
export type Intercept = (
  request: IncomingRequest,
  pass: () => Promise<Response>,
) => Response | undefined | Promise<Response | undefined>;

/** A server that runs. */
export interface ServedAuthorizationServer {
  readonly server: AuthorizationServer;
  /** Its issuer and origin. */
  readonly origin: string;
  /** Puts something in between from now on; nothing takes it away again. */
  intercept(intercept?: Intercept): void;
  close(): Promise<void>;
}

/**
 * Starts one on a free port of 127.0.0.1.
 *
 * @param certificate for https. Default: http
 */
export async function serve(
  options: AuthorizationServerOptions = {},
  certificate?: { readonly key: string; readonly cert: string },
): Promise<ServedAuthorizationServer> {
  let intercept: Intercept | undefined;
  const scheme = certificate ? "https" : "http";
  const respond = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const answered = new Promise<boolean>((resolve) => {
      outgoing.on("finish", () => resolve(true)).on("close", () => resolve(false));
    });
    const disconnect = () => void incoming.socket.destroy();
    const request = { ...await requestOf(incoming, scheme), answered, disconnect };
    const { method, headers, body, url } = request;
    const pass = async () =>
      await (await starting).fetch(url, { method, headers, redirect: "manual", ...(body ? { body } : {}) });
    const answer = await intercept?.(request, pass) ?? await pass();
    outgoing.writeHead(answer.status, [...answer.headers].flat());
    outgoing.end(new Uint8Array(await answer.arrayBuffer()));
  };
  const listener = certificate ? createSecureServer({ ...certificate }, respond) : createServer(respond);
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const origin = `${scheme}://127.0.0.1:${(listener.address() as AddressInfo).port}`;
  const starting = authorizationServer({ issuer: origin, ...options });
  const server = await starting;
  return {
    server,
    origin,
    intercept: (next) => void (intercept = next),
    close: () =>
      new Promise((resolve) => {
        listener.close(() => resolve());
        listener.closeAllConnections();
      }),
  };
}

/** Headers that are about the connection, not about the message. */
const OF_THE_CONNECTION = ["host", "connection", "content-length", "transfer-encoding"];

async function requestOf(
  incoming: IncomingMessage,
  scheme: string,
): Promise<Omit<IncomingRequest, "answered" | "disconnect">> {
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (!OF_THE_CONNECTION.includes(name)) headers.set(name, [value ?? ""].flat().join(", "));
  }
  const decoder = new TextDecoder();
  let body = "";
  for await (const chunk of incoming) body += decoder.decode(chunk as Uint8Array, { stream: true });
  return {
    method: incoming.method ?? "GET",
    url: new URL(incoming.url ?? "/", `${scheme}://${incoming.headers.host}`),
    headers,
    body,
    port: incoming.socket.remotePort ?? 0,
  };
}
