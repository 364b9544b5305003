/**
 * One sign-in in several processes.
 *
 * @module
 */

import { startRedis } from "../../../tests/store/redis_server.ts";
import { versionsOf } from "../machine.ts";
import { median } from "../measure.ts";
import { ask, commandOf, startTokenServer } from "../processes.ts";
import type { Answer, Question } from "../programs/sharing.ts";
import { type Line, type Table, US } from "../table.ts";

const PROCESSES = 4;
const CALLERS = 1000;
const LATENCY = 50;
const ROUNDS = 5;
/** How long the processes have to start, in milliseconds; twice as long where that was too short, up to a limit. */
const START = 3000;
const LONGEST_START = 60_000;
/** Who begins so much later than the others is no caller of the same moment, in milliseconds. */
const LATE = 250;

/** Measures shared sign-ins. */
export async function sharing(): Promise<Table> {
  const server = await startTokenServer();
  try {
    const redis = await startRedis();
    try {
      return {
        name: "sharing",
        title: `${PROCESSES} processes with one sign-in on Redis`,
        notes: [
          `On Node. ${PROCESSES} processes with ${
            CALLERS.toLocaleString("en")
          } callers each ask at the same ` +
          `moment for a token that has ended; the server takes ${LATENCY} ms. The time ends when the last caller of ` +
          `the last process has a token. Medians of ${ROUNDS} rounds, each with new processes.`,
        ],
        versions: versionsOf([US, "Node"]),
        lines: [await manyProcesses(server.address, redis.socket)],
      };
    } finally {
      await redis.close();
    }
  } finally {
    await server.close();
  }
}

const sharer = (question: Question) => ask<Answer>(commandOf("Node", "sharing.ts"), question);

async function manyProcesses(origin: string, socket: string): Promise<Line> {
  const times: number[] = [];
  const counts: number[] = [];
  for (let [round, start] = [0, START]; times.length < ROUNDS; round++) {
    const issuer = `${origin}/refresh-${round}/${LATENCY}/3600`;
    await sharer({ issuer, socket, what: "sign in" });
    const question: Question = { issuer, socket, what: "get", callers: CALLERS, at: Date.now() + start };
    const all = await Promise.all(Array.from({ length: PROCESSES }, () => sharer(question)));
    counts.push(await (await fetch(`${issuer}/requests`)).json());
    if (all.every(({ late }) => late < LATE)) {
      times.push(Math.max(...all.map(({ time, late }) => time + late)));
    } else if ((start *= 2) > LONGEST_START) throw new Error("the processes do not begin at one moment");
  }
  return {
    row: `${PROCESSES} processes, ${CALLERS.toLocaleString("en")} callers each`,
    who: US,
    values: { "token requests": Math.max(...counts), ms: median(times) },
  };
}
