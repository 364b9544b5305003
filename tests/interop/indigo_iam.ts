/**
 * A server that answers as INDIGO IAM 1.12 does, over HTTP: the authorization server of `@apex/token/testing` with IAM's
 * habits, on a socket.
 *
 * @module
 */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type AuthorizationServer, authorizationServer } from "../../lib/testing/mod.ts";

/** What IAM offers to everybody; each instance adds its own. */
export const IAM_SCOPES: readonly string[] = [
  ...["openid", "profile", "email", "address", "phone", "offline_access"],
  ...["wlcg", "wlcg.groups", "storage.read:/", "storage.create:/", "storage.modify:/", "compute.read"],
  ...["eduperson_scoped_affiliation", "eduperson_entitlement"],
];

/** How the fixture is set up. */
export interface IndigoIamOptions {
  /** The issuer as it is configured: without the slash that discovery puts behind it. Default: the socket's own. */
  readonly issuer?: string;
  readonly accessTokenLifetime?: number;
  /** Restricted scopes that an administrator gave to nobody: they are left out of what is registered. */
  readonly scopes?: readonly string[];
}

/** The fixture while it runs. */
export interface IndigoIam {
  /** The issuer as discovery names it: with a slash at its end. */
  readonly issuer: string;
  /** Where it listens, on 127.0.0.1. */
  readonly port: number;
  /** What it has seen, and what people decide. */
  readonly server: AuthorizationServer;
  close(): Promise<void>;
}

/** Starts the fixture on a free port of 127.0.0.1. */
export async function startIndigoIam(options: IndigoIamOptions = {}): Promise<IndigoIam> {
  const { accessTokenLifetime = 3600, scopes = IAM_SCOPES } = options;
  const http = createServer();
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const { port } = http.address() as AddressInfo;
  const issuer = options.issuer ?? `http://127.0.0.1:${port}`;
  const server = await authorizationServer({
    issuer,
    flavor: "indigo-iam",
    accessTokenLifetime,
    scopesSupported: scopes,
    clients: [],
  });
  http.on("request", (request, response) => void answer(server, issuer, request, response));
  return {
    issuer: `${issuer}/`,
    port,
    server,
    close: () =>
      new Promise((resolve) => {
        http.close(() => resolve());
        http.closeAllConnections();
      }),
  };
}

async function answer(
  server: AuthorizationServer,
  issuer: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk as Uint8Array);
  const method = request.method ?? "GET";
  const headers = Object.entries(request.headers).map((
    [name, value],
  ) => [name, [value ?? ""].flat().join(", ")]);
  const body = chunks.map((chunk) => new TextDecoder().decode(chunk)).join("");
  const given = await server.fetch(new URL(request.url ?? "/", `${issuer}/`).href, {
    method,
    headers: Object.fromEntries(headers),
    ...(method === "GET" || method === "DELETE" ? {} : { body }),
  });
  response.writeHead(given.status, Object.fromEntries(given.headers));
  response.end(new Uint8Array(await given.arrayBuffer()));
}
