/**
 * A store in Durable Objects of Cloudflare Workers, each of which does one thing after the other.
 *
 * ```ts ignore
 * import { encryptedStore } from "@apex/token/stores";
 * import { durableObjectStore } from "@apex/token/stores/durable-object";
 *
 * // The Worker exports the class, and its configuration binds TOKENS to it.
 * export { TokenStoreObject } from "@apex/token/stores/durable-object";
 *
 * const store = encryptedStore(durableObjectStore(env.TOKENS), key, "sessions");
 * ```
 *
 * Each key has an object of its own, so that keys do not wait for each other.
 *
 * @module
 */

import { TokenError } from "../errors.ts";
import {
  connection,
  type ConnectionOptions,
  type Failure,
  type FencedStore,
  leaseTime,
  nameOfError,
  newAttempt,
} from "./connection.ts";

export {
  type DurableObjectState,
  type DurableObjectStorage,
  TokenStoreObject,
  type TokenStoreObjectOptions,
} from "./token_store_object.ts";
export type { ConnectionOptions, FencedLease, FencedStore } from "./connection.ts";
export type { Clock } from "../clock.ts";
export type { Lease, Store, StoreCapabilities, StoredValue } from "./store.ts";

/** A binding of a Worker to a class of Durable Objects, as far as it is used. */
export interface DurableObjectNamespace {
  /** The id that belongs to a name. */
  idFromName(name: string): unknown;
  /** The way to an object. It gets what `idFromName` gave, whose type is the platform's. */
  get(id: never): DurableObjectStub;
}

/** The way to one Durable Object, as far as it is used. */
export interface DurableObjectStub {
  /** Asks the object. */
  fetch(
    url: string,
    init: { method: string; body?: Uint8Array<ArrayBuffer>; signal: AbortSignal },
  ): Promise<DurableObjectAnswer>;
}

/** An answer of a Durable Object, as far as it is used: a `Response`. */
export interface DurableObjectAnswer {
  /** The status of HTTP. */
  readonly status: number;
  /** The headers. */
  readonly headers: { get(name: string): string | null };
  /** The body as bytes. */
  arrayBuffer(): Promise<ArrayBuffer>;
  /** The body as text. */
  text(): Promise<string>;
}

/** The options of {@linkcode durableObjectStore}. */
export interface DurableObjectStoreOptions extends ConnectionOptions {
  /** What the names of all its objects begin with; stores with one prefix are one store. Default: `apex-token:`. */
  prefix?: string;
}

/**
 * Keeps bytes in Durable Objects of the class {@linkcode TokenStoreObject}, up to 12 MB for a key. Give it to
 * `encryptedStore`: by itself it keeps them as they are.
 *
 * A write that ends with `storage` may have been done or not; a later read tells. Leases end by the clock of the
 * object.
 *
 * @param namespace the binding of the Worker
 * @throws {TokenError} `invalid_argument` when the deadline is not a positive number
 */
export function durableObjectStore(
  namespace: DurableObjectNamespace,
  options: DurableObjectStoreOptions = {},
): FencedStore {
  const objects = connection(options, explain);
  const prefix = options.prefix ?? "apex-token:";

  /** What the object says to one request; nothing where it says no. */
  async function ask(signal: AbortSignal, key: string, call: Call): Promise<DurableObjectAnswer | undefined> {
    const { what, body, ...rest } = call;
    const query = new URLSearchParams(Object.entries(rest).filter(([, value]) => value !== undefined));
    // A way of its own for each call: one over which a call has failed may be of no more use.
    const object = namespace.get(namespace.idFromName(prefix + key) as never);
    const init = { method: "POST", signal, ...(body && { body: new Uint8Array(body) }) };
    const answer = await object.fetch(`https://token-store/${what}?${query}`, init);
    if (answer.status === 200) return answer;
    // Read to its end, or the connection stays open.
    await answer.arrayBuffer();
    if (answer.status === 409) return undefined;
    throw unexpected(answer.status);
  }

  return {
    capabilities: { compareAndSet: true, lease: true, durable: true, strongRead: true },
    read: (key) =>
      objects.call("read from the Durable Object", async (signal) => {
        const answer = await ask(signal, key, { what: "read" });
        if (!answer) return undefined;
        const version = answer.headers.get("version") ?? "";
        return { version, value: new Uint8Array(await answer.arrayBuffer()) };
      }),
    compareAndSet: (key, expected, body) => {
      // The same attempt each time: where it had been done and the answer was lost, the object says so.
      const call: Call = { what: "compare-and-set", expected, attempt: newAttempt(), body };
      return objects.insist(
        "write to the Durable Object",
        async (signal) => await (await ask(signal, key, call))?.text(),
      );
    },
    remove: (key, expected) =>
      objects.call("remove from the Durable Object", async (signal) => {
        const answer = await ask(signal, key, { what: "remove", expected });
        await answer?.text();
        return answer !== undefined;
      }),
    lease: async (key, milliseconds) => {
      const time = leaseTime(milliseconds);
      const attempt = newAttempt();
      // Before it is asked for: the object counts from later, so it does not end there before it ends here.
      const expiresAt = objects.clock.now() + time;
      const fence = await objects.call("ask the Durable Object for a lease", async (signal) => {
        const answer = await ask(signal, key, { what: "lease", attempt, milliseconds: String(time) });
        return await answer?.text();
      });
      return fence === undefined ? undefined : {
        fence,
        expiresAt,
        renew: async (milliseconds) => {
          const longer = String(leaseTime(milliseconds));
          const expiresAt = objects.clock.now() + Number(longer);
          return await objects.insist("renew a lease", async (signal) => {
            const answer = await ask(signal, key, { what: "renew", attempt, milliseconds: longer });
            await answer?.text();
            return answer && expiresAt;
          });
        },
        release: async () => {
          try {
            await objects.call("give back a lease", async (signal) => {
              await (await ask(signal, key, { what: "release", attempt }))?.text();
            });
          } catch {
            // It ends by itself, and what was done under it is done.
          }
        },
      };
    },
  };
}

interface Call {
  readonly what: "read" | "compare-and-set" | "remove" | "lease" | "renew" | "release";
  readonly expected?: string;
  readonly attempt?: string;
  readonly milliseconds?: string;
  readonly body?: Uint8Array;
}

const NEXT_STEP = "See that the binding names a class that is TokenStoreObject";

function unexpected(status: number): TokenError {
  const reason = status === 413
    ? "the value is too large for it"
    : `the object answered with status ${status}`;
  return new TokenError("storage", `Cannot use the Durable Object: ${reason}`, {
    nextStep: status === 413 ? "Keep less than 12 MB under one key" : NEXT_STEP,
    retryable: status >= 500,
  });
}

function explain(error: unknown): Failure {
  return { reason: nameOfError(error), passing: true, nextStep: NEXT_STEP };
}
