/**
 * Where a {@linkcode TokenSource} gets a token that it does not have: a grant, bound to its parameters.
 *
 * @module
 */

import { isTokenError, type TokenError } from "../errors.ts";
import { givenUp } from "../http/abort.ts";
import { withRetry } from "../http/retry.ts";
import type { Client } from "../oauth/client.ts";
import { jwtBearerGrant } from "../oauth/grants/assertion.ts";
import { clientCredentialsGrant } from "../oauth/grants/client_credentials.ts";
import { refreshTokenGrant, type RefreshTokenParameters } from "../oauth/grants/refresh_token.ts";
import { tokenExchangeGrant, type TokenExchangeParameters } from "../oauth/grants/token_exchange.ts";
import type { Issuer } from "../oauth/issuer.ts";
import type { TokenParameters } from "../oauth/token_request.ts";
import type { TokenSet } from "../oauth/token_set.ts";

/** What a source asks its grant for. */
export interface GrantRequest extends TokenParameters {
  /** The server that is asked. */
  readonly issuer: Issuer;
  /** Who asks. */
  readonly client: Client;
  /** For how long the token must be valid, in seconds; for a grant that has tokens of its own at hand. */
  readonly minValidity?: number;
  /** Whether such a token will not do. */
  readonly force?: boolean;
  /** Aborted when nobody waits for the token any more. */
  readonly signal?: AbortSignal;
}

/** A way to a token that needs nobody at the keyboard. */
export interface Grant {
  /** What is asked for when a call does not say. */
  readonly defaults: TokenParameters;
  /** Gets one token. */
  readonly obtain: (request: GrantRequest) => Promise<TokenSet>;
}

/**
 * The client credentials grant, for {@linkcode tokenSource}.
 *
 * @param defaults what is asked for when a call does not say
 * @see RFC 6749 section 4.4
 */
export function clientCredentials(defaults: TokenParameters = {}): Grant {
  return {
    defaults,
    obtain: ({ issuer, client, signal, ...parameters }) =>
      clientCredentialsGrant(issuer, client, parameters, { signal }),
  };
}

/** Parameters of {@linkcode refreshToken}. */
export interface RefreshTokenDefaults extends RefreshTokenParameters {
  /**
   * Told each new token set before its access token is handed out; keep its refresh token durably here. A rejection
   * fails the call.
   */
  onTokens?: (tokens: TokenSet) => void | Promise<void>;
}

/**
 * The refresh token grant, for {@linkcode tokenSource}: holds the newest refresh token in memory. Scopes and audiences
 * share one refresh token, so its requests go one after the other, and none is broken off once it has begun: the new
 * refresh token would be lost. After the server has called the refresh token dead it is not asked again.
 *
 * @see RFC 6749 section 6
 */
export function refreshToken(parameters: RefreshTokenDefaults): Grant {
  const { refreshToken: first, claims, grantedScope, onTokens, onRefreshToken, ...defaults } = parameters;
  let current = first;
  let dead: TokenError | undefined;
  let turn: Promise<unknown> = Promise.resolve();
  const keep = async (successor: string) => {
    current = successor;
    await onRefreshToken?.(successor);
  };
  const refresh = async ({ issuer, client, signal, ...narrowing }: GrantRequest): Promise<TokenSet> => {
    if (signal?.aborted) throw givenUp(false);
    if (dead) throw dead;
    const request = { ...narrowing, refreshToken: current, claims, grantedScope, onRefreshToken: keep };
    try {
      const tokens = await refreshTokenGrant(issuer, client, request);
      await onTokens?.(tokens);
      return tokens;
    } catch (error) {
      if (isTokenError(error) && error.serverError === "invalid_grant") dead = error;
      throw error;
    }
  };
  return {
    defaults,
    obtain: (request) => {
      const mine = turn.then(() => refresh(request));
      turn = mine.catch(() => {});
      return mine;
    },
  };
}

/**
 * A token exchange, for {@linkcode tokenSource}: the subject token is asked for each time, so that it is a fresh one.
 * Transient failures are retried.
 *
 * @see RFC 8693 section 2
 */
export function tokenExchange(
  subject: () => Promise<string>,
  parameters: Omit<TokenExchangeParameters, "subjectToken"> = {},
): Grant {
  const { subjectTokenType, actorToken, actorTokenType, requestedTokenType, ...defaults } = parameters;
  return {
    defaults,
    obtain: ({ issuer, client, signal, ...narrowing }) =>
      withRetry(issuer.http.clock, async () => {
        const subjectToken = await subject();
        const own = { subjectToken, subjectTokenType, actorToken, actorTokenType, requestedTokenType };
        return await tokenExchangeGrant(issuer, client, { ...narrowing, ...own }, { signal });
      }, { signal }),
  };
}

/**
 * The JWT bearer grant, for {@linkcode tokenSource}: the assertion is asked for each time. Transient failures are
 * retried.
 *
 * @see RFC 7523 section 2.1
 */
export function jwtBearer(assertion: () => Promise<string>, defaults: TokenParameters = {}): Grant {
  return {
    defaults,
    obtain: ({ issuer, client, signal, ...parameters }) =>
      withRetry(issuer.http.clock, async () => {
        const request = { ...parameters, assertion: await assertion() };
        return await jwtBearerGrant(issuer, client, request, { signal });
      }, { signal }),
  };
}
