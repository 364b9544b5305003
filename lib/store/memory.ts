/**
 * A store that lives as long as the process.
 *
 * @module
 */

import { type Clock, systemClock } from "../clock.ts";
import { TokenError } from "../errors.ts";
import type { Lease, Store, StoredValue } from "./store.ts";

/** The options of {@linkcode memoryStore}. */
export interface MemoryStoreOptions {
  /** By which clock leases end. Default: the clock of the machine. */
  clock?: Clock;
}

/**
 * Keeps bytes in memory, for tests, CI and servers that sign in again when they start.
 *
 * @param options the clock by which leases end
 */
export function memoryStore(options: MemoryStoreOptions = {}): Store {
  const clock = options.clock ?? systemClock;
  const values = new Map<string, StoredValue>();
  const leases = new Map<string, { expiresAt: number }>();
  // One counter for all keys: a version never comes back, not even after its key was removed and written anew.
  let writes = 0;

  return {
    capabilities: { compareAndSet: true, lease: true, durable: false, strongRead: true },
    read: (key) => {
      const found = values.get(key);
      return Promise.resolve(found && { version: found.version, value: found.value.slice() });
    },
    compareAndSet: (key, expected, value) => {
      if (values.get(key)?.version !== expected) return Promise.resolve(undefined);
      const version = String(++writes);
      // Copied both ways: what the caller does to its bytes later is not a write.
      values.set(key, { version, value: value.slice() });
      return Promise.resolve(version);
    },
    remove: (key, expected) => {
      if (expected !== undefined && values.get(key)?.version !== expected) return Promise.resolve(false);
      return Promise.resolve(values.delete(key));
    },
    lease: (key, milliseconds) => {
      if (!(milliseconds > 0)) {
        return Promise.reject(
          new TokenError("invalid_argument", "Cannot lease for less than a millisecond"),
        );
      }
      if (clock.now() < (leases.get(key)?.expiresAt ?? 0)) return Promise.resolve(undefined);
      const held = { expiresAt: clock.now() + milliseconds };
      const lease: Lease = {
        ...held,
        renew: (time) => {
          if (leases.get(key) !== held || clock.now() >= held.expiresAt) return Promise.resolve(undefined);
          return Promise.resolve(held.expiresAt = clock.now() + time);
        },
        release: () => {
          // A lease that ended by itself may be somebody else's by now.
          if (leases.get(key) === held) leases.delete(key);
          return Promise.resolve();
        },
      };
      leases.set(key, held);
      return Promise.resolve(lease);
    },
  };
}
