/**
 * What the torture has seen, put together: the server's events with who sent what.
 *
 * @module
 */

import type { Presentation, Sender } from "./judge.ts";
import type { ServerEvent } from "./server_events.ts";
import { named, type Victim } from "./victims.ts";

type Writable<T> = { -readonly [member in keyof T]: T[member] };

/** One refresh token on its way. */
export interface Seen extends Omit<Presentation, "sender"> {
  /** Whose it is; nothing when nobody who lives has the connection. */
  readonly victim?: Victim;
  /** The access token in the answer. */
  readonly access?: string;
}

/** All that was seen. */
export interface Records {
  readonly seen: readonly Seen[];
  /** The request that ended the present sign-in, if one did. */
  ended(): Seen | undefined;
  /** Takes an event down; `victim` is who sent the request. */
  take(event: ServerEvent, victim?: Victim): void;
  /** Somebody got this access token. */
  handedOut(access: string): void;
  /** What is to be judged. */
  presentations(): Presentation[];
  /** Whether a refresh token was durable, or somebody acted as if it were: presented it, or handed out what came with it. */
  isDurable(token: string): boolean;
}

/** Makes records on top of what the store showed. */
export function makeRecords(durable: () => ReadonlySet<string>): Records {
  const seen: Writable<Seen>[] = [];
  const handedOut = new Set<string>();
  let ended: Seen | undefined;
  const find = (request: number) => seen.find((one) => one.request === request)!;

  function take(event: ServerEvent, victim?: Victim): void {
    switch (event.event) {
      case "signed in":
        ended = undefined;
        return;
      case "arrived": {
        const { request, token, at } = event;
        seen.push({ request, token, arrivedAt: at, carriedOutAt: Infinity, victim });
        return;
      }
      case "rotated":
        Object.assign(find(event.request), {
          carriedOutAt: event.at,
          next: event.next,
          access: event.access,
        });
        return;
      case "refused":
        Object.assign(find(event.request), { carriedOutAt: event.at, revoked: event.revoked });
        if (event.revoked) ended = find(event.request);
        return;
    }
  }

  return {
    seen,
    ended: () => ended,
    take,
    handedOut: (access) => void handedOut.add(access),
    presentations: () => seen.map((one) => ({ ...one, sender: senderOf(one) })),
    isDurable: (token) =>
      durable().has(token) ||
      seen.some((one) => one.token === token || (one.next === token && handedOut.has(one.access!))),
  };
}

function senderOf({ victim, arrivedAt }: Seen): Sender {
  // whoever is not among the living when a request arrives was killed before
  if (!victim) return { name: "a process that was dead", killedAt: arrivedAt, step: "present" };
  return { name: named(victim), killedAt: victim.killedAt, step: victim.step };
}
