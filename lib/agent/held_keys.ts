/**
 * The keys of profiles that a passphrase protects, held by the agent from one command to the next. They have a socket of
 * their own: that of oidc-agent is forwarded to other machines, and gives tokens alone.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { KeyHolder } from "../host/key_holder.ts";
import { toBase64 } from "../bytes.ts";
import { fromBase64 } from "./_base64.ts";
import { badRequest, failure, success, textOf, WORDS } from "./replies.ts";
import type { AgentReply, AgentRequest } from "./requests.ts";

/** Keys by the id of their record. */
export interface HeldKeys extends KeyHolder {
  /** Answers `key_get`, `key_put`, `key_forget`. */
  answer(request: AgentRequest): Promise<AgentReply>;
  /** Drops what nobody has used for too long. */
  sweep(): void;
  /** Whether it holds none. */
  isEmpty(): boolean;
  clear(): void;
}

/** How long a key is held that nobody uses, in milliseconds: a working day. */
export const KEY_PATIENCE: number = 8 * 60 * 60_000;

const KEY_LENGTH = 32;
const MOST = 256;

interface Held {
  readonly key: Uint8Array;
  /** The last use, by both clocks: one stops while the machine sleeps, the other can be set. */
  readonly now: number;
  readonly monotonic: number;
}

/** @param isLocked while it says so, no key is given or taken */
export function heldKeys(isLocked: () => boolean, clock: Clock): HeldKeys {
  const keys = new Map<string, Held>();

  function put(id: string, key: Uint8Array): void {
    if (keys.size >= MOST && !keys.has(id)) keys.delete(keys.keys().next().value!);
    keys.set(id, { key, now: clock.now(), monotonic: clock.monotonic() });
  }

  function sweep(): void {
    for (const [id, { now, monotonic }] of keys) {
      if (clock.now() - now >= KEY_PATIENCE || clock.monotonic() - monotonic >= KEY_PATIENCE) keys.delete(id);
    }
  }

  function use(id: string): Uint8Array | undefined {
    sweep();
    const key = keys.get(id)?.key;
    if (key) put(id, key);
    return key;
  }

  function answer({ request, id: given, key: text }: AgentRequest): AgentReply {
    const id = textOf(given);
    if (!id || id.length > 100) return badRequest("id");
    if (isLocked()) return failure(WORDS.locked);
    switch (request) {
      case "key_get": {
        const key = use(id);
        return success(key ? { key: toBase64(key) } : {});
      }
      case "key_put": {
        const key = fromBase64(new TextEncoder().encode(textOf(text) ?? ""));
        if (key?.length !== KEY_LENGTH) return badRequest("key");
        put(id, key);
        return success();
      }
      case "key_forget":
        keys.delete(id);
        return success();
      default:
        return failure(WORDS.unknownRequest);
    }
  }

  return {
    answer: (request) => Promise.resolve(answer(request)),
    get: (id) => Promise.resolve(isLocked() ? undefined : use(id)),
    put: (id, key) => Promise.resolve(put(id, key)),
    forget: (id) => Promise.resolve(void keys.delete(id)),
    sweep,
    isEmpty: () => {
      sweep();
      return keys.size === 0;
    },
    clear: () => keys.clear(),
  };
}
