/**
 * A sign-in that many processes on many machines share, in a store past one machine.
 *
 * ```ts ignore
 * import { discover, tokenSource } from "@apex/token";
 * import { storedSession } from "@apex/token/stores";
 * import { redisStore } from "@apex/token/stores/redis";
 *
 * const store = await redisStore(client);
 * const session = storedSession({ store, key, name: "catalogue" });
 * await session.save(issuer, app, tokens); // once, after the sign-in
 *
 * const source = tokenSource(issuer, app, session); // in every process
 * ```
 *
 * @module
 */

import { type Clock, systemClock } from "../clock.ts";
import { TokenError } from "../errors.ts";
import type { Client } from "../oauth/client.ts";
import type { Issuer } from "../oauth/issuer.ts";
import type { TokenParameters } from "../oauth/token_request.ts";
import type { IdTokenClaims, TokenSet } from "../oauth/token_set.ts";
import { requireForRefreshTokens } from "../store/requirements.ts";
import type { Store } from "../store/store.ts";
import { identity, parametersOf } from "./_cache_key.ts";
import { type StoreKey, storeParts } from "./_store_parts.ts";
import { type SessionGround, sessionRun } from "./_session_run.ts";
import { inWordsOfStore, type Memory, requireLeases, tokenOf } from "./_stored_run.ts";
import { storedToken, tokenShelf, wishKey } from "./_stored_token.ts";
import { rememberingAnswers } from "./_unsaved_answers.ts";
import type { Grant } from "./grant.ts";
import { fingerprint } from "./refresh_attempt.ts";
import { decodeSession, encodeSession, type Session } from "./session.ts";

/** Options of {@linkcode storedSession}. */
export interface StoredSessionOptions {
  /** Where it is: with compare-and-set, leases, durable, and strong in what it reads. */
  store: Store;
  /** The 32 bytes that everything in the store is encrypted with, or where to get them; the same in all processes. */
  key: Uint8Array | (() => Uint8Array | Promise<Uint8Array>);
  /** The name of the sign-in in the store, such as the id of a user. */
  name: string;
  /** What is asked for when a call does not say. Default: all that was granted. */
  defaults?: TokenParameters;
  /**
   * Told of each renewal that is under way. In a Worker, `(work) => ctx.waitUntil(work)`: then a visitor who leaves does
   * not cut off a renewal whose refresh token is already spent.
   */
  waitUntil?: (work: Promise<unknown>) => void;
  /** Default: the clock of the machine. */
  clock?: Clock;
}

/** Options of {@linkcode StoredSession.save}. */
export interface SaveOptions {
  /** Whether a sign-in that is there is replaced. Default: true. */
  replace?: boolean;
}

/** What is known of a sign-in without using it. */
export interface SignedIn {
  /** When the sign-in was, in epoch seconds. */
  readonly signedInAt: number;
  /** The scope that was granted. */
  readonly scope?: string;
  /** Who signed in. */
  readonly claims?: IdTokenClaims;
  /** Set when the server has ended it: when, in epoch seconds, and its words. */
  readonly ended?: { readonly at: number; readonly words: string };
}

/** A sign-in in a store. Made by {@linkcode storedSession}; give it to `tokenSource` or `tokenCache` as their grant. */
export interface StoredSession extends Grant {
  /**
   * Keeps what a sign-in brought; from then on nothing else may use its refresh token. The same tokens a second time
   * change nothing: they may be kept again after an error, or by each process when it starts.
   *
   * @param tokens with a refresh token
   * @returns whether it was kept: not where one is there and `replace` is false
   * @throws {TokenError} `invalid_argument` without a refresh token; `storage`, `key`
   */
  save(issuer: Issuer, client: Client, tokens: TokenSet, options?: SaveOptions): Promise<boolean>;
  /**
   * What is there, if anything is.
   *
   * @throws {TokenError} `storage`, `key`
   */
  read(): Promise<SignedIn | undefined>;
  /**
   * Forgets the sign-in, for which no key is needed; its refresh token is not revoked by that.
   *
   * @returns whether there was one
   * @throws {TokenError} `storage`
   */
  remove(): Promise<boolean>;
}

