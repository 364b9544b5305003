/**
 * A store in Deno KV: a file of SQLite on one machine, or a database that many share.
 *
 * ```ts ignore
 * import { encryptedStore } from "@apex/token/stores";
 * import { denoKvStore } from "@apex/token/stores/deno-kv";
 *
 * const store = encryptedStore(denoKvStore(await Deno.openKv()), key, "sessions");
 * ```
 *
 * A version is the database's own versionstamp, which grows with every write to anything in it and never comes twice.
 *
 * @module
 */

import {
  broken,
  bytesOf,
  type DenoKv,
  type DenoKvAtomicOperation,
  type DenoKvEntry,
  hasParts,
  type Head,
  PART,
  removeAll,
  STRONG,
  sweep,
  writeParts,
} from "./_deno_kv_parts.ts";
import {
  type Connection,
  connection,
  type ConnectionOptions,
  type Failure,
  type FencedLease,
  type FencedStore,
  leaseTime,
  nameOfError,
  newAttempt,
} from "./connection.ts";

export type { DenoKv, DenoKvAtomicOperation, DenoKvEntry } from "./_deno_kv_parts.ts";
export type { ConnectionOptions, FencedLease, FencedStore } from "./connection.ts";
export type { Clock } from "../clock.ts";
export type { Lease, Store, StoreCapabilities, StoredValue } from "./store.ts";

/** The options of {@linkcode denoKvStore}. */
export interface DenoKvStoreOptions extends ConnectionOptions {
  /** The first part of all its keys; stores with one prefix are one store. Default: `apex-token`. */
  prefix?: string;
  /**
   * Whether what was committed survives a power cut. Default: true, as for every database of Deno KV but the one in
   * memory: say `false` for `Deno.openKv(":memory:")`, which cannot be told apart from here.
   */
  durable?: boolean;
}

/** The entry of a lease. */
interface Held {
  readonly attempt: string;
  readonly expiresAt: number;
}

/**
 * Keeps bytes in Deno KV, up to 5.6 MiB for a key. Give it to `encryptedStore`: by itself it keeps them as they are.
 *
 * A write that ends with `storage` may have been done or not; a later read tells. Leases end by the clocks of those
 * who ask for them, which must agree to a small part of a lease's time; in the database they are gone some time later.
 *
 * @param kv the database; it stays yours, also to close
 * @throws {TokenError} `invalid_argument` when the deadline is not a positive number
 */
export function denoKvStore(kv: DenoKv, options: DenoKvStoreOptions = {}): FencedStore {
  const database = connection(options, explain);
  const prefix = options.prefix ?? "apex-token";
  const headOf = (key: string) => [prefix, "value", key];
  const partsOf = (key: string) => [prefix, "part", key];

  return {
    capabilities: { compareAndSet: true, lease: true, durable: options.durable ?? true, strongRead: true },
    read: (key) =>
      database.insist("read from Deno KV", async () => {
        let before: string | undefined;
        for (;;) {
          const { value, versionstamp } = await kv.get(headOf(key), STRONG);
          if (versionstamp === null) return undefined;
          const bytes = await bytesOf(kv, partsOf(key), value as Head);
          if (bytes) return { version: versionstamp, value: bytes };
          // Its parts go away when the next value is there; with the same head they are lost.
          if (versionstamp === before) throw broken();
          before = versionstamp;
        }
      }),
    compareAndSet: (key, expected, value) => {
      const attempt = newAttempt();
      return database.insist("write to Deno KV", async () => {
        const before = await kv.get(headOf(key), STRONG);
        if (isOf(before, attempt)) return before.versionstamp!;
        if ((before.versionstamp ?? undefined) !== expected) return undefined;
        const inline = value.length <= PART;
        const parts = inline ? [] : await writeParts(kv, [...partsOf(key), attempt], value);
        const head: Head = { attempt, parts: parts.length, bytes: inline ? value.slice() : new Uint8Array() };
        const check = { key: headOf(key), versionstamp: before.versionstamp };
        const write = kv.atomic().check(check, ...parts).set(headOf(key), head);
        const written = await commit(kv, write, headOf(key), attempt);
        if (written === undefined) await removeAll(kv, parts.map((part) => part.key));
        else if (!inline || hasParts(before)) await sweep(kv, partsOf(key), written, attempt);
        return written;
      });
    },
    remove: (key, expected) =>
      database.insist("remove from Deno KV", async () => {
        for (;;) {
          const before = await kv.get(headOf(key), STRONG);
          const { versionstamp } = before;
          if (versionstamp === null || (expected ?? versionstamp) !== versionstamp) return false;
          const check = { key: headOf(key), versionstamp };
          const removed = await kv.atomic().check(check).delete(headOf(key)).commit();
          if (removed.ok && hasParts(before)) await sweep(kv, partsOf(key), removed.versionstamp);
          if (removed.ok) return true;
        }
      }),
    lease: (key, milliseconds) => lease(kv, database, [prefix, "lease", key], milliseconds),
  };
}

