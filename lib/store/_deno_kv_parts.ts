/**
 * What is used of Deno KV, and values that are larger than one of its entries.
 *
 * @module
 */

import { TokenError } from "../errors.ts";

/** What is under a key of Deno KV; both are `null` where nothing is. */
export interface DenoKvEntry {
  /** What was set. */
  readonly value: unknown;
  /** When, as the database counts. */
  readonly versionstamp: string | null;
}

/** Several changes that happen all at once or not at all. */
export interface DenoKvAtomicOperation {
  /** Only if these are still of these versions (`null`: nothing is there). */
  check(...checks: { key: string[]; versionstamp: string | null }[]): DenoKvAtomicOperation;
  /** Sets a value, for ever or for a time in milliseconds. */
  set(key: string[], value: unknown, options?: { expireIn?: number }): DenoKvAtomicOperation;
  /** Removes a value. */
  delete(key: string[]): DenoKvAtomicOperation;
  /** Does it. */
  commit(): Promise<{ ok: true; versionstamp: string } | { ok: false }>;
}

/** A database of Deno KV, as far as it is used: what `Deno.openKv()` and the package `@deno/kv` give. */
export interface DenoKv {
  /** Reads one entry. */
  get(key: string[], options: { consistency: "strong" }): Promise<DenoKvEntry>;
  /** Reads all entries below a key. */
  list(
    selector: { prefix: string[] },
    options: { consistency: "strong" },
  ): AsyncIterable<{ readonly key: readonly unknown[]; readonly versionstamp: string }>;
  /** Begins a change. */
  atomic(): DenoKvAtomicOperation;
}

/** What is kept in one entry; the database's limit is 64 KiB with everything that belongs to it. */
export const PART: number = 60 * 1024;
/** One commit checks at most 100 entries, and a value is committed with a check of each of its parts. */
const MOST_PARTS = 96;

/** The entry of a key: its bytes, or the number of entries in which they are. */
export interface Head {
  /** The attempt that wrote it. */
  readonly attempt: string;
  readonly parts: number;
  readonly bytes: Uint8Array;
}

/** Every read is of what was committed last. */
export const STRONG = { consistency: "strong" } as const;

/** Writes the parts of a large value under a name of their own, where nobody looks before the head names it. */
export async function writeParts(
  kv: DenoKv,
  place: string[],
  value: Uint8Array,
): Promise<{ key: string[]; versionstamp: string }[]> {
  const count = Math.ceil(value.length / PART);
  if (count > MOST_PARTS) {
    throw new TokenError(
      "storage",
      `Cannot write to Deno KV: the value has ${value.length} bytes, the limit is ${MOST_PARTS * PART}`,
    );
  }
  return await Promise.all(Array.from({ length: count }, async (_, part) => {
    const key = [...place, String(part)];
    const written = await kv.atomic().set(key, value.slice(part * PART, (part + 1) * PART)).commit();
    if (!written.ok) throw broken();
    return { key, versionstamp: written.versionstamp };
  }));
}

/** The bytes of a head, or nothing when a part of them is gone. */
export async function bytesOf(kv: DenoKv, place: string[], head: Head): Promise<Uint8Array | undefined> {
  if (!(head?.bytes instanceof Uint8Array)) throw broken();
  if (head.parts === 0) return head.bytes;
  const parts = await Promise.all(Array.from({ length: head.parts }, async (_, part) => {
    const { value } = await kv.get([...place, head.attempt, String(part)], STRONG);
    return value instanceof Uint8Array ? value : undefined;
  }));
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + (part?.length ?? 0), 0));
  let at = 0;
  for (const part of parts) {
    if (!part) return undefined;
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Whether the bytes of a head are in entries of their own. */
export function hasParts(entry: DenoKvEntry): boolean {
  return ((entry.value as Head | null)?.parts ?? 0) > 0;
}

/**
 * Removes the parts of former values, and those of writers that came too late or died. That it cannot is no failure of
 * the write: the next one removes them. Whoever writes over the head
 * of `versionstamp` began later than that; of all others the commit checks their parts, and fails.
 */
export async function sweep(kv: DenoKv, place: string[], versionstamp: string, kept?: string): Promise<void> {
  const old: string[][] = [];
  try {
    for await (const entry of kv.list({ prefix: place }, STRONG)) {
      const key = entry.key.map(String);
      if (entry.versionstamp < versionstamp && key.at(-2) !== kept) old.push(key);
    }
  } catch {
    return;
  }
  await removeAll(kv, old);
}

/** Removes entries that nobody looks for, as far as it can. */
export async function removeAll(kv: DenoKv, keys: string[][]): Promise<void> {
  await Promise.allSettled(keys.map((key) => kv.atomic().delete(key).commit()));
}

/** The error for a value that is not whole. */
export function broken(): TokenError {
  return new TokenError("storage", "Cannot read from Deno KV: a part of the value is gone", {
    nextStep: "Give the store a prefix that nothing else uses, or sign in again",
  });
}
