/**
 * Stores of another process, or of a Worker, used as if they were here: one call is one request, JSON both ways.
 *
 * @module
 */

import { isTokenError, TokenError } from "../../lib/errors.ts";
import { fromBase64, toBase64 } from "../../lib/bytes.ts";
import type { FencedLease, FencedStore } from "../../lib/store/connection.ts";
import type { Lease, Store } from "../../lib/store/store.ts";

/** What the other side has. */
export interface ServedStores {
  /** Opens the store of a name; called once for each. */
  open(name: string): Store | Promise<Store>;
  /** Whatever else a test asks for. */
  readonly more?: Readonly<Record<string, (argument: number) => unknown>>;
}

interface Call {
  readonly store: string;
  readonly what:
    | "capabilities"
    | "read"
    | "compareAndSet"
    | "remove"
    | "lease"
    | "renew"
    | "release"
    | "more";
  readonly key?: string;
  readonly expected?: string;
  readonly value?: string;
  readonly milliseconds?: number;
  readonly lease?: number;
}

/** The other side: answers to the body of one request. */
export function serveStores({ open, more = {} }: ServedStores): (body: string) => Promise<string> {
  const stores = new Map<string, Store | Promise<Store>>();
  const leases: Lease[] = [];

  async function carryOut(call: Call): Promise<unknown> {
    const { key = "", expected } = call;
    if (call.what === "more") return await more[key](call.milliseconds ?? 0);
    if (call.what === "renew") return await leases[call.lease!].renew(call.milliseconds!);
    if (call.what === "release") return await leases[call.lease!].release();
    if (!stores.has(call.store)) stores.set(call.store, open(call.store));
    const store = await stores.get(call.store)!;
    switch (call.what) {
      case "capabilities":
        return store.capabilities;
      case "read": {
        const found = await store.read(key);
        return found && { version: found.version, value: toBase64(found.value) };
      }
      case "compareAndSet":
        return await store.compareAndSet(key, expected, fromBase64(call.value!));
      case "remove":
        return await store.remove(key, expected);
      case "lease": {
        const lease = await store.lease!(key, call.milliseconds!) as FencedLease | undefined;
        return lease && { expiresAt: lease.expiresAt, fence: lease.fence, lease: leases.push(lease) - 1 };
      }
    }
  }

  return async (body) => {
    try {
      return JSON.stringify({ result: await carryOut(JSON.parse(body)) });
    } catch (error) {
      const code = isTokenError(error) ? error.code : "internal";
      return JSON.stringify({ error: { code, message: String((error as Error).message) } });
    }
  };
}

/** What this side has. */
export interface RemoteStores {
  open(name: string): Promise<FencedStore>;
  /** Asks for something else. */
  more(what: string, argument?: number): Promise<unknown>;
}

/** This side. */
export function remoteStores(post: (body: string) => Promise<string>): RemoteStores {
  async function ask<T>(call: Call): Promise<T> {
    const { result, error } = JSON.parse(await post(JSON.stringify(call)));
    if (error) throw new TokenError(error.code, error.message);
    return result;
  }

  return {
    more: (what, argument) => ask({ store: "", what: "more", key: what, milliseconds: argument }),
    open: async (store) => ({
      capabilities: await ask({ store, what: "capabilities" }),
      read: async (key) => {
        const found = await ask<{ version: string; value: string } | undefined>({ store, what: "read", key });
        return found && { version: found.version, value: fromBase64(found.value) };
      },
      compareAndSet: (key, expected, value) =>
        ask({ store, what: "compareAndSet", key, expected, value: toBase64(value) }),
      remove: (key, expected) => ask({ store, what: "remove", key, expected }),
      lease: async (key, milliseconds) => {
        const given = await ask<{ expiresAt: number; fence: string; lease: number } | undefined>({
          store,
          what: "lease",
          key,
          milliseconds,
        });
        return given && {
          expiresAt: given.expiresAt,
          fence: given.fence,
          renew: (milliseconds) => ask({ store, what: "renew", lease: given.lease, milliseconds }),
          release: () => ask({ store, what: "release", lease: given.lease }),
        };
      },
    }),
  };
}
