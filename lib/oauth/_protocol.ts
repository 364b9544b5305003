/**
 * The seam to the protocol library: its options for our transport, its errors as ours.
 *
 * @module
 */

import {
  type Client as ProtocolClient,
  clockSkew,
  OperationProcessingError,
  UnsupportedOperationError,
} from "oauth4webapi";
import { isTokenError, TokenError } from "../errors.ts";
import type { Client } from "./client.ts";
import type { Issuer } from "./issuer.ts";

/** The client in the form that the protocol library takes; its clock is set to ours. */
export function protocolClient(issuer: Issuer, client: Client): ProtocolClient {
  return {
    client_id: client.clientId,
    [clockSkew]: Math.round((issuer.http.clock.now() - Date.now()) / 1000),
  };
}

/**
 * Runs a step of the protocol library and turns what it throws into a {@linkcode TokenError}. Its own errors hold
 * tokens and claims in `cause`, so only their sentence is kept. Anything else is what the runtime says about bytes or
 * a key that it cannot use.
 */
export async function guarded<T>(step: () => T | Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    if (isTokenError(error)) throw error;
    const known = error instanceof OperationProcessingError || error instanceof UnsupportedOperationError;
    throw new TokenError(
      known && /METADATA|FORBIDDEN/.test(String(error.code)) ? "invalid_metadata" : "invalid_response",
      `Cannot use the server's answer: ${known ? error.message : "it cannot be verified"}`,
    );
  }
}
