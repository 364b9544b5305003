/**
 * What the life of a token costs one caller who asks again and again.
 *
 * @module
 */

import { versionsOf } from "../machine.ts";
import { ask, commandOf, startTokenServer } from "../processes.ts";
import type { Answer, Question } from "../programs/expiry.ts";
import { type Table, US, withRatios } from "../table.ts";

const CALLS = 20;
const SLOW_CALLS = 5;
const PAUSE = 1100;

/** Counts the requests. */
export async function expiry(): Promise<Table> {
  const server = await startTokenServer();
  const count = async (row: string, lifetime: string, calls: number, pause: number) => {
    const question: Question = { origin: server.address, lifetime, calls, pause };
    const answer = await ask<Answer>(commandOf("Node", "expiry.ts"), question);
    return Object.entries(answer).map(([who, requests]) => ({
      row,
      who,
      values: { "token requests": requests },
    }));
  };
  try {
    const lines = [];
    for (const lifetime of ["60", "299", "300", "301"]) {
      lines.push(
        ...await count(
          `expires_in ${lifetime}, ${CALLS} calls`,
          lifetime,
          CALLS,
          0,
        ),
      );
    }
    lines.push(...await count(`no expires_in, ${CALLS} calls`, "none", CALLS, 0));
    const slowly = `expires_in 300, ${SLOW_CALLS} calls ${PAUSE / 1000} s apart`;
    lines.push(...await count(slowly, "300", SLOW_CALLS, PAUSE));
    return {
      name: "expiry",
      title: "token requests of one caller who asks again and again",
      notes: [
        "On Node, one call after the other. The least is one request: every token outlives the calls. " +
        "openid-client and simple-oauth2 keep no token and are not here.",
      ],
      versions: versionsOf([US, "Node", ...new Set(lines.map(({ who }) => who).filter((who) => who !== US))]),
      lines: withRatios(lines, "token requests"),
    };
  } finally {
    await server.close();
  }
}
