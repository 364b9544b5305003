/**
 * Many callers in one process who want the same thing at the same moment, whatever it is.
 *
 * @module
 */

import { versionsOf } from "../machine.ts";
import { ask, commandOf } from "../processes.ts";
import type { Answer, Question } from "../programs/one_request.ts";
import { startRotatingServer } from "../processes.ts";
import { type Line, type Table, US } from "../table.ts";

const LATENCY = 50;

/** Counts the requests. */
export async function oneRequest(): Promise<Table> {
  const server = await startRotatingServer({ latency: LATENCY, life: 3600 });
  const lines: Line[] = [];
  try {
    for (const [callers, rounds] of [[1000, 5], [10_000, 3]] as const) {
      const question: Question = { origin: server.address, callers, rounds };
      const answer = await ask<Answer>(commandOf("Node", "one_request.ts"), question);
      for (const [row, { requests, time }] of Object.entries(answer)) {
        const values = { requests, "ms beyond the latency": Math.max(time - LATENCY, 0) };
        lines.push({ row: `${callers.toLocaleString("en")} callers: ${row}`, who: US, values });
      }
    }
  } finally {
    await server.close();
  }
  return {
    name: "one-request",
    title: "one request for many callers in one process, whatever they want",
    notes: [
      `On Node, all callers start in the same turn; the server, in a process of its own on loopback, takes ${LATENCY} ms ` +
      "for each answer, and so does the grant of one's own. The most requests and the median time of some rounds; the " +
      "time ends when the last caller has what it wants. For the peers, see the table of 1,000 callers.",
    ],
    versions: versionsOf([US, "Node"]),
    lines,
  };
}
