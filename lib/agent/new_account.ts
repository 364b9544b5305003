/**
 * From what a client's `gen` says to an account with a refresh token: the grants, one function each.
 *
 * @module
 */

import { isTokenError, TokenError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import type { Client } from "../oauth/client.ts";
import { passwordGrant } from "../oauth/grants/password.ts";
import { refreshTokenGrant } from "../oauth/grants/refresh_token.ts";
import type { Issuer } from "../oauth/issuer.ts";
import type { TokenParameters } from "../oauth/token_request.ts";
import type { TokenSet } from "../oauth/token_set.ts";
import { cachedToken } from "../profile/cached_token.ts";
import type { AccountConfig } from "./account_config.ts";
import { accountJson } from "./account_config.ts";
import { accountParameters, type AccountServers, clientOfAccount } from "./account_server.ts";
import type { Holdings } from "./holdings.ts";
import { memoryAccount } from "./memory_account.ts";
import { success } from "./replies.ts";
import type { AgentReply } from "./requests.ts";
import { successorOf } from "./successor.ts";

/** What signing in needs. */
export interface SignInContext {
  readonly host: Host;
  readonly servers: AccountServers;
  readonly holdings: Holdings;
}

/** One sign-in: the server, the client, what is asked for. */
export interface AccountSignIn {
  readonly account: AccountConfig;
  readonly issuer: Issuer;
  readonly client: Client;
  readonly parameters: TokenParameters;
  /** Whether an access token is all that is wanted. */
  readonly onlyAt: boolean;
  /** When it began, in epoch milliseconds. */
  readonly requestedAt: number;
}

/** Prepares a sign-in: scopes are completed as oidc-agent does it. */
export async function prepareSignIn(
  { host, servers }: SignInContext,
  given: AccountConfig,
  onlyAt: boolean,
): Promise<AccountSignIn> {
  const issuer = await servers.reach(given);
  const account = { ...given, scope: completeScope(given, issuer, onlyAt) };
  const client = await clientOfAccount(account, issuer);
  const parameters = accountParameters({ scope: account.scope, audience: account.audience }, issuer);
  return { account, issuer, client, parameters, onlyAt, requestedAt: host.clock.now() };
}

/** `max` is every scope of the server; `openid` and `offline_access` are added where they mean something. */
export function completeScope({ scope = "", oauth }: AccountConfig, issuer: Issuer, onlyAt: boolean): string {
  const supported = issuer.metadata.scopes_supported;
  const asked = scope === "max" ? supported ?? [] : scope.split(/\s+/).filter(Boolean);
  const lasting = !onlyAt && (supported === undefined || supported.includes("offline_access"));
  return [...new Set([...(oauth ? [] : ["openid"]), ...asked, ...(lasting ? ["offline_access"] : [])])].join(
    " ",
  );
}

/** Asks once more without `offline_access` where the client may not have it: many servers renew without it. */
export async function withoutOfflineAccess<T>(
  signIn: AccountSignIn,
  work: (signIn: AccountSignIn) => Promise<T>,
): Promise<T> {
  try {
    return await work(signIn);
  } catch (error) {
    const words = signIn.parameters.scope?.split(" ") ?? [];
    const isAsked = words.includes("offline_access");
    if (!isTokenError(error) || error.serverError !== "invalid_scope" || !isAsked) throw error;
    const scope = words.filter((word) => word !== "offline_access").join(" ");
    const parameters = { ...signIn.parameters, scope };
    return await work({ ...signIn, account: { ...signIn.account, scope }, parameters });
  }
}

/** The password grant, with the name and the password of the account. */
export async function byPassword({ account, issuer, client, parameters }: AccountSignIn): Promise<TokenSet> {
  const { username, password } = account;
  if (!username || !password) {
    throw new TokenError("invalid_argument", "Cannot sign in: user name or password is missing");
  }
  return await passwordGrant(issuer, client, { ...parameters, username, password });
}

/** A refresh token that somebody brought along. */
export async function byRefreshToken({ account, issuer, client }: AccountSignIn): Promise<TokenSet> {
  const { refreshToken } = account;
  if (!refreshToken) throw new TokenError("invalid_argument", "Cannot sign in: there is no refresh token");
  return await refreshTokenGrant(issuer, client, { refreshToken });
}

/**
 * Holds the account of a sign-in that has succeeded.
 *
 * @returns the reply with the account, for whoever began it and nobody else
 */
export async function finishSignIn(
  { host, holdings }: SignInContext,
  { account, issuer, onlyAt, requestedAt }: AccountSignIn,
  tokens: TokenSet,
): Promise<AgentReply> {
  if (onlyAt) {
    return success({
      access_token: tokens.accessToken,
      issuer: account.issuer,
      expires_at: tokens.expiresAt,
    });
  }
  const { refreshToken, ...token } = tokens;
  if (!refreshToken) {
    throw new TokenError("server_refused", "Could not get a refresh token", {
      nextStep: "The client may not have one: ask for the scope offline_access, or use another client",
    });
  }
  const signedInAt = Math.floor(host.clock.now() / 1000);
  const { password: _password, ...kept } = account;
  const whole: AccountConfig = {
    ...kept,
    issuer: account.issuer || issuer.issuer,
    refreshToken,
    memory: { signedInAt, tokenEndpoint: issuer.metadata.token_endpoint },
  };
  // until the client has saved it and says what opens the file, a renewal must not get lost
  const home = await memoryAccount(whole, successorOf(host, whole).write);
  const holding = await holdings.load(home, {}, false);
  holding.tokens.keep(
    cachedToken(token, { issuer: issuer.issuer, profile: whole.name, asked: "", requestedAt }),
  );
  return success({ config: accountJson(whole) });
}
