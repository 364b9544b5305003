/**
 * Leases that a slow machine cannot outlast by accident: where the clock of a store cannot be stopped, a millisecond of
 * a test is a second of the store.
 *
 * @module
 */

import type { FencedStore } from "../../lib/store/connection.ts";

const SECOND = 1000;

/** The same store, with leases that last a thousand times as long. */
export function inSlowTime(store: FencedStore): FencedStore {
  return {
    ...store,
    lease: async (key, milliseconds) => {
      const lease = await store.lease(key, milliseconds * SECOND);
      return lease && { ...lease, renew: (milliseconds) => lease.renew(milliseconds * SECOND) };
    },
  };
}

/** The same passing of time, for such a store. */
export function slowly(
  pass: (milliseconds: number) => Promise<void>,
): (milliseconds: number) => Promise<void> {
  return (milliseconds) => pass(milliseconds * SECOND);
}
