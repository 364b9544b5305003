/**
 * Access tokens that many processes share, for grants that spend nothing: the client's own credentials, an assertion.
 *
 * ```ts ignore
 * import { clientCredentials, tokenSource } from "@apex/token";
 * import { storedTokens } from "@apex/token/stores";
 *
 * const grant = storedTokens(clientCredentials({ scope: "openid roles" }), { store, key, name: "catalogue" });
 * const source = tokenSource(issuer, client, grant);
 * ```
 *
 * @module
 */

import { type Clock, systemClock } from "../clock.ts";
import { isTokenError, TokenError } from "../errors.ts";
import { issuerFor } from "../oauth/client.ts";
import type { TokenSet } from "../oauth/token_set.ts";
import type { Store } from "../store/store.ts";
import { type StoreKey, storeParts } from "./_store_parts.ts";
import { commonPorts, type Memory, type Run, tokenOf } from "./_stored_run.ts";
import { type StoredToken, storedToken, tokenShelf, type Wish, wishKey } from "./_stored_token.ts";
import type { Grant, GrantRequest } from "./grant.ts";
import type { Kept } from "./refresh_events.ts";
import { type StoreDriver, storeDriver } from "./store_driver.ts";

/** Options of {@linkcode storedTokens}. */
export interface StoredTokensOptions {
  /** Where they are: any store. With leases there is one request for all processes; without, one for each at worst. */
  store: Store;
  /** The 32 bytes that everything in the store is encrypted with, or where to get them; the same in all processes. */
  key: Uint8Array | (() => Uint8Array | Promise<Uint8Array>);
  /** The name of the tokens in the store: a different one for each subject that the grant speaks for. */
  name: string;
  /** Default: the clock of the machine. */
  clock?: Clock;
}

/**
 * Shares the access tokens of a grant through a store. Refresh tokens in its answers are dropped: a sign-in belongs into
 * a `storedSession`.
 *
 * While the store is down, each process asks the server for itself: nothing is spent by that.
 *
 * @param grant such as `clientCredentials()`
 * @throws {TokenError} `key` when the key is not 32 bytes
 */
export function storedTokens(grant: Grant, options: StoredTokensOptions): Grant {
  const { store, key, name, clock = systemClock } = options;
  const { attempts, tokens, prepare } = storeParts(store, key as StoreKey);
  const shelf = tokenShelf(tokens, name, clock);
  const memory: Memory = new Map();

  function run(request: GrantRequest, asked: string, place: string, wish: Wish, losses: number): Run<Kept> {
    const { issuer, client, signal } = request;
    const driver = driverOf(issuerFor(issuer, client).http.timeout, place, losses);
    const never = () => Promise.reject(new TokenError("internal", "A client's own tokens have no session"));
    return {
      driver,
      ports: {
        ...commonPorts({ driver, clock, wish, keep: (token: StoredToken) => shelf.keep(token), signal }),
        name: place,
        sessions: nothing(store),
        attempts,
        encode: () => new Uint8Array(),
        decode: () => ({ signedInAt: 0 }),
        readToken: () => shelf.read(asked),
        prepare: () => Promise.resolve(),
        present: never,
        interpret: never,
        obtain: async () => {
          await prepare();
          // at worst somebody else asks too
          if (store.lease) await driver.secure(false).catch(() => {});
          const requestedAt = clock.now();
          return storedToken(accessTokenOf(await grant.obtain(request)), { asked, requestedAt });
        },
      },
    };
  }

  function driverOf(exchange: number, place: string, losses: number): StoreDriver {
    if (store.lease) {
      const lease = (milliseconds: number) => store.lease!(`token/${place}`, milliseconds);
      return storeDriver({ sessions: nothing(store), lease, clock, exchange, losses });
    }
    return {
      sessions: nothing(store),
      lock: () => Promise.resolve(() => Promise.resolve()),
      secure: () => Promise.resolve(),
      received: () => Promise.resolve(),
      lost: () => false,
    };
  }

  return {
    defaults: grant.defaults,
    obtain: async (request) => {
      const asked = wishKey(request.issuer, request.client, request);
      const place = await shelf.keyOf(asked);
      try {
        return await tokenOf(
          request,
          asked,
          memory,
          (wish, losses) => run(request, asked, place, wish, losses),
          false,
        );
      } catch (error) {
        if (!isTokenError(error) || error.code !== "storage") throw error;
        return accessTokenOf(await grant.obtain(request));
      }
    },
  };
}

function accessTokenOf({ refreshToken: _dropped, ...token }: TokenSet): Omit<TokenSet, "refreshToken"> {
  return token;
}

/** Where no session ever is. */
function nothing({ capabilities }: Store): Store {
  return {
    capabilities,
    read: () => Promise.resolve(undefined),
    compareAndSet: () => Promise.resolve(undefined),
    remove: () => Promise.resolve(false),
  };
}
