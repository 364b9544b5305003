/**
 * How a program of this folder talks: JSON on standard input, JSON on standard output.
 *
 * @module
 */

import { readFileSync, writeSync } from "node:fs";
import process from "node:process";

/** Answers the question on standard input and ends. */
export async function answer<Question, Answer>(
  work: (question: Question) => Promise<Answer>,
): Promise<never> {
  const question: Question = JSON.parse(readFileSync(0, "utf8"));
  writeSync(1, JSON.stringify(await work(question)));
  // a library may still hold a timer or a connection
  process.exit(0);
}
