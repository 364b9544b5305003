/**
 * Access tokens that many processes share: how far one may be used, and where it is kept.
 *
 * @module
 */

import { toHex } from "../bytes.ts";
import type { Clock } from "../clock.ts";
import { isTokenError } from "../errors.ts";
import type { Client } from "../oauth/client.ts";
import type { Issuer } from "../oauth/issuer.ts";
import type { TokenParameters } from "../oauth/token_request.ts";
import type { Store, StoredValue } from "../store/store.ts";
import { identity } from "./_cache_key.ts";
import { thresholds } from "./expiry.ts";
import type { Verdict } from "./refresh_events.ts";
import type { AccessToken } from "./token_cache.ts";

/** An access token with what it was asked for with. */
export interface StoredToken extends AccessToken {
  /** The {@linkcode wishKey}. */
  readonly asked: string;
  /** When it was asked for, in epoch milliseconds: who calls a token bad wants one that was asked for later. */
  readonly requestedAt: number;
  /** From here on it is renewed, in epoch seconds. */
  readonly softAt: number;
  /** From here on it is renewed before it is handed out, in epoch seconds. */
  readonly hardAt: number;
  /** The sign-in that it comes from, if it does from one. */
  readonly signedInAt?: number;
}

/** What a caller wants of a token. */
export interface Wish {
  /** For how long it must be valid, in seconds. */
  readonly minValidity?: number;
  /** Whether one that was asked for before will not do. */
  readonly force?: boolean;
  /** When it was asked for, in epoch milliseconds. */
  readonly startedAt: number;
  /** The token that this process was handed last: whoever forces means that one. */
  readonly last?: string;
}

/** How far a clock may be behind the one of whoever wrote a token before its times mean nothing, in seconds. */
const SKEW = 60;
/** How often a token is written when others write it too. */
const TRIES = 5;

/**
 * The full identity of a token: issuer, client, how that proves who it is, key, and what the token is narrowed to. Of a
 * proof there is its method, and whether it takes a certificate, to which tokens are bound (RFC 8705 section 3).
 */
export function wishKey(
  { issuer }: Issuer,
  { clientId, authentication, dpop }: Client,
  parameters: TokenParameters,
): string {
  const proof = [authentication?.method ?? "none", ...authentication?.endpoint ? ["mTLS"] : []];
  return JSON.stringify([issuer, clientId, proof, dpop?.thumbprint ?? null, identity(parameters)]);
}

/** A token as it is kept. */
export function storedToken(
  token: AccessToken,
  from: Pick<StoredToken, "asked" | "requestedAt" | "signedInAt">,
): StoredToken {
  const { soft, hard } = thresholds(token.issuedAt, token.expiresAt);
  return { ...token, ...from, softAt: soft, hardAt: hard };
}

/** The token without what only the store needs. */
export function handedOut(token: StoredToken): AccessToken {
  const { asked: _1, requestedAt: _2, softAt: _3, hardAt: _4, signedInAt: _5, ...plain } = token;
  return plain;
}

/**
 * How far a token may be used for a wish.
 *
 * @param now epoch milliseconds
 */
export function judge(token: StoredToken, wish: Wish, now: number): Verdict {
  const { minValidity = 0, force, startedAt, last } = wish;
  const { requestedAt, issuedAt, expiresAt, softAt, hardAt, accessToken } = token;
  const isOfBefore = requestedAt < startedAt || requestedAt > now || accessToken === last;
  if (force && isOfBefore) return "useless";
  const seconds = now / 1000;
  const left = expiresAt - seconds;
  const tooShortEvenWhenFresh = minValidity > hardAt - issuedAt;
  const isLongEnough = left >= minValidity || tooShortEvenWhenFresh;
  // by a clock that is far ahead of this one: nothing is known of its life
  if (seconds < issuedAt - SKEW) return "useless";
  if (seconds < softAt && isLongEnough) return "good";
  if (left <= 0 || left < minValidity) return "useless";
  return seconds < hardAt ? "due" : "overdue";
}

/** Where access tokens are kept. */
export interface TokenShelf {
  /** The key of a token in the store. */
  keyOf(asked: string): Promise<string>;
  /** The token that was asked for so, if there is one that can be read. */
  read(asked: string): Promise<StoredToken | undefined>;
  /** Keeps a token. What cannot be kept is handed out all the same, so a failure is none. */
  keep(token: StoredToken): Promise<void>;
}

/** Keeps access tokens in a store, under `name` and a hash of what they were asked for with. */
export function tokenShelf(tokens: Store, name: string, clock: Clock): TokenShelf {
  const keys = new Map<string, string>();
  /** By how many seconds the clock of a token's writer was ahead when this process saw that token first. */
  const ahead = new Map<string, { readonly accessToken: string; readonly by: number }>();

  async function keyOf(asked: string): Promise<string> {
    const known = keys.get(asked);
    if (known) return known;
    const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(asked)));
    const hash = toHex(bytes.subarray(0, 16));
    if (keys.size >= 1000) keys.clear();
    keys.set(asked, `${name}/${hash}`);
    return `${name}/${hash}`;
  }

  /** The times of a token by the clock of this machine: it cannot have been issued later than it is seen. */
  function inLocalTime(token: StoredToken): StoredToken {
    const { asked, accessToken, issuedAt, expiresAt, softAt, hardAt } = token;
    let known = ahead.get(asked);
    if (known?.accessToken !== accessToken) {
      const by = issuedAt - clock.now() / 1000;
      ahead.delete(asked);
      if (!(by > 0 && by <= SKEW)) return token;
      if (ahead.size >= 1000) ahead.clear();
      ahead.set(asked, known = { accessToken, by });
    }
    const { by } = known;
    return {
      ...token,
      issuedAt: issuedAt - by,
      expiresAt: expiresAt - by,
      softAt: softAt - by,
      hardAt: hardAt - by,
    };
  }

  return {
    keyOf,
    read: async (asked) => {
      const found = await tokens.read(await keyOf(asked)).catch(unlessBroken);
      const token = found && decode(found);
      return token?.asked === asked ? inLocalTime(token) : undefined;
    },
    keep: async (token) => {
      // no longer good when it came: it serves the one who asked, and nobody else
      if (token.expiresAt <= token.issuedAt) return;
      const key = await keyOf(token.asked);
      const value = new TextEncoder().encode(JSON.stringify({ format: 1, ...token }));
      try {
        for (let tries = 0; tries < TRIES; tries++) {
          const before = await tokens.read(key).catch(async (error) => {
            unlessBroken(error);
            await tokens.remove(key);
            return undefined;
          });
          if (await tokens.compareAndSet(key, before?.version, value) !== undefined) return;
        }
      } catch (error) {
        if (!isTokenError(error)) throw error;
      }
    },
  };
}

/** A broken token is no loss: it is fetched again and written over. Without the store nothing is known. */
function unlessBroken(error: unknown): undefined {
  if (isTokenError(error) && error.code === "storage" && !error.retryable) return undefined;
  throw error;
}

function decode({ value }: StoredValue): StoredToken | undefined {
  try {
    const { format, ...token } = JSON.parse(new TextDecoder().decode(value));
    return format === 1 ? token : undefined;
  } catch {
    return undefined;
  }
}
