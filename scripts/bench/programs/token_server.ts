/**
 * An authorization server in a process of its own: prints its origin and runs until its standard input ends.
 *
 * How it behaves is part of the issuer: `/LABEL/LATENCY/LIFETIMES`. It answers after LATENCY milliseconds; its first
 * token lives for the first of LIFETIMES (seconds, separated by commas, or `none` for no `expires_in`), the last one
 * goes for all that follow. Where LABEL begins with `refresh`, each answer has a refresh token. `/LABEL/…/requests` says how many token requests came.
 *
 * @module
 */

import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";

const tokenRequests = new Map<string, number>();

const server = createServer((request, response) => {
  const path = (request.url ?? "/").replace(/\?.*/, "");
  const [, label, latency, lifetimes] = path.split("/");
  const issuer = `/${label}/${latency}/${lifetimes}`;
  const count = tokenRequests.get(issuer) ?? 0;
  const later = (body: unknown) => setTimeout(() => answer(response, body), Number(latency));
  // the form is read so that the connection can be used again, and believed
  request.resume().on("end", () => {
    if (path === `${issuer}/requests`) return answer(response, count);
    if (path === `${issuer}/token`) {
      tokenRequests.set(issuer, count + 1);
      const refreshed = label.startsWith("refresh") ? { refresh_token: `refresh-${count}` } : {};
      return later({ ...tokens(lifetimes.split(","), count), ...refreshed });
    }
    later(metadata(`http://${request.headers.host}${issuer}`));
  });
});

function tokens(lifetimes: string[], count: number): Record<string, unknown> {
  const lifetime = lifetimes[Math.min(count, lifetimes.length - 1)];
  return {
    access_token: `token-${count}-${"x".repeat(900)}`,
    token_type: "Bearer",
    ...(lifetime === "none" ? {} : { expires_in: Number(lifetime) }),
  };
}

function metadata(issuer: string): Record<string, unknown> {
  return {
    issuer,
    token_endpoint: `${issuer}/token`,
    authorization_endpoint: `${issuer}/authorize`,
    jwks_uri: `${issuer}/jwks`,
    end_session_endpoint: `${issuer}/logout`,
    response_types_supported: ["code"],
    // the original oidc-agent wants these lists
    grant_types_supported: ["authorization_code", "client_credentials", "refresh_token"],
    scopes_supported: ["openid", "offline_access"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["RS256"],
    token_endpoint_auth_methods_supported: ["client_secret_post", "client_secret_basic"],
  };
}

function answer(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(JSON.stringify(body));
}

// 1,000 connections at once
server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => {
  process.stdout.write(
    `http://127.0.0.1:${(server.address() as AddressInfo).port}\n`,
  );
});
process.stdin.resume().on("end", () => process.exit(0));
