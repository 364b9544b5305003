/**
 * Logging out at the server (OpenID Connect RP-Initiated Logout 1.0).
 *
 * @module
 */

import { TokenError } from "../errors.ts";
import { checkUrl } from "../http/url.ts";
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
 * @throws {TokenError} `unsupported` when the server has none
 * @see RP-Initiated Logout 1.0 section 2
 */
export function endSessionUrl(issuer: Issuer, client: Client, parameters: EndSessionParameters = {}): string {
  const endpoint = issuer.metadata.end_session_endpoint;
  if (!endpoint) throw new TokenError("unsupported", "Cannot log out there: the server has no page for it");
  const { idTokenHint, logoutHint, postLogoutRedirectUri, state } = parameters;
  const url = checkUrl(endpoint, issuer.http);
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
