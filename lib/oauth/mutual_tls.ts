/**
 * Client authentication by the certificate of the TLS connection (RFC 8705).
 *
 * The certificate itself is a matter of the `fetch` that the client uses: a Worker's mTLS binding, a Deno HTTP client,
 * Bun's `tls` option. What is here names the client and chooses the endpoints' aliases.
 *
 * @module
 */

import { type ClientAuthentication, none } from "./client_authentication.ts";

/** `tls_client_auth`: a certificate from an authority that the server knows (RFC 8705 section 2.1). */
export function tlsClientAuth(): ClientAuthentication {
  return { ...mutualTls(), method: "tls_client_auth" };
}

/** `self_signed_tls_client_auth`: a certificate that was registered with the client (RFC 8705 section 2.2). */
export function selfSignedTlsClientAuth(): ClientAuthentication {
  return { ...mutualTls(), method: "self_signed_tls_client_auth" };
}

/**
 * Another authentication over a TLS connection with a client certificate, to which the server then binds the tokens
 * (RFC 8705 sections 3 and 4): `clientSecretBasic(…)`, `privateKeyJwt(…)`, or none.
 *
 * @param authentication how the client proves who it is. Default: {@linkcode none}, a public client
 */
export function mutualTls(authentication: ClientAuthentication = none()): ClientAuthentication {
  return { ...authentication, endpoint: alias };
}

/** Pages for a browser: an alias of theirs means nothing (RFC 8705 section 5). */
const PAGES = ["authorization_endpoint", "end_session_endpoint"];

const alias: ClientAuthentication["endpoint"] = ({ mtls_endpoint_aliases: aliases }, endpoint) =>
  PAGES.includes(endpoint) ? undefined : (aliases as Record<string, unknown> | undefined)?.[endpoint];
