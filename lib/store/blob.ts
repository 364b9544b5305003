/**
 * A store over whatever keeps bytes under names and can do nothing else: Cloudflare KV, object storage, a browser's
 * database.
 *
 * @module
 */

import { toHex } from "../bytes.ts";
import { TokenError } from "../errors.ts";
import { type Connection, connection, type ConnectionOptions, nameOfError } from "./connection.ts";
import type { Store, StoredValue } from "./store.ts";

/** Bytes under names. */
export interface Blobs {
  /** The bytes under `name`, or nothing. */
  get(name: string): Promise<Uint8Array | ArrayBuffer | null | undefined>;
  /** Writes the bytes under `name`, over what was there. */
  put(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<unknown>;
  /** Removes `name`, if it is there. */
  delete(name: string): Promise<unknown>;
}

/** The options of {@linkcode blobStore}. */
export interface BlobStoreOptions extends ConnectionOptions {
  /** What all its names begin with; stores with one prefix are one store. Default: `apex-token:`. */
  prefix?: string;
}

/** Random bytes before each value, of which its version is made. */
const VERSION_LENGTH = 16;

/**
 * Keeps access tokens in `blobs`. Give it to `encryptedStore`: by itself it keeps bytes as they are.
 *
 * Nothing here is sure between two programs: of two writes from one version both may succeed, and a read may give
 * what was there a minute ago. So it says of itself that it cannot compare and set, and a session with a refresh
 * token that the server replaces at each use is refused. Within one program, writes to one key wait for each other.
 *
 * ```ts ignore
 * const store = blobStore({
 *   get: (name) => env.CACHE.get(name, "arrayBuffer"),
 *   put: (name, bytes) => env.CACHE.put(name, bytes),
 *   delete: (name) => env.CACHE.delete(name),
 * });
 * ```
 *
 * @param blobs what keeps the bytes
 * @throws {TokenError} `invalid_argument` when the deadline is not a positive number
 */
export function blobStore(blobs: Blobs, options: BlobStoreOptions = {}): Store {
  const calls = connection(options, (error) => ({
    reason: nameOfError(error),
    passing: true,
    nextStep: "See that the place where the bytes are kept can be reached",
  }));
  const prefix = options.prefix ?? "apex-token:";
  // Escaped: not every such place takes every character, nor "." and "..".
  const nameOf = (key: string) => prefix + encodeURIComponent(key).replaceAll(".", "%2E");
  const inTurn = turns();
  const read = (key: string) => readBlob(calls, blobs, nameOf(key));

  return {
    capabilities: { compareAndSet: false, lease: false, durable: true, strongRead: false },
    read,
    compareAndSet: (key, expected, value) =>
      inTurn(key, async () => {
        if ((await read(key))?.version !== expected) return undefined;
        const bytes = new Uint8Array(VERSION_LENGTH + value.length);
        crypto.getRandomValues(bytes.subarray(0, VERSION_LENGTH));
        bytes.set(value, VERSION_LENGTH);
        await calls.call("write a value", () => blobs.put(nameOf(key), bytes));
        return versionOf(bytes);
      }),
    remove: (key, expected) =>
      inTurn(key, async () => {
        const found = await read(key);
        if (!found || (expected ?? found.version) !== found.version) return false;
        await calls.call("remove a value", () => blobs.delete(nameOf(key)));
        return true;
      }),
  };
}

async function readBlob(calls: Connection, blobs: Blobs, name: string): Promise<StoredValue | undefined> {
  const found = await calls.call("read a value", () => blobs.get(name));
  if (!found) return undefined;
  // A copy: what the caller does to it is not a write.
  const bytes = new Uint8Array(found).slice();
  if (bytes.length < VERSION_LENGTH) {
    throw new TokenError("storage", "Cannot read a value: what is kept there was not written by this store", {
      nextStep: "Give the store a prefix that nothing else uses",
    });
  }
  return { version: versionOf(bytes), value: bytes.slice(VERSION_LENGTH) };
}

function versionOf(bytes: Uint8Array): string {
  return toHex(bytes.subarray(0, VERSION_LENGTH));
}

/** Lets one caller at a time do something with a key. */
function turns(): <T>(key: string, work: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<unknown>>();
  return async (key, work) => {
    const turn = (last.get(key) ?? Promise.resolve()).then(work, work);
    last.set(key, turn);
    try {
      return await turn;
    } finally {
      if (last.get(key) === turn) last.delete(key);
    }
  };
}