/**
 * A sign-in in a store: a grant with one refresh for all processes that share it.
 *
 * Whoever gets the lease renews; all others wait for the token that it brings, or go on with theirs while that is good.
 * The successor of a refresh token is durable before an access token is handed out. Nothing is renewed without the
 * store: while it is down, a token that is still good is served, then there is an error.
 *
 * @throws {TokenError} `unsupported` when the store lacks compare-and-set, durability, strong reads or leases; `key`
 * when the key is not 32 bytes
 * @see RFC 9700 section 4.14.2
 */
export function storedSession(options: StoredSessionOptions): StoredSession {
  const { store, key, name, defaults = {}, waitUntil, clock = systemClock } = options;
  requireForRefreshTokens(store);
  requireLeases(store);
  const { sessions, attempts, tokens, prepare } = storeParts(store, key as StoreKey);
  const shelf = tokenShelf(tokens, name, clock);
  const noted = rememberingAnswers(attempts);
  const lease = (milliseconds: number) => store.lease!(`session/${name}`, milliseconds);
  const ground: SessionGround = { name, sessions, attempts: noted, shelf, lease, clock, prepare };
  const memory: Memory = new Map();
  const inWords = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error) => {
      throw inWordsOfStore(error, name);
    });

  return {
    defaults,
    obtain: async (request) => {
      const asked = wishKey(request.issuer, request.client, request);
      const work = tokenOf(
        request,
        asked,
        memory,
        (wish, losses) => sessionRun(ground, request, asked, wish, losses),
        true,
      );
      waitUntil?.(work.catch(() => {}));
      return await inWords(work);
    },
    save: async (issuer, client, tokenSet, { replace = true } = {}) => {
      const { refreshToken, accessToken, scope, claims, idToken, refreshExpiresAt } = tokenSet;
      if (!refreshToken) {
        throw new TokenError("invalid_argument", "Cannot keep the sign-in: it has no refresh token", {
          nextStep: 'Ask for the scope "offline_access" where the server knows it',
        });
      }
      const now = clock.now();
      const origin = fingerprint(refreshToken);
      for (let tries = 0; tries < 100; tries++) {
        const found = await inWords(sessions.read(name));
        if (found && !replace) return false;
        const before = found && decodeSession(found.value);
        // kept before, perhaps unheard: what has become of its refresh token since is newer than what is given here
        const isOfBoth = before?.issuer === issuer.issuer && before.clientId === client.clientId;
        if (isOfBoth && before.origin === origin && !before.dead) return true;
        const session: Session = {
          format: 1,
          issuer: issuer.issuer,
          clientId: client.clientId,
          metadata: issuer.metadata,
          refreshToken,
          refreshExpiresAt,
          scope,
          claims,
          idToken,
          // what tells one sign-in from the next, also where clocks differ
          signedInAt: Math.max(Math.floor(now / 1000), (before?.signedInAt ?? 0) + 1),
          origin,
          receivedAt: now,
        };
        if (await sessions.compareAndSet(name, found?.version, encodeSession(session)) === undefined) {
          continue;
        }
        if (accessToken && identity(defaults) === identity({})) {
          const from = { asked: wishKey(issuer, client, parametersOf(defaults, {})), requestedAt: now };
          const { refreshToken: _kept, ...token } = tokenSet;
          await shelf.keep(storedToken(token, { ...from, signedInAt: session.signedInAt }));
        }
        return true;
      }
      throw new TokenError("storage", "Cannot keep the sign-in: others write it all the time", {
        nextStep: "Try again",
        retryable: true,
      });
    },
    read: async () => {
      const found = await inWords(sessions.read(name));
      if (!found) return undefined;
      const { signedInAt, scope, claims, dead } = decodeSession(found.value);
      return { signedInAt, scope, claims, ended: dead };
    },
    remove: async () => {
      memory.clear();
      // the traces first: should it end in between, there is still a session to forget
      await noted.remove(name);
      return await sessions.remove(name);
    },
  };
}
