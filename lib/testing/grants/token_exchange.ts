/**
 * Token exchange (RFC 8693).
 *
 * @module
 */

import { refusal } from "../answers.ts";
import { type Call, required, seconds } from "../call.ts";
import type { TokenRequest } from "../endpoints/token.ts";
import { type JsonObject, parseJwt } from "../jwt.ts";
import type { TestClient } from "../options.ts";
import type { Grant } from "../state.ts";
import { askedAudience, grantedScope, narrowedScope } from "../targets.ts";
import { openGrant, tokenAnswer } from "../tokens.ts";
import { believedClaims } from "./assertion.ts";

/** The `grant_type` of token exchange. */
export const TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";

const TYPE = "urn:ietf:params:oauth:token-type:";
const REQUESTABLE = ["access_token", "refresh_token", "id_token", "jwt"].map((name) => TYPE + name);

/** Whom a token speaks for. */
interface Party {
  readonly subject: string;
  readonly scope?: string;
  readonly act?: JsonObject;
}

/** Trades a subject token for another one. */
export async function tokenExchange(request: TokenRequest): Promise<JsonObject> {
  const { call, client, parameters, binding } = request;
  const { state } = call;
  const subject = await party(call, client, parameters, "subject");
  const actor = parameters.has("actor_token") ? await party(call, client, parameters, "actor") : undefined;
  if (actor === undefined && parameters.has("actor_token_type")) {
    throw refusal("invalid_request", "actor_token_type without actor_token");
  }
  const issued = parameters.get("requested_token_type") ?? `${TYPE}access_token`;
  if (!REQUESTABLE.includes(issued)) throw refusal("invalid_request", "No such token type can be issued");
  const asked = parameters.get("scope");
  const act = actor === undefined
    ? subject.act
    : { sub: actor.subject, ...(subject.act && { act: subject.act }) };
  const grant = openGrant(state, {
    clientId: client.clientId,
    subject: subject.subject,
    scope: subject.scope === undefined
      ? grantedScope(state, client, asked)
      : narrowedScope(subject.scope, asked),
    audience: askedAudience(state, parameters),
    authTime: seconds(state),
    ...(act === undefined ? {} : { actor: act }),
  });
  return await exchanged(call, grant, issued, binding);
}

async function exchanged(
  call: Call,
  grant: Grant,
  issued: string,
  binding: TokenRequest["binding"],
): Promise<JsonObject> {
  if (issued === `${TYPE}refresh_token`) {
    const { id_token: _, ...answer } = await tokenAnswer(call, { grant, binding, refreshToken: "first" });
    const { refresh_token: refreshToken } = answer;
    if (refreshToken === undefined) throw refusal("invalid_request", "There are no refresh tokens here");
    return call.state.flavor.exchangedRefreshTokenBeside
      ? { ...answer, issued_token_type: issued }
      : { access_token: refreshToken, token_type: "N_A", issued_token_type: issued };
  }
  if (issued === `${TYPE}id_token`) {
    const withIdentity = { ...grant, scope: "openid" };
    const { id_token, expires_in } = await tokenAnswer(call, { grant: withIdentity, binding });
    return { access_token: id_token, token_type: "N_A", expires_in, issued_token_type: issued };
  }
  const { id_token: _, ...answer } = await tokenAnswer(call, { grant, binding });
  return { ...answer, issued_token_type: issued };
}

async function party(
  call: Call,
  client: TestClient,
  parameters: URLSearchParams,
  role: "subject" | "actor",
): Promise<Party> {
  const token = required(parameters, `${role}_token`);
  const type = required(parameters, `${role}_token_type`);
  const found = type.startsWith(TYPE) ? await known(call, client, token, type.slice(TYPE.length)) : undefined;
  if (found === undefined) {
    throw refusal("invalid_request", `The ${role}_token is not valid, or not of that type`);
  }
  return found;
}

async function known(
  call: Call,
  client: TestClient,
  token: string,
  type: string,
): Promise<Party | undefined> {
  const { state } = call;
  const now = state.clock.now();
  const ours = type === "refresh_token" ? state.refreshTokens.get(token) : state.accessTokens.get(token);
  if (ours !== undefined) {
    if (type === "id_token" || ours.grant.revoked || ours.expiresAt <= now) return undefined;
    if ("revoked" in ours && ours.revoked) return undefined;
    const { subject, actor } = ours.grant;
    const scope = "scope" in ours ? ours.scope : ours.grant.scope;
    return { subject, scope, ...(actor === undefined ? {} : { act: actor }) };
  }
  const jwt = type === "refresh_token" ? undefined : parseJwt(token);
  if (jwt === undefined) return undefined;
  const { iss } = jwt.claims;
  const isOwn = iss === state.issuer || iss === state.settings.issuer;
  // An access token of this server that it does not remember was never issued; an ID token it does not keep.
  if (isOwn && type === "access_token") return undefined;
  const claims = await believedClaims(call, client, jwt);
  return typeof claims?.sub === "string" ? { subject: claims.sub } : undefined;
}
