/**
 * What a session keeps in a store past one machine: three kinds of records, each encrypted, side by side.
 *
 * @module
 */

import { encryptedStore } from "../store/encrypted_store.ts";
import type { Store } from "../store/store.ts";
import { checkStoreKey } from "../store/store_key.ts";

/** The key that everything is encrypted with, 32 bytes, or where to get it. */
export type StoreKey = Uint8Array | (() => Uint8Array | Promise<Uint8Array>);

/** The parts of a store. */
export interface StoreParts {
  /** Sessions, by the name of the sign-in. */
  readonly sessions: Store;
  /** What renewals note. */
  readonly attempts: Store;
  /** Access tokens. */
  readonly tokens: Store;
  /**
   * Makes sure of the key. It is kept from then on: one that goes away between presentation and commit must not cost
   * the answer.
   */
  readonly prepare: () => Promise<void>;
}

/**
 * Divides a store.
 *
 * @throws {TokenError} `key` when the key is not 32 bytes
 */
export function storeParts(store: Store, key: StoreKey): StoreParts {
  if (typeof key !== "function") checkStoreKey(key);
  let known: Promise<Uint8Array> | undefined;
  const keyOnce = (): Promise<Uint8Array> => {
    known ??= (async () => checkStoreKey(typeof key === "function" ? await key() : key))();
    // whoever asks next may have more luck
    known.catch(() => known = undefined);
    return known;
  };
  const part = (kind: string) => encryptedStore(under(store, `${kind}/`), keyOnce, `apex-token/${kind}`);
  return {
    sessions: part("session"),
    attempts: part("attempt"),
    tokens: part("token"),
    prepare: async () => void await keyOnce(),
  };
}

/** The same store, with a prefix before each key. */
function under(store: Store, prefix: string): Store {
  return {
    capabilities: store.capabilities,
    read: (key) => store.read(prefix + key),
    compareAndSet: (key, expected, value) => store.compareAndSet(prefix + key, expected, value),
    remove: (key, expected) => store.remove(prefix + key, expected),
    ...store.lease && { lease: (key, milliseconds) => store.lease!(prefix + key, milliseconds) },
  };
}
