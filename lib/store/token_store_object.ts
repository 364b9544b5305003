/**
 * The Durable Object of the Worker that keeps what a `durableObjectStore` is given.
 *
 * @module
 */

import { type Clock, systemClock } from "../clock.ts";

/** The storage of a Durable Object, as far as it is used. */
export interface DurableObjectStorage {
  /** Reads several values. */
  get(keys: string[]): Promise<Map<string, unknown>>;
  /** Writes several values, all or none. */
  put(entries: Record<string, unknown>): Promise<void>;
  /** Removes several values. */
  delete(keys: string[]): Promise<number>;
}

/** What the platform gives to a new Durable Object, as far as it is used. */
export interface DurableObjectState {
  /** Where the object keeps its values. */
  readonly storage: DurableObjectStorage;
}

/** The options of {@linkcode TokenStoreObject}. */
export interface TokenStoreObjectOptions {
  /** By which clock leases end. Default: the clock of the machine. */
  clock?: Clock;
}

/** The largest value that every kind of storage keeps under one key has 128 KiB; the value's own key counts too. */
const PART = 100 * 1024;
/** One `put` writes at most 128 values. */
const MOST_PARTS = 120;

interface Kept {
  readonly version: string;
  readonly parts: number;
}

interface Held {
  readonly attempt: string;
  readonly fence: string;
  readonly expiresAt: number;
}

/**
 * Keeps the value of one key, and the lease of it.
 *
 * A class, because that is how the platform finds it: export it from the Worker, name it in the configuration as a
 * class of Durable Objects, with a binding, and give that binding to `durableObjectStore`. The platform makes it, and
 * nobody else calls it. Its storage may be of either kind (`new_sqlite_classes` or `new_classes`).
 *
 * It relies on two promises of the platform: while an object waits for its storage, no other request gets in; and no
 * answer gets out before everything that was written is on disk.
 *
 * Of a removed key a number stays, so that no version comes twice.
 */
export class TokenStoreObject {
  readonly #storage: DurableObjectStorage;
  readonly #clock: Clock;

  /**
   * Called by the platform.
   *
   * @param state the object's storage
   * @param _env the bindings of the Worker: none is used
   */
  constructor(state: DurableObjectState, _env?: unknown, options: TokenStoreObjectOptions = {}) {
    this.#storage = state.storage;
    this.#clock = options.clock ?? systemClock;
  }

  /** Answers a `durableObjectStore`: status 200 for yes, 409 for no. */
  async fetch(request: Request): Promise<Response> {
    const { pathname, searchParams: query } = new URL(request.url);
    // The whole request first: while its body is on the way, others get in.
    const body = new Uint8Array(await request.arrayBuffer());
    switch (pathname) {
      case "/read":
        return await this.#read();
      case "/compare-and-set":
        return await this.#compareAndSet(query.get("expected"), query.get("attempt") ?? "", body);
      case "/remove":
        return await this.#remove(query.get("expected"));
      case "/lease":
        return await this.#lease(query.get("attempt") ?? "", Number(query.get("milliseconds")));
      case "/renew":
        return await this.#renew(query.get("attempt") ?? "", Number(query.get("milliseconds")));
      case "/release":
        return await this.#release(query.get("attempt") ?? "");
      default:
        return new Response(null, { status: 404 });
    }
  }

  async #read(): Promise<Response> {
    const { kept } = await this.#load();
    if (!kept) return no();
    const names = partNames(0, kept.parts);
    const found = names.length === 0 ? new Map<string, unknown>() : await this.#storage.get(names);
    const parts = names.map((name) => found.get(name) as Uint8Array<ArrayBuffer>);
    return new Response(new Blob(parts), { headers: { version: kept.version } });
  }

  async #compareAndSet(
    expected: string | null,
    attempt: string,
    value: Uint8Array,
  ): Promise<Response> {
    const { kept, count } = await this.#load();
    // The same write, sent again because its answer was lost.
    if (attempt && kept?.version.endsWith(`-${attempt}`)) return yes(kept.version);
    if ((kept?.version ?? null) !== expected) return no();
    const parts = Math.ceil(value.length / PART);
    if (parts > MOST_PARTS) return new Response(null, { status: 413 });
    const version = `${numbered(count + 1)}-${attempt}`;
    const entries: Record<string, unknown> = { kept: { version, parts } satisfies Kept, count: count + 1 };
    partNames(0, parts).forEach((name, part) => {
      entries[name] = value.slice(part * PART, (part + 1) * PART);
    });
    await this.#write(entries, partNames(parts, kept?.parts ?? 0));
    return yes(version);
  }

  async #remove(expected: string | null): Promise<Response> {
    const { kept } = await this.#load();
    if (!kept || (expected !== null && kept.version !== expected)) return no();
    await this.#write({}, ["kept", ...partNames(0, kept.parts)]);
    return yes();
  }

  async #lease(attempt: string, milliseconds: number): Promise<Response> {
    const { held, count } = await this.#load();
    const now = this.#clock.now();
    if (held && now < held.expiresAt) return held.attempt === attempt ? yes(held.fence) : no();
    if (!(milliseconds > 0)) return new Response(null, { status: 400 });
    const fence = numbered(count + 1);
    const lease: Held = { attempt, fence, expiresAt: now + milliseconds };
    await this.#write({ held: lease, count: count + 1 }, []);
    return yes(fence);
  }

  async #renew(attempt: string, milliseconds: number): Promise<Response> {
    const { held } = await this.#load();
    const now = this.#clock.now();
    if (held?.attempt !== attempt || now >= held.expiresAt) return no();
    if (!(milliseconds > 0)) return new Response(null, { status: 400 });
    await this.#write({ held: { ...held, expiresAt: now + milliseconds } }, []);
    return yes(held.fence);
  }

  async #release(attempt: string): Promise<Response> {
    const { held } = await this.#load();
    if (held?.attempt !== attempt) return no();
    await this.#write({}, ["held"]);
    return yes();
  }

  async #load(): Promise<{ kept?: Kept; held?: Held; count: number }> {
    const found = await this.#storage.get(["kept", "held", "count"]);
    return {
      kept: found.get("kept") as Kept | undefined,
      held: found.get("held") as Held | undefined,
      count: found.get("count") as number | undefined ?? 0,
    };
  }

  /** Both at once: what is asked of the storage without waiting in between happens altogether or not at all. */
  async #write(entries: Record<string, unknown>, gone: string[]): Promise<void> {
    const steps: Promise<unknown>[] = [];
    if (Object.keys(entries).length > 0) steps.push(this.#storage.put(entries));
    if (gone.length > 0) steps.push(this.#storage.delete(gone));
    await Promise.all(steps);
  }
}

function partNames(from: number, to: number): string[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, at) => `part:${from + at}`);
}

/** As text that compares as the number does. */
function numbered(count: number): string {
  return String(count).padStart(16, "0");
}

function yes(text = ""): Response {
  return new Response(text);
}

function no(): Response {
  return new Response(null, { status: 409 });
}
