/**
 * How long an agent runs when nobody tells it to end.
 *
 * @module
 */

import { lstatSync } from "node:fs";
import type { Clock } from "../clock.ts";
import type { Agent } from "./agent.ts";

/** What the life of an agent depends on. */
export interface LifetimeOptions {
  readonly clock: Clock;
  readonly agent: Pick<Agent, "sweep" | "isEmpty">;
  /** Without it nobody can ask the agent for anything any more. */
  readonly socket: string;
  /** Whether a process whose end is the agent's end too has ended. */
  readonly isAlone: () => boolean;
  /** Whether it ends by itself when it has held nothing for a minute: one that nobody asked for is not left behind. */
  readonly temporary: boolean;
}

/** The life of an agent. */
export interface Lifetime {
  /** Makes a temporary agent one like any other. @returns whether it was temporary */
  stay(): boolean;
  /** Waits for its end. @param told ends it */
  untilTheEnd(told: AbortSignal): Promise<void>;
}

/** How often all this is looked at, in milliseconds. */
const PACE = 5_000;
/** How long a temporary agent may hold nothing, in milliseconds: whoever started it brings a key in this time. */
const SPARE = 60_000;

/** Makes one. */
export function lifetime({ clock, agent, socket, isAlone, temporary }: LifetimeOptions): Lifetime {
  let mayEnd = temporary;
  let heldAt = clock.monotonic();

  function isOver(): boolean {
    agent.sweep();
    if (!agent.isEmpty()) heldAt = clock.monotonic();
    const isIdle = clock.monotonic() - heldAt >= SPARE;
    return isAlone() || isGone(socket) || mayEnd && isIdle;
  }

  return {
    stay: () => {
      const was = mayEnd;
      mayEnd = false;
      return was;
    },
    untilTheEnd: async (told) => {
      while (!told.aborted && !isOver()) await clock.sleep(PACE, told).catch(() => {});
    },
  };
}

/** A file system that does not answer is no reason to end. */
function isGone(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) === undefined;
  } catch {
    return false;
  }
}
