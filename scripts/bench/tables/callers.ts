/**
 * Many callers in one process who want a token at the same moment.
 *
 * @module
 */

import { versionsOf } from "../machine.ts";
import { ask, commandOf, startTokenServer } from "../processes.ts";
import type { Answer, Question } from "../programs/callers.ts";
import { libraries } from "../programs/clients.ts";
import { RATIO, type Table, US } from "../table.ts";

const CALLERS = 1000;
const LATENCY = 50;
const ROUNDS = 5;

/** Measures many callers. */
export async function callers(): Promise<Table> {
  const server = await startTokenServer();
  const question: Question = { origin: server.address, latency: LATENCY, callers: CALLERS, rounds: ROUNDS };
  const answer = await ask<Answer>(commandOf("Node", "callers.ts"), question)
    .finally(server.close);
  const lines = (["cold", "expired"] as const).flatMap((state) =>
    Object.entries(answer).map(([who, waited]) => ({
      row: state === "cold" ? "nothing cached" : "the cached token expired",
      who,
      note: libraries[who].keeps ? undefined : "keeps no token",
      values: {
        "token requests": waited[state].requests,
        ms: waited[state].time,
        [RATIO]: waited[state].ratio,
      },
    }))
  );
  return {
    name: "callers",
    title: `${CALLERS.toLocaleString("en")} callers at once in one process`,
    notes: [
      `On Node, all callers start in the same turn; the authorization server, in a process of its own on loopback, ` +
      `takes ${LATENCY} ms for each answer. The time ends when the last caller has a token. ` +
      `Medians of ${ROUNDS} rounds, each with a new client.`,
    ],
    versions: versionsOf([US, "Node", ...Object.keys(answer).filter((who) => who !== US)]),
    lines,
  };
}
