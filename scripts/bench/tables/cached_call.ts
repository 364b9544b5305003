/**
 * What a cached token costs inside a running program.
 *
 * @module
 */

import { versionsOf } from "../machine.ts";
import { median, shuffled } from "../measure.ts";
import { ask, commandOf, type Runtime, startTokenServer } from "../processes.ts";
import type { Answer, Question } from "../programs/cached_call.ts";
import { type Line, type Table, US, withRatios } from "../table.ts";

/** Who is asked, and for how many scopes; 0 for one token without a scope. */
const SUBJECTS: readonly (readonly [who: string, scopes: number])[] = [
  [US, 0],
  ["google-auth-library", 0],
  ["@badgateway/oauth2-client", 0],
  [US, 1],
  ["@azure/msal-node", 1],
  [US, 100],
  ["@azure/msal-node", 100],
  [US, 10_000],
];
const RUNTIMES: readonly Runtime[] = ["Deno", "Node", "Bun"];
/** Each subject has a process of its own, and that several times: two processes are never quite alike. */
const PROCESSES = 3;
const ROUNDS = 31;

/** Measures a cached token. */
export async function cachedCall(): Promise<Table> {
  const server = await startTokenServer();
  const answers = new Map<string, Answer[]>();
  const failures: string[] = [];
  let label = 0;
  const subjects = RUNTIMES.flatMap((runtime) => SUBJECTS.map(([who, scopes]) => ({ runtime, who, scopes })));
  try {
    for (let process = 0; process < PROCESSES; process++) {
      for (const { runtime, who, scopes } of shuffled(subjects)) {
        const name = rowOf(runtime, scopes) + who;
        const issuer = `${server.address}/${++label}/0/36000`;
        const question: Question = { who, issuer, scopes, rounds: ROUNDS };
        const failed = failures.some((failure) => failure.startsWith(`${who} on ${runtime}`));
        const answer = failed ? undefined : await ask<Answer>(commandOf(runtime, "cached_call.ts"), question)
          .catch((error) => {
            failures.push(
              `${who} on ${runtime} gets no token: ${reasonOf(error)}.`,
            );
          });
        if (answer) answers.set(name, [...answers.get(name) ?? [], answer]);
      }
    }
  } finally {
    await server.close();
  }
  return {
    name: "cached-call",
    title: "a cached token in a running program, nanoseconds a call",
    notes: [
      "The floor is an empty async function that compares Date.now(), measured in the same process, batch by batch. " +
      "With scopes a second floor finds what it compares with in a Map of as many: with thousands of them most of the time goes into memory that is not in the processor's cache, for that floor too. " +
      "A row with scopes asks for one of so many scopes, each with a token of its own in the cache. " +
      "openid-client and simple-oauth2 keep no token and are not here.",
      ...failures,
    ],
    versions: versionsOf([
      US,
      ...RUNTIMES,
      ...new Set(SUBJECTS.map(([who]) => who).filter((who) => who !== US)),
    ]),
    lines: linesOf(answers),
  };
}

function linesOf(answers: ReadonlyMap<string, readonly Answer[]>): Line[] {
  return RUNTIMES.flatMap((runtime) => {
    const all = SUBJECTS.flatMap(([who, scopes]) => answers.get(rowOf(runtime, scopes) + who) ?? []);
    const floor: Line = {
      row: rowOf(runtime, 0),
      who: "floor",
      values: { ns: median(all.map((answer) => answer.floor)), "x floor": 1 },
    };
    const lines = SUBJECTS.flatMap(([who, scopes]): Line[] => {
      const own = answers.get(rowOf(runtime, scopes) + who);
      if (!own) return [];
      const row = rowOf(runtime, scopes);
      const values = {
        ns: median(own.map((answer) => answer.call)),
        "x floor": median(own.map((answer) => answer.ratio)),
      };
      if (scopes === 0) return [{ row, who, values }];
      const withMap = (value: (answer: Answer) => number | undefined) =>
        median(own.map((answer) => value(answer)!));
      const line = {
        row,
        who,
        values: { ...values, "x floor with a Map": withMap(({ mapRatio }) => mapRatio) },
      };
      // one floor a row, beside ours
      if (who !== US) return [line];
      const floor = { row, who: "floor with a Map", values: { ns: withMap(({ mapFloor }) => mapFloor) } };
      return [floor, line];
    });
    return withRatios([floor, ...lines], "x floor");
  });
}

function rowOf(runtime: Runtime, scopes: number): string {
  if (scopes === 0) return `${runtime}, one token`;
  return `${runtime}, ${scopes.toLocaleString("en")} ${scopes === 1 ? "scope" : "scopes"}`;
}

/** What the runtime said, without the stack. */
function reasonOf(error: Error): string {
  return /^\s*(?:Uncaught )?(\w*Error: .*)$/m.exec(error.message)?.[1] ??
    error.message.split("\n")[0];
}
