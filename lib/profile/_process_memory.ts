/**
 * What `--protect memory` keeps: a sign-in for as long as this process runs.
 *
 * @module
 */

import type { Host } from "../host/host.ts";
import { memoryStore } from "../store/memory.ts";
import type { Store } from "../store/store.ts";
import type { CachedToken } from "./cached_token.ts";

/** What is kept. */
export interface ProcessMemory {
  /** By the name of the profile. */
  readonly sessions: Store;
  /** What renewals note, by the name of the profile. */
  readonly attempts: Store;
  /** By the name that their file would have. */
  readonly tokens: Map<string, CachedToken>;
  /** The end of the last turn at a profile's session. */
  readonly turns: Map<string, Promise<void>>;
}

const memories = new WeakMap<Host, ProcessMemory>();

/** The memory of a host. */
export function processMemory(host: Host): ProcessMemory {
  let memory = memories.get(host);
  if (!memory) {
    const stores = { sessions: memoryStore(), attempts: memoryStore() };
    memories.set(host, memory = { ...stores, tokens: new Map(), turns: new Map() });
  }
  return memory;
}
