/**
 * Access tokens and ID tokens, and the token endpoint's answer around them.
 *
 * @module
 */

import { base64url, leftHalfHash, randomText } from "./bytes.ts";
import { type Call, seconds } from "./call.ts";
import { type JsonObject, secretKey, signJwt } from "./jwt.ts";
import { firstRefreshToken, givesRefreshTokens } from "./refresh_tokens.ts";
import type { Grant, State } from "./state.ts";

/** A grant to be: who, for whom, what for. */
export type NewGrant =
  & Pick<Grant, "clientId" | "subject" | "scope">
  & Partial<Pick<Grant, "audience" | "authTime" | "nonce" | "details" | "actor" | "jkt">>;

/** What the tokens are bound to. */
export interface Binding {
  readonly jkt?: string;
  readonly x5t?: string;
}

/** What to issue from a grant. */
export interface Issuance {
  readonly grant: Grant;
  readonly binding?: Binding;
  /** Default: the grant's. */
  readonly scope?: string;
  /** Default: the grant's, or else the demo resource. */
  readonly audience?: readonly string[];
  /** A refresh token: a first one where the server gives them, this one, or none. Default: none. */
  readonly refreshToken?: "first" | { readonly value: string | undefined };
  /** Whether the ID token repeats the nonce; not at a refresh (OpenID Connect Core section 12.2). Default true. */
  readonly nonce?: boolean;
}

/** What issuing needs of a call. */
export type IssuingCall = Pick<Call, "state" | "idTokenFault">;

/** Records what was agreed to. */
export function openGrant(state: State, wanted: NewGrant): Grant {
  const grant: Grant = {
    id: randomText(9),
    sid: randomText(9),
    audience: [],
    revoked: false,
    generation: -1,
    presented: 0,
    reused: 0,
    ...wanted,
  };
  state.grants.set(grant.id, grant);
  return grant;
}

/** Issues the tokens of a successful token request (RFC 6749 section 5.1). */
export async function tokenAnswer(call: IssuingCall, issuance: Issuance): Promise<JsonObject> {
  const { state } = call;
  const { grant, binding = {}, scope = grant.scope } = issuance;
  const accessToken = await issueAccessToken(state, issuance);
  const answer: JsonObject = {
    access_token: accessToken,
    token_type: binding.jkt === undefined ? "Bearer" : "DPoP",
    expires_in: state.settings.accessTokenLifetime,
  };
  if (scope !== "") answer.scope = scope;
  const refreshToken = issuance.refreshToken === "first"
    ? givesRefreshTokens(state, scope) ? firstRefreshToken(state, grant) : undefined
    : issuance.refreshToken?.value;
  if (refreshToken !== undefined) answer.refresh_token = refreshToken;
  if (scope.split(" ").includes("openid") && grant.authTime !== undefined) {
    answer.id_token = await issueIdToken(call, grant, accessToken, issuance.nonce ?? true);
  }
  if (grant.details !== undefined) answer.authorization_details = grant.details;
  const refreshExpiresIn = refreshToken === undefined ? undefined : state.settings.refreshTokenLifetime;
  return { ...answer, ...state.flavor.tokenAnswer(refreshExpiresIn, grant.sid) };
}

/** The confirmation of a bound token (RFC 9449 section 6.1, RFC 8705 section 3.1). */
export function confirmation({ jkt, x5t }: Binding): JsonObject {
  if (jkt !== undefined) return { cnf: { jkt } };
  return x5t === undefined ? {} : { cnf: { "x5t#S256": x5t } };
}

async function issueAccessToken(state: State, issuance: Issuance): Promise<string> {
  const { grant, binding = {}, scope = grant.scope } = issuance;
  const asked = issuance.audience ?? grant.audience;
  const audience = asked.length === 0 ? [state.endpoints.resource] : asked;
  const iat = seconds(state);
  const exp = iat + state.settings.accessTokenLifetime;
  const claims = {
    iss: state.settings.issuer,
    sub: grant.subject,
    aud: audience.length === 1 ? audience[0] : audience,
    client_id: grant.clientId,
    iat,
    exp,
    jti: randomText(),
    ...(scope === "" ? {} : { scope }),
    ...(grant.authTime === undefined ? {} : { auth_time: grant.authTime }),
    ...(grant.details === undefined ? {} : { authorization_details: grant.details }),
    ...(grant.actor === undefined ? {} : { act: grant.actor }),
    ...confirmation(binding),
  };
  const token = state.settings.jwtAccessTokens
    ? await state.keys.sign({ typ: state.flavor.accessTokenType }, claims)
    : randomText(32);
  const times = { issuedAt: iat * 1000, expiresAt: exp * 1000 };
  state.accessTokens.set(token, { grant, scope, audience, ...times, ...binding, revoked: false });
  return token;
}

async function issueIdToken(
  call: IssuingCall,
  grant: Grant,
  accessToken: string,
  nonce: boolean,
): Promise<string> {
  const { state } = call;
  const iat = seconds(state);
  const claims = {
    iss: state.issuer,
    sub: grant.subject,
    aud: grant.clientId,
    iat,
    exp: iat + state.settings.accessTokenLifetime,
    auth_time: grant.authTime,
    sid: grant.sid,
    at_hash: await leftHalfHash(accessToken, state.keys.algorithm),
    ...(nonce && grant.nonce !== undefined ? { nonce: grant.nonce } : {}),
    ...state.users.find((user) => user.subject === grant.subject)?.claims,
  };
  return await signIdToken(call, grant, claims);
}

/** Signs, or does what a fault wants instead. */
async function signIdToken(call: IssuingCall, grant: Grant, right: JsonObject): Promise<string> {
  const { keys, clients } = call.state;
  const fault = call.idTokenFault ?? {};
  // JSON.stringify leaves out what is undefined.
  const claims = { ...right, ...fault.claims };
  const header = { ...fault.header };
  switch (fault.signature) {
    case undefined:
      return await keys.sign(header, claims);
    case "stranger":
      return await keys.signAsStranger(header, claims);
    case "client-secret": {
      const key = await secretKey("HS256", clients.get(grant.clientId)?.secret ?? grant.clientId);
      return await signJwt({ alg: "HS256", ...header }, claims, key);
    }
    case "none":
      return `${base64url(JSON.stringify({ alg: "none", ...header }))}.${base64url(JSON.stringify(claims))}.`;
    case "garbage":
      return (await keys.sign(header, claims)).replace(/\.[^.]*$/, `.${randomText(64)}`);
  }
}
