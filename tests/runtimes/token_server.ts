/**
 * The smallest authorization server there is: discovery and client credentials, on loopback.
 *
 * @module
 */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What the server answers to. */
export const clientId = "machine";
/** Reserved characters and a space: form-encoding before Base64 (RFC 6749 section 2.3.1) is part of the test. */
export const clientSecret = "s3cret:/+ é";

/** A server that runs. */
export interface TokenServer {
  readonly issuer: string;
  /** The form of each token request, in order. */
  readonly tokenRequests: URLSearchParams[];
  /** The access tokens handed out, in order. */
  readonly accessTokens: string[];
  close(): Promise<void>;
}

/** Starts a server on a free port. */
export async function startTokenServer(): Promise<TokenServer> {
  const tokenRequests: URLSearchParams[] = [];
  const accessTokens: string[] = [];
  let issuer = "";
  const server = createServer(async (request, response) => {
    if (request.url === "/.well-known/openid-configuration") return answer(response, 200, metadata(issuer));
    if (request.url !== "/token" || request.method !== "POST") return answer(response, 404, {});
    if (request.headers.authorization !== expectedAuthorization()) {
      return answer(response, 401, { error: "invalid_client" });
    }
    const form = new URLSearchParams(await bodyOf(request));
    tokenRequests.push(form);
    if (form.get("grant_type") !== "client_credentials") {
      return answer(response, 400, { error: "unsupported_grant_type" });
    }
    const accessToken = `access-token-${accessTokens.length + 1}`;
    accessTokens.push(accessToken);
    answer(response, 200, {
      access_token: accessToken,
      token_type: "Bearer",
      expires_in: 300,
      scope: form.get("scope") ?? "",
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    issuer,
    tokenRequests,
    accessTokens,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function metadata(issuer: string): Record<string, unknown> {
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    response_types_supported: ["code"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["RS256"],
    grant_types_supported: ["client_credentials"],
    token_endpoint_auth_methods_supported: ["client_secret_basic"],
  };
}

function expectedAuthorization(): string {
  const formEncoded = new URLSearchParams([[clientId, clientSecret]]).toString().replace("=", ":");
  return `Basic ${btoa(formEncoded)}`;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of request) text += decoder.decode(chunk, { stream: true });
  return text;
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(JSON.stringify(body));
}
