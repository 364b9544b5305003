/**
 * Hears of each refresh token that reaches the server, finds out who sent it, and kills some of the senders: before it
 * is carried out, before the answer, and after the answer.
 *
 * @module
 */

import { ownerOf } from "./connection_owner.ts";
import type { Scene } from "./scene.ts";
import type { ServerEvent } from "./server_events.ts";
import type { Victim } from "./victims.ts";

/** How often a sender is killed, at each of the moments. */
const RATE = 0.05;

/** What is done at each event of the server; the server waits for it. */
export function executioner(scene: Scene, look: () => Promise<void>): (event: ServerEvent) => Promise<void> {
  const { records, alive, random, tally } = scene;
  const senders = new Map<number, Victim | undefined>();

  async function perhaps(request: number, step: string): Promise<void> {
    if (scene.over || !random.chance(RATE)) return;
    await senders.get(request)?.kill(step);
  }

  return async (event) => {
    if (event.event === "arrived") {
      const owner = ownerOf(event.port, alive.keys());
      senders.set(event.request, owner === undefined ? undefined : alive.get(owner));
      // what is durable at this moment is what the sender could know
      await look();
    }
    records.take(event, "request" in event ? senders.get(event.request) : undefined);
    switch (event.event) {
      case "arrived":
        return await perhaps(event.request, "present (arrived)");
      case "rotated": {
        const participant = senders.get(event.request)?.participant;
        if (participant) tally.parts.get(participant)!.refreshes++;
        return await perhaps(event.request, "present (carried out)");
      }
      case "answered":
        await perhaps(event.request, "log (answered)");
        senders.delete(event.request);
    }
  };
}
