/**
 * What a test can ask of the authorization server.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { JsonWebKeySet } from "./keys.ts";

/** How a client proves who it is (OpenID Connect Core section 9, RFC 8705 section 2). */
export type ClientAuthenticationMethod =
  | "none"
  | "client_secret_basic"
  | "client_secret_post"
  | "client_secret_jwt"
  | "private_key_jwt"
  | "tls_client_auth"
  | "self_signed_tls_client_auth";

/** A client that the server knows. What is left out is permitted. */
export interface TestClient {
  /** The `client_id`. */
  readonly clientId: string;
  /** Absent: without `jwks` and `certificateThumbprint` the client is public. */
  readonly secret?: string;
  /** The public keys of `private_key_jwt`, of signed request objects and of JWT bearer assertions. */
  readonly jwks?: JsonWebKeySet;
  /**
   * Assertions of somebody else that stand for the client, such as a CI job's: whose, for whom, and with what `aud`.
   * The issuer must be one of {@linkcode AuthorizationServerOptions.trustedIssuers}; the default `aud` is this server.
   */
  readonly federated?: { readonly issuer: string; readonly subject: string; readonly audience?: string };
  /** The certificate of mutual TLS; see {@linkcode AuthorizationServerOptions.mtlsAliases}. */
  readonly certificateThumbprint?: string;
  /** Default: every method for which the client has what it takes. */
  readonly authMethods?: readonly ClientAuthenticationMethod[];
  /** How Basic credentials are encoded: as RFC 6749 section 2.3.1 says, or raw. Default `"form"`. */
  readonly basicEncoding?: "form" | "raw" | "either";
  /** Default: any. A loopback address matches on every port (RFC 8252 section 7.3). */
  readonly redirectUris?: readonly string[];
  /** Default: any. */
  readonly postLogoutRedirectUris?: readonly string[];
  /** The `grant_type` values it may use. Default: all. */
  readonly grants?: readonly string[];
  /** The scope it may ask for, and gets when it asks for none. Default: any, and none. */
  readonly scope?: string;
  /** Only DPoP-bound tokens (RFC 9449 section 5.2). Default false. */
  readonly dpopBound?: boolean;
  /** Binds tokens to the certificate (RFC 8705 section 3). Default false. */
  readonly certificateBound?: boolean;
  /** Authorization requests only by PAR (RFC 9126 section 6). Default false. */
  readonly requirePushedAuthorization?: boolean;
  /** Authorization requests only as signed request objects (RFC 9101 section 10.5). Default false. */
  readonly requireSignedRequestObject?: boolean;
  /** Userinfo as a signed JWT. Default false: JSON, unless `Accept` asks for `application/jwt`. */
  readonly signedUserinfo?: boolean;
}

