/**
 * Many callers who want a token at the same moment: how many requests they make, and how long they wait.
 *
 * @module
 */

import { interleave, median, ratio } from "../measure.ts";
import { US } from "../table.ts";
import { answer } from "./answer.ts";
import { libraries, requestsTo } from "./clients.ts";

/** What is asked of this program. */
export interface Question {
  /** The origin of the token server. */
  readonly origin: string;
  /** How long the server takes, in milliseconds. */
  readonly latency: number;
  readonly callers: number;
  readonly rounds: number;
}

/** What it answers, for each library. */
export type Answer = Record<string, { cold: Waited; expired: Waited }>;

/** How it went. */
export interface Waited {
  /** Token requests of all callers together; the median of the rounds. */
  readonly requests: number;
  /** Until the last caller had a token, in milliseconds. */
  readonly time: number;
  /** The time divided by our own. */
  readonly ratio: number;
}

/** The life of a token that has expired by the time it is asked for again, in seconds. */
const SHORT_LIFE = 1;

let label = 0;

await answer<Question, Answer>(async (question) => {
  const cold = await measure(question, "cold");
  const expired = await measure(question, "expired");
  return Object.fromEntries(
    Object.keys(libraries).map((who) => [who, { cold: cold(who), expired: expired(who) }]),
  );
});

async function measure(
  { origin, latency, callers, rounds }: Question,
  state: "cold" | "expired",
): Promise<(who: string) => Waited> {
  const requests: Record<string, number[]> = {};
  const subject = (who: string) => async () => {
    const issuer = `${origin}/${++label}/${latency}/${state === "cold" ? "" : `${SHORT_LIFE},`}3600`;
    const client = await libraries[who].make(issuer);
    if (state === "expired") {
      await client.get();
      await new Promise((resolve) => setTimeout(resolve, SHORT_LIFE * 1000 + 100));
    }
    const before = await requestsTo(issuer);
    const start = performance.now();
    await Promise.all(Array.from({ length: callers }, () => client.get()));
    const time = performance.now() - start;
    (requests[who] ??= []).push(await requestsTo(issuer) - before);
    return time;
  };
  const subjects = Object.fromEntries(Object.keys(libraries).map((who) => [who, subject(who)]));
  const samples = await interleave(subjects, { rounds });
  return (who) => ({
    requests: median(requests[who].slice(-rounds)),
    time: median(samples[who]),
    ratio: ratio(samples[who], samples[US]),
  });
}
