/**
 * Logging out at the server (OpenID Connect RP-Initiated Logout 1.0).
 *
 * @module
 */

import { endpointOf } from "./_endpoint.ts";
import type { Client } from "./client.ts";
import type { Issuer } from "./issuer.ts";
import { formOf } from "./token_request.ts";

/** What a logout page is told. */
export interface EndSessionParameters {
  /** The ID token of the session that ends. */
  idTokenHint?: string;
  /** Whose session it is. */
  logoutHint?: string;
  /** Where the browser goes afterwards; it must be registered. */
  postLogoutRedirectUri?: string;
  /** Comes back with that redirect. */
  state?: string;
}

/**
 * The page that ends the browser's session at the server.
 *
 * @throws {TokenError} `unsupported` when the server has none, `invalid_metadata` when it is not `https`
 * @see RP-Initiated Logout 1.0 section 2
 */
export function endSessionUrl(issuer: Issuer, client: Client, parameters: EndSessionParameters = {}): string {
  const { idTokenHint, logoutHint, postLogoutRedirectUri, state } = parameters;
  const url = new URL(endpointOf(issuer, client, "end_session_endpoint", "a logout"));
  const form = formOf({
    id_token_hint: idTokenHint,
    logout_hint: logoutHint,
    client_id: client.clientId,
    post_logout_redirect_uri: postLogoutRedirectUri,
    state,
  });
  for (const [name, value] of form) url.searchParams.append(name, value);
  return url.href;
}
