/**
 * Tokens of one account: the refresh protocol on the account's file, with the access tokens in memory.
 *
 * @module
 */

import { TokenError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { clientCredentialsGrant } from "../oauth/grants/client_credentials.ts";
import { type CachedToken, cachedToken, type Narrowing, narrowingKey } from "../profile/cached_token.ts";
import { profileToken } from "../profile/profile_token.ts";
import type { Places } from "../profile/renewal.ts";
import { safeText } from "../safe_text.ts";
import type { IssuerSettings, OpenAccount } from "./account.ts";
import { type AccountConfig, speaksForItself } from "./account_config.ts";
import {
  accountParameters,
  type AccountServers,
  clientOfAccount,
  profileOfAccount,
  type ServerPlace,
} from "./account_server.ts";
import { accountOfBytes, accountOfSession, accountText, sessionOfAccount } from "./account_session.ts";

/** What is wanted of an account. */
export interface TokenWish {
  readonly scope?: string;
  /** One or several, separated by blanks. */
  readonly audience?: string;
  /** In seconds. */
  readonly minValidity?: number;
  readonly force?: boolean;
  /** The token must come with an ID token that is still good. */
  readonly idToken?: boolean;
}

/** The tokens of one account. */
export interface AccountTokens {
  /**
   * A valid token: from memory, or by the refresh token.
   *
   * @throws {TokenError} `sign_in_required` when that is dead, at once; as `profileToken`
   */
  get(wish: TokenWish): Promise<CachedToken>;
  /** Keeps the token that a sign-in has brought. */
  keep(token: CachedToken): void;
}

/** How many differently narrowed tokens are kept. */
const MOST_TOKENS = 64;

/** @param place how the server is reached, and what the account asks for by itself */
export function accountTokens(
  host: Host,
  home: OpenAccount,
  servers: AccountServers,
  place: ServerPlace & Pick<AccountConfig, "audience" | "refreshScope">,
  settings?: IssuerSettings,
): AccountTokens {
  const tokens = new Map<string, CachedToken>();

  function keep(token: CachedToken): void {
    tokens.delete(token.asked);
    tokens.set(token.asked, token);
    if (tokens.size > MOST_TOKENS) tokens.delete(tokens.keys().next().value!);
  }

  /** Without a server no session can be read: so it is asked for its metadata only when a token has to be renewed. */
  function places(): Places {
    let issuer: Awaited<ReturnType<AccountServers["reach"]>>;
    return {
      ...home,
      sessions: {
        ...home.sessions,
        read: async (name) => {
          issuer = await servers.reach(place);
          return await home.sessions.read(name);
        },
      },
      decode: (bytes) => sessionOfAccount(accountOfBytes(bytes), issuer.metadata),
      encode: (session) => new TextEncoder().encode(accountText(accountOfSession(session))),
      readToken: (asked) => Promise.resolve(tokens.get(asked)),
      markOf: (asked) => tokens.get(asked),
      writeToken: (token) => Promise.resolve(keep(token)),
    };
  }

  async function renewed(wish: TokenWish, narrowing: Narrowing): Promise<CachedToken> {
    const held = () => tokens.get(narrowingKey(narrowing));
    const issuer = await servers.reach(place).catch((error) => {
      const left = held();
      if (!left || !canServe(left, wish, host.clock.now() / 1000)) throw error;
      return undefined;
    });
    if (!issuer) return held()!;
    const stored = await home.sessions.read(home.name);
    if (!stored) {
      throw new TokenError("unknown_profile", `There is no account "${safeText(home.name, 80)}" any more`);
    }
    const account = accountOfBytes(stored.value);
    const profile = { ...profileOfAccount(account, issuer), name: home.name };
    const parameters = accountParameters(narrowing, issuer, settings);
    if (speaksForItself(account)) {
      const client = await clientOfAccount(account, issuer);
      const requestedAt = host.clock.now();
      const asked = { ...parameters, scope: parameters.scope ?? account.scope };
      const token = await clientCredentialsGrant(issuer, client, asked).catch((error) => {
        const left = held();
        if (left && canServe(left, wish, host.clock.now() / 1000)) return left;
        throw error;
      });
      const from = { issuer: issuer.issuer, profile: home.name, asked: narrowingKey(narrowing), requestedAt };
      const kept = "asked" in token ? token : cachedToken(token, from);
      keep(kept);
      return kept;
    }
    return await profileToken(host, profile, { ...wish, ...narrowing, parameters }, places());
  }

  const flights = new Map<string, Promise<CachedToken>>();

  /** Whoever wants the same waits for the same, but not who called the token bad: it wants one of later. */
  async function together(wish: TokenWish, narrowing: Narrowing): Promise<CachedToken> {
    if (wish.force) return await renewed(wish, narrowing);
    const key = JSON.stringify([narrowingKey(narrowing), wish.minValidity ?? 0, wish.idToken ?? false]);
    const flight = flights.get(key) ?? renewed(wish, narrowing).finally(() => flights.delete(key));
    flights.set(key, flight);
    return await flight;
  }

  return {
    keep,
    get: async (wish) => {
      const { scope = place.refreshScope, audience = place.audience } = wish;
      const narrowing = { ...(scope ? { scope } : {}), ...(audience ? { audience } : {}) };
      const now = host.clock.now() / 1000;
      return quickly(tokens.get(narrowingKey(narrowing)), wish, now) ?? await together(wish, narrowing);
    },
  };
}

/** A token that nobody has to think about: the answer of a thousand calls a day. */
function quickly(token: CachedToken | undefined, wish: TokenWish, now: number): CachedToken | undefined {
  if (!token || wish.force || wish.idToken || now >= token.softAt || now < token.issuedAt) return undefined;
  return token.expiresAt - now > (wish.minValidity ?? 0) ? token : undefined;
}

/** Whether a token that is due for renewal may still be handed out. */
function canServe(token: CachedToken, wish: TokenWish, now: number): boolean {
  const { force = false, idToken = false, minValidity = 0 } = wish;
  return !force && !idToken && token.expiresAt - now > minValidity;
}
