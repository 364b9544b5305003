/**
 * Client authentication by the certificate of the TLS connection (RFC 8705).
 *
 * The certificate itself is a matter of the `fetch` that the client uses: a Worker's mTLS binding, a Deno HTTP client,
 * Bun's `tls` option. These methods name the client and choose the endpoints' aliases.
 *
 * @module
 */

import type { ClientAuthentication } from "./client_authentication.ts";

/** `tls_client_auth`: a certificate from an authority that the server knows (RFC 8705 section 2.1). */
export function tlsClientAuth(): ClientAuthentication {
  return named("tls_client_auth");
}

/** `self_signed_tls_client_auth`: a certificate that was registered with the client (RFC 8705 section 2.2). */
export function selfSignedTlsClientAuth(): ClientAuthentication {
  return named("self_signed_tls_client_auth");
}

/** Pages for a browser: an alias of theirs means nothing (RFC 8705 section 5). */
const PAGES = ["authorization_endpoint", "end_session_endpoint"];

function named(method: string): ClientAuthentication {
  return {
    method,
    apply: ({ parameters, clientId }) => parameters.set("client_id", clientId),
    endpoint: ({ mtls_endpoint_aliases: aliases }, endpoint) =>
      PAGES.includes(endpoint) ? undefined : (aliases as Record<string, unknown> | undefined)?.[endpoint],
  };
}
