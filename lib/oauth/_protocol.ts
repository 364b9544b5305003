/**
 * The seam to the protocol library: its options for our transport, its errors as ours.
 *
 * @module
 */

import {
  allowInsecureRequests,
  type Client as ProtocolClient,
  type ClientAuth,
  clockSkew,
  customFetch,
} from "oauth4webapi";
import { isTokenError, TokenError } from "../errors.ts";
import { exchange } from "../http/http.ts";
import { successMembers } from "./_answer.ts";
import { authenticationOf, type Client } from "./client.ts";
import type { Issuer } from "./issuer.ts";
import type { Members } from "./quirks.ts";

/** The client in the form that the protocol library takes; its clock is set to ours. */
export function protocolClient(issuer: Issuer, client: Client): ProtocolClient {
  return {
    client_id: client.clientId,
    [clockSkew]: Math.round((issuer.http.clock.now() - Date.now()) / 1000),
  };
}

/** The client's authentication in the form that the protocol library takes. */
export function protocolAuthentication(client: Client): ClientAuth {
  const authentication = authenticationOf(client);
  return (server, { client_id }, parameters, headers) =>
    authentication.apply({ issuer: server.issuer, clientId: client_id, parameters, headers });
}

/** What an endpoint's answer has to go through before the protocol library sees it. */
export interface EndpointOptions {
  /** The endpoint in words, for messages. */
  readonly what: string;
  /** The only success status that the protocol library takes. Default: 200. */
  readonly status?: number;
  /** Writes the answer the way the standard has it. */
  readonly repair?: (members: Members) => Members;
  readonly signal?: AbortSignal;
  /** The longest answer, in bytes. Default: 128 KiB. */
  readonly limit?: number;
}

/** Options of the protocol library that send its requests through `lib/http`. */
export function through(issuer: Issuer, endpoint: EndpointOptions): {
  [customFetch]: (url: string, init: RequestInit) => Promise<Response>;
  [allowInsecureRequests]: boolean;
} {
  const { http } = issuer;
  return {
    [allowInsecureRequests]: http.allowInsecureLoopback,
    [customFetch]: async (url, init) => {
      const { method = "POST", headers, body } = init;
      const answer = await exchange(http, {
        url,
        method,
        headers,
        body,
        signal: endpoint.signal,
        limit: endpoint.limit,
      });
      const { status = 200, repair, what } = endpoint;
      const members = successMembers(answer, issuer, what, status);
      return Response.json(repair?.(members) ?? members, { status });
    },
  };
}

/**
 * Runs a step of the protocol library and turns what it throws into a {@linkcode TokenError}. Its own errors hold
 * tokens and claims in `cause`, so only their sentence is kept.
 */
export async function guarded<T>(step: () => T | Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    if (isTokenError(error)) throw error;
    const { code, message } = error as { code?: unknown; message?: unknown };
    if (typeof code !== "string" || !code.startsWith("OAUTH_")) throw error;
    const metadata = code.includes("METADATA") || code.includes("FORBIDDEN");
    throw new TokenError(
      metadata ? "invalid_metadata" : "invalid_response",
      `Cannot use the server's answer: ${String(message)}`,
    );
  }
}
