/**
 * A new sign-in for an account that is held: the account stays as it is, with another refresh token.
 *
 * @module
 */

import { TokenError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import type { Client } from "../oauth/client.ts";
import type { Issuer } from "../oauth/issuer.ts";
import type { TokenSet } from "../oauth/token_set.ts";
import { cachedToken } from "../profile/cached_token.ts";
import type { OpenAccount } from "./account.ts";
import { type AccountConfig, speaksForItself } from "./account_config.ts";
import { type AccountServers, clientOfAccount } from "./account_server.ts";
import { accountOfBytes, accountText } from "./account_session.ts";
import { configOf, type Holding } from "./holdings.ts";

/** What a person is to sign in to. */
export interface RenewedSignIn {
  readonly account: AccountConfig;
  readonly issuer: Issuer;
  readonly client: Client;
  /** Keeps what the sign-in has brought: in the account's file first. */
  keep(tokens: TokenSet): Promise<void>;
}

/**
 * Prepares it.
 *
 * @throws {TokenError} `unsupported` for a client that speaks for itself; as discovery
 */
export async function renewedSignIn(
  host: Host,
  servers: AccountServers,
  holding: Holding,
): Promise<RenewedSignIn> {
  const account = await configOf(holding.home);
  if (speaksForItself(account)) {
    throw new TokenError("unsupported", "The client of this account speaks for itself: nobody signs in");
  }
  const issuer = await servers.reach(account);
  const client = await clientOfAccount(account, issuer);
  const requestedAt = host.clock.now();
  return {
    account,
    issuer,
    client,
    keep: async ({ refreshToken: brought, ...token }) => {
      const refreshToken = brought ?? account.refreshToken;
      const memory = {
        signedInAt: Math.floor(requestedAt / 1000),
        tokenEndpoint: issuer.metadata.token_endpoint,
      };
      await rewrite(holding.home, (now) => ({ ...now, refreshToken, memory }));
      const from = { issuer: issuer.issuer, profile: account.name, asked: "", requestedAt };
      holding.tokens.keep(cachedToken(token, from));
    },
  };
}

/** Writes an account that is held, whatever is there: this is the newest. */
export async function rewrite(
  home: OpenAccount,
  change: (account: AccountConfig) => AccountConfig,
): Promise<void> {
  const { name } = home;
  const lock = await home.lock(() => false);
  try {
    for (let tries = 0; tries < 100; tries++) {
      const stored = await home.sessions.read(name);
      if (!stored) return;
      const bytes = new TextEncoder().encode(accountText(change(accountOfBytes(stored.value))));
      if (await home.sessions.compareAndSet(name, stored.version, bytes) !== undefined) return;
    }
  } finally {
    lock?.release();
  }
}
