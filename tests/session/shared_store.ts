/** What the tests of stored sessions share: a store that several "processes" use, which a test can break. */

import type { Clock } from "../../lib/clock.ts";
import { TokenError } from "../../lib/errors.ts";
import { issuerFromMetadata } from "../../lib/oauth/issuer.ts";
import type { TokenSet } from "../../lib/oauth/token_set.ts";
import {
  type StoredSession,
  storedSession,
  type StoredSessionOptions,
} from "../../lib/session/stored_session.ts";
import { type TokenSource, tokenSource } from "../../lib/session/token_source.ts";
import { memoryStore } from "../../lib/store/memory.ts";
import type { Store } from "../../lib/store/store.ts";
import type { FakeClock } from "../fake_clock.ts";
import { app, type World } from "../oauth/support.ts";

export const key: Uint8Array = Uint8Array.from({ length: 32 }, (_, at) => at);

/** One call of a store. */
export interface StoreCall {
  readonly what: "read" | "compareAndSet" | "remove" | "lease" | "renew";
  /** As the store sees it: `session/NAME`, `attempt/NAME`, `token/NAME/…`. */
  readonly key: string;
  /** Of a renewal: of which lease, counted from 1 in the order in which they were asked for. */
  readonly lease?: number;
}

/** A store in memory that says of itself that it is durable, as a database would be that several processes use. */
export interface SharedStore {
  readonly store: Store;
  /** Called before each call; what it throws is what the call fails with. */
  before(look: ((call: StoreCall) => void | Promise<void>) | undefined): void;
  /** From now on every call fails, or no longer. */
  down(yes: boolean): void;
  /** Everything that was ever written, as it was written. */
  readonly written: Uint8Array[];
  readonly calls: StoreCall[];
}

/** Makes one. */
export function sharedStore(clock: Clock): SharedStore {
  const inner = memoryStore({ clock });
  const written: Uint8Array[] = [];
  const calls: StoreCall[] = [];
  let look: ((call: StoreCall) => void | Promise<void>) | undefined;
  let isDown = false;

  let leases = 0;

  async function enter(what: StoreCall["what"], key: string, lease?: number): Promise<void> {
    calls.push({ what, key });
    if (isDown) throw unreachable();
    await look?.({ what, key, lease });
  }

  return {
    written,
    calls,
    before: (next) => void (look = next),
    down: (yes) => void (isDown = yes),
    store: {
      capabilities: { ...inner.capabilities, durable: true },
      read: async (key) => {
        await enter("read", key);
        return await inner.read(key);
      },
      compareAndSet: async (key, expected, value) => {
        await enter("compareAndSet", key);
        written.push(value.slice());
        return await inner.compareAndSet(key, expected, value);
      },
      remove: async (key, expected) => {
        await enter("remove", key);
        return await inner.remove(key, expected);
      },
      lease: async (key, milliseconds) => {
        await enter("lease", key, leases + 1);
        const number = ++leases;
        const lease = await inner.lease!(key, milliseconds);
        return lease && {
          ...lease,
          renew: async (milliseconds) => {
            await enter("renew", key, number);
            return await lease.renew(milliseconds);
          },
          release: async () => {
            if (!isDown) await lease.release();
          },
        };
      },
    },
  };
}

/** What a store says that cannot be reached. */
export function unreachable(): TokenError {
  return new TokenError("storage", "Cannot reach the store: ECONNREFUSED", { retryable: true });
}

/** What one process has. */
export interface Member {
  readonly session: StoredSession;
  readonly source: TokenSource;
  /** Its clock: that of the world, ahead by what it was told. */
  readonly clock: Clock;
}

/** A process that shares a sign-in. */
export function member(
  { server, issuer, clock }: World,
  store: Store,
  options: Partial<StoredSessionOptions> & { readonly aheadBy?: number } = {},
): Member {
  const { aheadBy = 0, ...more } = options;
  const own: Clock = { ...clock, now: () => clock.now() + aheadBy * 1000 };
  const seen = issuerFromMetadata(issuer.metadata, { fetch: server.fetch, clock: own });
  const session = storedSession({ store, key, name: "catalogue", clock: own, ...more });
  return { session, source: tokenSource(seen, app, session), clock: own };
}

/** The tokens of somebody who has just signed in, as the code under test sees them. */
export async function signedIn({ server, clock }: World, scope = "openid a b"): Promise<TokenSet> {
  const issued = await server.issue({ scope });
  const now = Math.floor(clock.now() / 1000);
  return {
    accessToken: String(issued.access_token),
    refreshToken: String(issued.refresh_token),
    tokenType: "Bearer",
    scope,
    issuedAt: now,
    expiresAt: now + 300,
  };
}

/** Lets time pass until `work` has ended, 20 ms at a time; what is not about time gets its turn in between. */
export async function passing<T>(clock: FakeClock, work: Promise<T>, step = 20): Promise<T> {
  let ended = false;
  const end = () => void (ended = true);
  work.then(end, end);
  while (!ended) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    if (!ended && clock.waiting() > 0) await clock.advance(step);
  }
  return await work;
}
