/**
 * What a sign-in is remembered by: the profile that was asked for, the session that came of it.
 *
 * @module
 */

import { TokenError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import type { Issuer } from "../oauth/issuer.ts";
import type { TokenSet } from "../oauth/token_set.ts";
import type { Flow, Provider } from "../providers.ts";
import type { Session } from "../session/session.ts";
import type { ClientSession } from "./client_of.ts";
import type { Profile } from "./profile.ts";
import type { SignInRequest } from "./sign_in.ts";

/**
 * The profile of a sign-in.
 *
 * @throws {TokenError} `invalid_argument` when nobody said which client it is
 */
export function profileOf(request: SignInRequest, issuer: Issuer, provider: Provider, flow: Flow): Profile {
  const { scope, clientId } = request;
  if (!clientId) {
    throw new TokenError("invalid_argument", `A client id is needed: ${provider.clientHint}`, {
      nextStep: "Give it with --client-id ID, or let the server make one with --register",
    });
  }
  return {
    format: 1,
    name: request.name,
    issuer: issuer.issuer,
    clientId,
    authentication: authenticationMethod(request, issuer),
    flow,
    ...(scope ? { scope } : {}),
    audience: provider.audience,
    quirks: [...provider.quirks],
    ...(request.registered ? { registered: true } : {}),
    ...(request.redirectUri ? { redirectUri: request.redirectUri } : {}),
    ...(request.secretFile ? { secretFile: request.secretFile } : {}),
    ...(request.privateKeyFile ? { privateKeyFile: request.privateKeyFile } : {}),
    ...(request.assertionFile ? { assertionFile: request.assertionFile } : {}),
    ...(request.keyId ? { keyId: request.keyId } : {}),
    ...(request.dpop ? { dpop: true } : {}),
    ...(request.pushed ? { pushed: true } : {}),
    ...(request.offline === false ? { offline: false } : {}),
    ...(request.username ? { username: request.username } : {}),
    ...(request.caFile ? { caFile: request.caFile } : {}),
    ...(request.allowInsecureLoopback ? { allowInsecureLoopback: true } : {}),
    protect: request.protect,
    ...(request.fastCache ? { fastCache: true } : {}),
  };
}

/**
 * Sees that the client has what its way of proving who it is needs, before anybody goes to a page to sign in.
 *
 * @throws {TokenError} `invalid_argument` when it has not
 */
export function checkProof(
  { authentication = "none", secretFile, clientSecret, privateKeyFile, assertionFile }: SignInRequest,
): void {
  if (privateKeyFile !== undefined && assertionFile !== undefined) {
    throw new TokenError("invalid_argument", "Cannot use a private key and an assertion at once", {
      nextStep: "Leave --private-key-file or --assertion-file out",
    });
  }
  if (authentication === "none") return;
  const [needs, has, option] = authentication === "private_key_jwt"
    ? ["a private key", (privateKeyFile ?? assertionFile) !== undefined, "--private-key-file FILE"]
    : ["a client secret", (secretFile ?? clientSecret) !== undefined, "--secret-file FILE"];
  if (has) return;
  throw new TokenError("invalid_argument", `Cannot use ${authentication} without ${needs}`, {
    nextStep: `Give it with ${option}`,
  });
}

function authenticationMethod(request: SignInRequest, issuer: Issuer): Profile["authentication"] {
  if (request.authentication) return request.authentication;
  if ((request.privateKeyFile ?? request.assertionFile) !== undefined) return "private_key_jwt";
  if (request.secretFile === undefined && request.clientSecret === undefined) return "none";
  // RFC 8414 section 2: client_secret_basic when the server does not say
  const methods = issuer.metadata.token_endpoint_auth_methods_supported ?? ["client_secret_basic"];
  return methods.includes("client_secret_basic") || !methods.includes("client_secret_post")
    ? "client_secret_basic"
    : "client_secret_post";
}

/** The session of a sign-in. */
export function sessionOf(
  host: Host,
  profile: Profile,
  issuer: Issuer,
  tokens: TokenSet,
  own: ClientSession,
): Session {
  return {
    format: 1,
    issuer: issuer.issuer,
    clientId: profile.clientId,
    metadata: issuer.metadata,
    signedInAt: Math.floor(host.clock.now() / 1000),
    ...(tokens.refreshToken ? { refreshToken: tokens.refreshToken } : {}),
    ...(tokens.refreshExpiresAt ? { refreshExpiresAt: tokens.refreshExpiresAt } : {}),
    ...(tokens.scope ? { scope: tokens.scope } : {}),
    ...(tokens.claims ? { claims: tokens.claims } : {}),
    ...(tokens.idToken ? { idToken: tokens.idToken } : {}),
    ...(own.clientSecret && !profile.secretFile ? { clientSecret: own.clientSecret } : {}),
    ...(own.dpopKey ? { dpopKey: own.dpopKey } : {}),
  };
}
