/**
 * The client: who asks.
 *
 * @module
 */

import type { Fetch } from "../http/http.ts";
import type { ClientAuthentication } from "./client_authentication.ts";
import type { DpopKey } from "./dpop.ts";
import type { Issuer } from "./issuer.ts";

/** An OAuth 2 client at one issuer. */
export interface Client {
  /** The client identifier (RFC 6749 section 2.2). */
  readonly clientId: string;
  /** How it proves who it is. Default: {@linkcode none}, a public client. */
  readonly authentication?: ClientAuthentication;
  /** The key that its tokens are bound to (RFC 9449). Default: none; tokens are bearer tokens. */
  readonly dpop?: DpopKey;
  /** What makes its requests: a Worker's mTLS binding, a proxy, a client with its own CA. Default: the issuer's. */
  readonly fetch?: Fetch;
  /**
   * Decrypts what the server encrypted to this client: ID tokens, UserInfo, introspection and JARM answers. It gets a
   * JWE in compact form (RFC 7516) and gives the signed JWT within, which is then judged as any other; bring a library
   * and a key, and take no algorithm but those that the client registered. Default: an encrypted answer is refused.
   */
  readonly decrypt?: (jwe: string) => string | Promise<string>;
}

/** The issuer as this client reaches it. */
export function issuerFor(issuer: Issuer, client: Client): Issuer {
  return client.fetch ? { ...issuer, http: { ...issuer.http, fetch: client.fetch } } : issuer;
}
