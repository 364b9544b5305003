/**
 * Writes that are made ready before it is known what they write.
 *
 * @module
 */

import type { Store } from "../store/store.ts";

/** A write to come: of a name, over a version. */
export interface ComingWrite {
  readonly store: Store;
  readonly name: string;
  readonly expected: string | undefined;
}

/**
 * Makes writes ready, where their store can. Never fails: it is a hint, and a write that was not made ready takes longer
 * and says itself what is wrong.
 *
 * @returns what takes back what no write has used
 */
export async function madeReady(writes: readonly ComingWrite[]): Promise<() => void> {
  const made = await Promise.allSettled(
    writes.map(async ({ store, name, expected }) => await store.prepare?.(name, expected)),
  );
  return () => {
    for (const one of made) if (one.status === "fulfilled") one.value?.();
  };
}
