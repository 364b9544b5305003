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

function named(method: string): ClientAuthentication {
  return { method, apply: ({ parameters, clientId }) => parameters.set("client_id", clientId) };
}
