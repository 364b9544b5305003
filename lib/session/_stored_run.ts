/**
 * One caller's run of the refresh protocol on a store past one machine: what a sign-in and a client's own tokens have in
 * common there.
 *
 * @module
 */

import { type Clock, systemClock } from "../clock.ts";
import { isTokenError, TokenError } from "../errors.ts";
import { givenUp } from "../http/abort.ts";
import type { Store } from "../store/store.ts";
import { handedOut, judge, type StoredToken, type Wish } from "./_stored_token.ts";
import type { GrantRequest } from "./grant.ts";
import { runRefresh } from "./refresh_driver.ts";
import type { Kept } from "./refresh_events.ts";
import type { RefreshPorts } from "./refresh_ports.ts";
import type { StoreDriver } from "./store_driver.ts";
import type { AccessToken } from "./token_cache.ts";

/** A run. */
export interface Run<K extends Kept> {
  readonly ports: RefreshPorts<K, StoredToken>;
  readonly driver: StoreDriver;
}

/** How long an early renewal that failed is not tried again by anybody, in seconds. */
const COOL_DOWN = 60;
/** How long a process does not look into the store again for a token that is due, in milliseconds. */
const RECHECK = 1000;
/** How often a run that lost its lease is begun anew, each time with a longer one. */
const RUNS = 4;

/** What was handed out last, by what was asked for. */
export type Memory = Map<string, { readonly token: StoredToken; readonly at: number }>;

/** Runs the protocol until a lease lasts, and hands out what it brings. */
export async function tokenOf<K extends Kept>(
  request: GrantRequest,
  asked: string,
  memory: Memory,
  begin: (wish: Wish, losses: number) => Run<K>,
  spends: boolean,
): Promise<AccessToken> {
  const { minValidity, force, issuer, signal } = request;
  const { clock } = issuer.http;
  const last = memory.get(asked);
  const wish = {
    minValidity,
    force,
    startedAt: clock.now(),
    last: force ? last?.token.accessToken : undefined,
  };
  // while another process renews it, the token that is due is asked for again and again
  const isRecent = last !== undefined && clock.monotonic() - last.at < RECHECK;
  if (isRecent && judge(last.token, wish, clock.now()) !== "useless") return handedOut(last.token);
  for (let runs = 1;; runs++) {
    const { ports, driver } = begin(wish, runs - 1);
    try {
      const { token, because } = await runRefresh(ports, { spends });
      if (because && driver.lost() && runs < RUNS) continue;
      if (memory.size >= 1000) memory.clear();
      memory.set(asked, { token, at: clock.monotonic() });
      return handedOut(token);
    } catch (error) {
      if (!driver.lost() || runs >= RUNS || signal?.aborted) throw error;
    }
  }
}

/** The ports that do not depend on what is asked for. */
export function commonPorts(
  { driver, clock = systemClock, wish, keep, signal }: {
    readonly driver: StoreDriver;
    readonly clock?: Clock;
    readonly wish: Wish;
    readonly keep: (token: StoredToken) => Promise<void>;
    readonly signal?: AbortSignal;
  },
): Pick<
  RefreshPorts<Kept, StoredToken>,
  "now" | "keepToken" | "postpone" | "judge" | "isOver" | "lock" | "relieve" | "hold" | "sleep"
> {
  return {
    now: clock.now,
    keepToken: keep,
    postpone: async (token, { retryAfter = 0 }) => {
      const softAt = Math.min(clock.now() / 1000 + Math.max(COOL_DOWN, retryAfter), token.hardAt);
      if (softAt > token.softAt) await keep({ ...token, softAt });
    },
    judge: (token) => judge(token, wish, clock.now()),
    isOver: ({ issuedAt, expiresAt }) => expiresAt > issuedAt && expiresAt <= clock.now() / 1000,
    lock: (done) => driver.lock(done, signal),
    relieve: () => Promise.resolve(),
    // nothing here can keep a process or a Worker from ending; see `waitUntil`
    hold: () => () => {},
    sleep: async (milliseconds, idle) => {
      if (idle && signal?.aborted) throw givenUp(true);
      await clock.sleep(milliseconds, idle ? signal : undefined).catch(() => {
        throw givenUp(true);
      });
    },
  };
}

/**
 * Refuses a store that cannot hand out leases.
 *
 * @throws {TokenError} `unsupported`
 */
export function requireLeases(store: Store): asserts store is Store & Required<Pick<Store, "lease">> {
  if (store.capabilities.lease && store.lease) return;
  throw new TokenError(
    "unsupported",
    "Cannot share a refresh token here: this store has no leases, so that two processes could present it at once",
    { nextStep: "Keep the session in redisStore, denoKvStore or durableObjectStore" },
  );
}

/** An error with what helps a program whose sign-in is in a store. */
export function inWordsOfStore(error: unknown, name: string): unknown {
  if (!isTokenError(error)) return error;
  const nextStep = nextStepOf(error, name);
  return nextStep === error.nextStep
    ? error
    : new TokenError(error.code, error.message, { ...error, nextStep });
}

function nextStepOf({ code, nextStep }: TokenError, name: string): string | undefined {
  const anew = `keep the tokens with save() under the name "${name}"`;
  if (code === "sign_in_required") return `Sign in again, and ${anew}`;
  // a program has no command line to sign in with
  return nextStep?.replace("sign in again with `apex-token login`", `sign in again and ${anew}`);
}