/** A person. */
export interface TestUser {
  /** The `sub` of tokens. */
  readonly subject: string;
  /** The name for the password grant and for hints. */
  readonly username: string;
  /** The password for the password grant. */
  readonly password: string;
  /** What the ID token and userinfo say besides `sub`. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** Whose assertions and foreign subject tokens the server believes. */
export interface TrustedIssuer {
  /** The `iss` of its JWTs. */
  readonly issuer: string;
  /** Its public keys. */
  readonly jwks: JsonWebKeySet;
}

/** What an extension grant leads to: tokens for `subject`, or an OAuth error. */
export type ExtensionGrantResult =
  | { readonly subject: string; readonly scope?: string }
  | { readonly error: string; readonly description?: string };

/** What a refresh does to the refresh token. */
export type RefreshTokenPolicy = "rotate-strict" | "rotate-grace" | "reuse" | "none";

/** Which server this one resembles where they differ visibly. */
export type FlavorName = "plain" | "keycloak" | "indigo-iam";

/** The signature algorithms of the server's own keys. */
export type SigningAlgorithm = "RS256" | "PS256" | "ES256" | "EdDSA";

/** The options of {@linkcode authorizationServer}; all have a default. */
export interface AuthorizationServerOptions {
  /** Default `"https://as.test"`. With `indigo-iam` discovery adds the last slash. */
  readonly issuer?: string;
  /** Default `"plain"`. */
  readonly flavor?: FlavorName;
  /** Default: the public client `app` and the confidential client `service` with the secret `service-secret`. */
  readonly clients?: readonly TestClient[];
  /** Default: `ada`, with the password `lovelace`. The first is the one who signs in unless a test says who. */
  readonly users?: readonly TestUser[];
  /** In seconds. Default 300. */
  readonly accessTokenLifetime?: number;
  /** In seconds. Default 30 days. */
  readonly refreshTokenLifetime?: number;
  /** Default `"rotate-strict"`; `"reuse"` with `keycloak` and `indigo-iam`. */
  readonly refreshTokens?: RefreshTokenPolicy;
  /** How long `rotate-grace` takes the previous token again, in seconds. Default 30. */
  readonly graceSeconds?: number;
  /** How often `rotate-strict` takes a used token again (Keycloak's `refreshTokenMaxReuse`). Default 0. */
  readonly maxReuse?: number;
  /** What the server signs everything with. Default `"ES256"`, the fastest to make a key for. */
  readonly idTokenAlg?: SigningAlgorithm;
  /** JWT access tokens (RFC 9068) rather than opaque ones. Default true. */
  readonly jwtAccessTokens?: boolean;
  /** What may be asked for. Default: anything, while the metadata names a few. */
  readonly scopesSupported?: readonly string[];
  /** The polling interval of the device grant and of CIBA, in seconds. Default 5. */
  readonly interval?: number;
  /** In seconds. Default 600; for CIBA too. */
  readonly deviceCodeLifetime?: number;
  /** In seconds. Default 60. */
  readonly authorizationCodeLifetime?: number;
  /** Default false. */
  readonly requirePushedAuthorization?: boolean;
  /** Demands a nonce in DPoP proofs at the authorization server and at the resource. Default false. */
  readonly requireDpopNonce?: boolean;
  /** PKCE on every authorization request. Default true. */
  readonly requirePkce?: boolean;
  /** PKCE on every device authorization request too, as Keycloak can. Default false. */
  readonly requireDevicePkce?: boolean;
  /** `iss` in authorization responses (RFC 9207). Default true. */
  readonly issParameter?: boolean;
  /** Which parameter names the audience. Default `"both"`; `"ignore"` with `keycloak`. */
  readonly audienceDialect?: "resource" | "audience" | "both" | "ignore";
  /** What `aud` of a client assertion must be. Default `"issuer"`; `"token-endpoint"` with `indigo-iam`. */
  readonly assertionAudience?: "issuer" | "token-endpoint" | "either";
  /**
   * Advertises `mtls_endpoint_aliases` at `mtls.` before the host, and takes the certificate only there. Default true.
   * There is no TLS here: the thumbprint comes in the request header `x-test-client-certificate`.
   */
  readonly mtlsAliases?: boolean;
  /** The demo resource. Default: `/api` on the issuer's host. */
  readonly resource?: string;
  /** The scope that the demo resource wants. Default none. */
  readonly resourceScope?: string;
  /** Who may register: anybody, holders of `initialAccessToken`, nobody. Default `"open"`. */
  readonly registration?: "open" | "token" | "none";
  /** Default `"initial-access-token"`. */
  readonly initialAccessToken?: string;
  /** Whose JWTs are taken as assertions and subject tokens, besides those of this server and its clients. */
  readonly trustedIssuers?: readonly TrustedIssuer[];
  /** Extension grants by their URI. */
  readonly extensionGrants?: Readonly<Record<string, (parameters: URLSearchParams) => ExtensionGrantResult>>;
  /** Who answers requests to other origins. Default: nobody; they fail as an unknown host does. */
  readonly elsewhere?: (input: string, init?: RequestInit) => Promise<Response>;
  /** Default: the machine's clock. */
  readonly clock?: Clock;
}
