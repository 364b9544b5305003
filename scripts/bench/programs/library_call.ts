/**
 * Calls `@apex/token/profile` for a cached token: JSON in, JSON out.
 *
 * @module
 */

import process from "node:process";
import { profile } from "../../../lib/agent/profile.ts";

/** What to do. */
export interface Question {
  readonly home: string;
  readonly profile: string;
  readonly calls: number;
}

/** What it took. */
export interface Answer {
  /** One call. */
  readonly milliseconds: number;
}

let text = "";
for await (const piece of process.stdin) text += piece;
const question: Question = JSON.parse(text);
process.env.HOME = question.home;
const source = profile(question.profile);
await source.get();
const begun = performance.now();
for (let call = 0; call < question.calls; call++) await source.get();
const answer: Answer = { milliseconds: (performance.now() - begun) / question.calls };
process.stdout.write(JSON.stringify(answer));
