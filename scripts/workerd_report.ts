/**
 * Reads what test files in workerd told.
 *
 * @module
 */

import { marker, type Told } from "../tests/workerd/told.ts";
import type { Outcome, RunResult } from "./run.ts";

interface Seen {
  tests: number;
  passed: number;
  /** What is under way. */
  running?: string;
  done: boolean;
  readonly failures: string[];
}

/** What workerd says of each file, its warnings of what a test does with a Response, and stacks of its own. */
const NOISE =
  /^workerd\/(?:server\/server\/run\.rs|io\/worker\.c\+\+:\d+: info: console warning)|^stack: |^$/;

/** workerd shows the value of a header that is not ASCII: it must not get one. */
const SHOWN_HEADER = /^A header value for /;

/** Counts the tests of `files` in what workerd printed. Nothing that is missing counts as passed. */
export function countTold(files: readonly string[], result: RunResult): Outcome {
  const seen = new Map<string, Seen>(
    files.map((file) => [file, { tests: 0, passed: 0, done: false, failures: [] }]),
  );
  const others: string[] = [];
  for (const line of result.output.split("\n")) {
    const at = line.indexOf(marker);
    if (at < 0) others.push(line);
    else take(seen, JSON.parse(line.slice(at + marker.length)));
  }
  const problems = others.filter((line) => SHOWN_HEADER.test(line));
  for (const [file, { done, running, tests, failures }] of seen) {
    problems.push(...failures);
    if (!done) problems.push(`${file} did not run to its end${running ? `; last seen: ${running}` : ""}`);
    else if (tests === 0) problems.push(`No test in ${file}`);
  }
  if (result.timedOut) problems.push("workerd was still running at its time limit and was ended");
  else if (result.code !== 0 && problems.length === 0) {
    problems.push(`workerd ended with exit code ${result.code}`);
  }
  const passed = [...seen.values()].reduce((sum, { passed }) => sum + passed, 0);
  if (problems.length === 0) return { passed, failed: 0 };
  const rest = others.filter((line) => !NOISE.test(line));
  return { passed, failed: problems.length, output: [...problems, ...rest].join("\n").trimEnd() };
}

function take(seen: Map<string, Seen>, told: Told): void {
  const file = seen.get(told.file);
  if (!file) return;
  if ("starts" in told) file.running = told.starts.join(" > ");
  else if ("done" in told) file.done = true;
  else {
    file.tests++;
    file.running = undefined;
    if (told.failure === undefined) file.passed++;
    else {
      const failure = told.failure.replace(/^/gm, "    ");
      file.failures.push(`✖ ${told.file}: ${told.ended.join(" > ")}\n${failure}`);
    }
  }
}
