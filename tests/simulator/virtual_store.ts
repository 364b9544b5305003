/** A store that several virtual processes share over a network: down for a while, late, or heard of by nobody. */

import { TokenError } from "../../lib/errors.ts";
import type { Lease, Store } from "../../lib/store/store.ts";
import type { VirtualProcess, World } from "./world.ts";

/** The store. */
export interface VirtualStore {
  /** As one process sees it. `told` hears of each write when it is done, whoever else hears of it. */
  of(process: VirtualProcess, told?: (key: string, text: string) => void): StoreView;
  /** The newest text under a key. */
  text(key: string): string | undefined;
  changes(): number;
  /** Who has a lease now. */
  holder(): VirtualProcess | undefined;
  /** Does what has been on its way until now. */
  run(now: number): void;
  next(): number;
  calm(yes: boolean): void;
}

/** A lease that can be renewed while its holder waits for something else. */
export interface VirtualLease extends Lease {
  renewBeside(milliseconds: number): Promise<number | undefined>;
}

/** The store as one process sees it. */
export interface StoreView extends Required<Omit<Store, "prepare">> {
  lease(key: string, milliseconds: number): Promise<VirtualLease | undefined>;
}

/** How long a process waits for an answer, in milliseconds. */
const DEADLINE = 2000;

/** What begins so never arrives late: a good token that turns up after the look proves nothing against who looked. */
const PROMPT = "token/";

/** Makes an empty store. */
export function virtualStore(world: World): VirtualStore {
  const { random } = world;
  const values = new Map<string, { readonly version: string; readonly value: Uint8Array }>();
  const onTheirWay: { readonly at: number; readonly work: () => void }[] = [];
  const rates = {
    down: random.pick([0, 0.005, 0.02]),
    lost: random.pick([0, 0.02]),
    late: random.pick([0, 0.02]),
  };
  let lease: { readonly holder: VirtualProcess; endsAt: number } | undefined;
  let [versions, changes, downUntil] = [0, 0, 0];
  let isCalm = false;

  const strikes = (rate: number) => !isCalm && random.chance(rate);

  async function unheard(process: VirtualProcess): Promise<never> {
    await world.turn(process, world.now() + random.below(DEADLINE));
    throw unreachable();
  }

  async function call<T>(process: VirtualProcess, work: () => T, canBeLate = true): Promise<T> {
    await world.turn(process);
    try {
      // where the world strikes
      process.files.lstatSync("/", { throwIfNoEntry: false });
    } catch {
      return await unheard(process);
    }
    const answer = reach(work, canBeLate);
    return answer ? answer.result : await unheard(process);
  }

  /** Returns nothing where nobody hears of it. */
  function reach<T>(work: () => T, canBeLate: boolean): { readonly result: T } | undefined {
    if (strikes(rates.down)) {
      downUntil = world.now() + random.below(random.pick([3000, 60_000]));
      world.trace(`the store is down for ${downUntil - world.now()} ms`);
    }
    if (world.now() < downUntil && !isCalm) return undefined;
    if (canBeLate && strikes(rates.late)) {
      onTheirWay.push({ at: world.now() + random.below(10_000), work });
      return undefined;
    }
    const result = work();
    return strikes(rates.lost) ? undefined : { result };
  }

  function leaseOf(holder: VirtualProcess, milliseconds: number): VirtualLease | undefined {
    if (lease && world.now() < lease.endsAt) return undefined;
    const own = lease = { holder, endsAt: world.now() + milliseconds };
    world.trace(`${holder.name}: has the lease`);
    const longer = (time: number) => () =>
      lease === own && world.now() < own.endsAt ? own.endsAt = world.now() + time : undefined;
    return {
      expiresAt: own.endsAt,
      renew: (time) => call(holder, longer(time)),
      renewBeside: (time) => {
        const answer = reach(longer(time), true);
        return answer ? Promise.resolve(answer.result) : Promise.reject(unreachable());
      },
      release: async () => {
        const give = () => {
          if (lease === own) lease = undefined;
        };
        await call(holder, give).catch(() => {});
      },
    };
  }

  return {
    of: (process, told = () => {}) => ({
      capabilities: { compareAndSet: true, lease: true, durable: true, strongRead: true },
      read: (key) => call(process, () => values.get(key)),
      compareAndSet: (key, expected, value) =>
        call(process, () => {
          if (values.get(key)?.version !== expected) return undefined;
          const version = String(++versions);
          values.set(key, { version, value });
          changes++;
          told(key, new TextDecoder().decode(value));
          return version;
        }, !key.startsWith(PROMPT)),
      remove: (key, expected) =>
        call(process, () => {
          if (expected !== undefined && values.get(key)?.version !== expected) return false;
          changes++;
          return values.delete(key);
        }),
      lease: (_key, milliseconds) => call(process, () => leaseOf(process, milliseconds)),
    }),
    text: (key) => {
      const found = values.get(key);
      return found && new TextDecoder().decode(found.value);
    },
    changes: () => changes,
    holder: () => lease && world.now() < lease.endsAt ? lease.holder : undefined,
    run: (now) => {
      for (const sent of onTheirWay.filter(({ at }) => at <= now)) {
        onTheirWay.splice(onTheirWay.indexOf(sent), 1);
        sent.work();
      }
    },
    next: () => onTheirWay.reduce((first, { at }) => Math.min(first, at), Infinity),
    calm: (yes) => {
      isCalm = yes;
      downUntil = 0;
    },
  };
}

function unreachable(): TokenError {
  return new TokenError("storage", "Cannot reach the store", { retryable: true });
}
