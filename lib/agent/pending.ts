/**
 * Sign-ins that wait for a person. What they bring is given out once, to whoever began them: it knows the handle, which
 * no one else was told, and where the kernel names processes it must be the same one.
 *
 * @module
 */

import { randomBytes } from "node:crypto";
import type { Clock } from "../clock.ts";
import { isTokenError, type TokenError } from "../errors.ts";
import type { Asker } from "./server.ts";
import type { AgentReply } from "./requests.ts";

/** A sign-in that waits. */
export interface Pending {
  readonly handle: string;
  /** Ends it. */
  readonly stop: AbortController;
  /** Whether a browser's answer belongs to it, and what to do with that. Only of a sign-in in the browser. */
  readonly browser?: {
    accepts(answer: URLSearchParams): boolean;
    redeem(answer: URLSearchParams): Promise<AgentReply>;
    /** Ends the listener, not the sign-in. */
    close(): void;
  };
}

/** What became of it. */
export type Outcome =
  | { readonly is: "waiting" }
  | { readonly is: "done"; readonly reply: AgentReply }
  | { readonly is: "failed"; readonly error: TokenError }
  /** It was given out already. */
  | { readonly is: "taken" }
  | { readonly is: "unknown" };

/** The sign-ins that wait. */
export interface PendingSignIns {
  /** Begins one. `work` brings the reply. */
  begin(
    asker: Asker,
    work: (stop: AbortSignal) => Promise<AgentReply>,
    browser?: Pending["browser"],
  ): Pending;
  /** What became of one; what it brought is then gone from here. */
  take(handle: string, asker: Asker): Outcome;
  /** The one that a browser's answer belongs to. */
  answeredBy(answer: URLSearchParams): Pending | undefined;
  get(handle: string): Pending | undefined;
  /** Forgets one. */
  drop(handle: string): void;
  /** Forgets those that nobody has asked about for a while. */
  sweep(): void;
  /** Whether there are none. */
  isEmpty(): boolean;
  /** Ends all. */
  close(): void;
}

interface Entry extends Pending {
  readonly pid?: number;
  outcome: Outcome;
  lookedAt: number;
}

/** How many may wait at once; the oldest goes. */
const MOST = 32;
/** A client that does not look any more has gone: how long that takes to be sure, in milliseconds. */
const ABANDONED = 90_000;

/** Makes the list. */
export function pendingSignIns(clock: Clock): PendingSignIns {
  const entries = new Map<string, Entry>();

  function drop(handle: string): void {
    const entry = entries.get(handle);
    entry?.stop.abort();
    entry?.browser?.close();
    entries.delete(handle);
  }

  function sweep(): void {
    for (const { handle, lookedAt } of entries.values()) {
      if (clock.monotonic() - lookedAt > ABANDONED) drop(handle);
    }
  }

  return {
    begin: ({ peer }, work, browser) => {
      sweep();
      while (entries.size >= MOST) drop(entries.keys().next().value!);
      const stop = new AbortController();
      const entry: Entry = {
        handle: randomBytes(32).toString("base64url"),
        stop,
        browser,
        ...(peer ? { pid: peer.pid } : {}),
        outcome: { is: "waiting" },
        lookedAt: clock.monotonic(),
      };
      entries.set(entry.handle, entry);
      work(stop.signal).then(
        (reply) => entry.outcome = { is: "done", reply },
        (error) => {
          if (isTokenError(error)) entry.outcome = { is: "failed", error };
          else drop(entry.handle);
        },
      );
      return entry;
    },
    take: (handle, { peer }) => {
      const entry = entries.get(handle);
      const isOther = peer !== undefined && entry?.pid !== undefined && entry.pid !== peer.pid;
      if (!entry || isOther) return { is: "unknown" };
      const { outcome } = entry;
      entry.lookedAt = clock.monotonic();
      if (outcome.is === "failed") drop(handle);
      if (outcome.is === "done") entry.outcome = { is: "taken" };
      return outcome;
    },
    answeredBy: (answer) => [...entries.values()].find(({ browser }) => browser?.accepts(answer)),
    get: (handle) => entries.get(handle),
    drop,
    sweep,
    isEmpty: () => entries.size === 0,
    close: () => {
      for (const handle of [...entries.keys()]) drop(handle);
    },
  };
}