async function lease(
  kv: DenoKv,
  database: Connection,
  key: string[],
  milliseconds: number,
): Promise<FencedLease | undefined> {
  const time = leaseTime(milliseconds);
  const attempt = newAttempt();
  const { clock } = database;
  const fence = await database.insist("ask Deno KV for a lease", async () => {
    const held = await kv.get(key, STRONG);
    const { value, versionstamp } = held;
    const now = clock.now();
    // Its own: it was given, and the answer lost.
    if (isOf(held, attempt)) return { versionstamp: versionstamp!, expiresAt: (value as Held).expiresAt };
    if (versionstamp !== null && now < (value as Held).expiresAt) return undefined;
    const expiresAt = now + time;
    // The database removes what is over, but only some time later: the time in the entry is what counts.
    const take = kv.atomic().check({ key, versionstamp })
      .set(key, { attempt, expiresAt } satisfies Held, { expireIn: time });
    const given = await commit(kv, take, key, attempt);
    return given === undefined ? undefined : { versionstamp: given, expiresAt };
  });
  let versionstamp = fence?.versionstamp ?? null;
  return fence && {
    fence: fence.versionstamp,
    expiresAt: fence.expiresAt,
    renew: (milliseconds) => {
      const longer = leaseTime(milliseconds);
      return database.insist("renew a lease", async () => {
        const held = await kv.get(key, STRONG);
        const now = clock.now();
        if (!isOf(held, attempt) || now >= (held.value as Held).expiresAt) return undefined;
        const expiresAt = now + longer;
        const again = kv.atomic().check({ key, versionstamp: held.versionstamp })
          .set(key, { attempt, expiresAt } satisfies Held, { expireIn: longer });
        const given = await commit(kv, again, key, attempt);
        if (given === undefined) return undefined;
        versionstamp = given;
        return expiresAt;
      });
    },
    release: async () => {
      try {
        await database.insist("give back a lease", async () => {
          await kv.atomic().check({ key, versionstamp }).delete(key).commit();
        });
      } catch {
        // It ends by itself, and what was done under it is done.
      }
    },
  };
}

/**
 * Commits, and returns the versionstamp. A database past this machine may have lost its answer, and got the same
 * commit again: then it says that somebody wrote first, and that was this attempt.
 */
async function commit(
  kv: DenoKv,
  operation: DenoKvAtomicOperation,
  key: string[],
  attempt: string,
): Promise<string | undefined> {
  const result = await operation.commit();
  if (result.ok) return result.versionstamp;
  const now = await kv.get(key, STRONG);
  return isOf(now, attempt) ? now.versionstamp! : undefined;
}

/** Whether this attempt wrote an entry. */
function isOf(entry: DenoKvEntry, attempt: string): boolean {
  return (entry.value as { attempt?: unknown } | null)?.attempt === attempt;
}

/** That another process writes to the same file at this moment is an error too, of no name of its own. */
function explain(error: unknown): Failure {
  const tooLarge = error instanceof TypeError && /^Key too large/.test(error.message);
  if (tooLarge) {
    return { reason: "the name of the key is too long", passing: false, nextStep: "Use shorter names" };
  }
  const reason = nameOfError(error);
  const closed = reason === "BadResource";
  return {
    reason: closed ? "it is closed" : reason,
    passing: !closed,
    nextStep: closed ? "Close the database last" : "See that the database can be reached",
  };
}
