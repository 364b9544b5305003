/**
 * A store whose records are encrypted: what any {@linkcode Store} keeps, in the envelope.
 *
 * @module
 */

import { type Cipher, open, sealer } from "./envelope.ts";
import type { Store } from "./store.ts";
import { checkStoreKey } from "./store_key.ts";

/**
 * Encrypts what `store` keeps. Each record is bound to its key name and to `storeId`; its generation counts up with
 * each write, and begins at 1 again after a removal.
 *
 * A version is the generation and the version of the inner store: it means nothing to anybody else.
 *
 * @param store what keeps the sealed bytes
 * @param key the master key, 32 bytes, or where to get it; asked for at each read and write
 * @param storeId what the records belong to; the same for everybody who shares them
 * @returns a store whose methods throw `key` when the key is not 32 bytes, or another one
 */
export function encryptedStore(
  store: Store,
  key: Uint8Array | (() => Promise<Uint8Array>),
  storeId: string,
): Store {
  return storeEncryptedBy(undefined, store, key, storeId);
}

/**
 * The same with a cipher of the host's.
 *
 * @param cipher Default: that of Web Crypto
 */
export function storeEncryptedBy(
  cipher: Cipher | undefined,
  store: Store,
  key: Uint8Array | (() => Promise<Uint8Array>),
  storeId: string,
): Store {
  const masterKey = async () => checkStoreKey(typeof key === "function" ? await key() : key);
  /** What is ready for the next write of a record, and over which version. */
  const ready = new Map<string, { readonly expected?: string; readonly seal: ReturnType<typeof sealer> }>();

  /** A sealer is used once: a second record under its salt would have the same key and the same nonce. */
  function takeReady(recordId: string, expected: string | undefined): ReturnType<typeof sealer> | undefined {
    const made = ready.get(recordId);
    ready.delete(recordId);
    return made?.expected === expected ? made?.seal : undefined;
  }

  const encrypted: Store = {
    capabilities: store.capabilities,
    read: async (recordId) => {
      const found = await store.read(recordId);
      if (!found) return undefined;
      const { plaintext, generation } = await open(await masterKey(), { storeId, recordId }, found.value);
      return { version: `${generation}:${found.version}`, value: plaintext };
    },
    compareAndSet: async (recordId, expected, value) => {
      const before = splitVersion(expected);
      if (!before) return undefined;
      const generation = before.generation + 1;
      const context = { storeId, recordId, generation };
      const seal = takeReady(recordId, expected) ?? sealer(await masterKey(), context, cipher);
      const sealed = await (await seal)(value);
      const version = await store.compareAndSet(recordId, before.version, sealed);
      return version === undefined ? undefined : `${generation}:${version}`;
    },
    prepare: async (recordId, expected) => {
      const before = splitVersion(expected);
      if (!before) return () => {};
      const made = {
        expected,
        seal: sealer(await masterKey(), { storeId, recordId, generation: before.generation + 1 }, cipher),
      };
      // the write that takes it says so
      made.seal.catch(() => {});
      ready.set(recordId, made);
      const takeBack = await store.prepare?.(recordId, before.version);
      await made.seal;
      return () => {
        if (ready.get(recordId) === made) ready.delete(recordId);
        takeBack?.();
      };
    },
    // Without the key: a record that no longer opens must still be removable.
    remove: async (recordId, expected) => {
      const before = splitVersion(expected);
      return before !== undefined && await store.remove(recordId, before.version);
    },
  };
  if (store.lease) encrypted.lease = (recordId, milliseconds) => store.lease!(recordId, milliseconds);
  return encrypted;
}

/** Nothing for a version that no store of ours gave out: then it is nobody's newest. */
function splitVersion(
  expected: string | undefined,
): { generation: number; version: string | undefined } | undefined {
  if (expected === undefined) return { generation: 0, version: undefined };
  const parts = /^(\d{1,15}):(.*)$/s.exec(expected);
  return parts ? { generation: Number(parts[1]), version: parts[2] } : undefined;
}
