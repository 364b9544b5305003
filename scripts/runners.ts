/**
 * Runs test files on Deno, Bun and Node.
 *
 * @module
 */

import { mkdtemp, readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { delimiter, dirname, join } from "node:path";
import process from "node:process";
import { countTests } from "./junit.ts";
import { type Outcome, run, runDeno } from "./run.ts";
import { bun, compileCaches, deno, node, root } from "./toolchain.ts";

/** A runner that takes longer hangs, in milliseconds. */
const runnerTimeout = 3_600_000;
/** One test that takes longer hangs, in milliseconds (Bun and Node; Deno has no such limit). */
const testTimeout = 600_000;

/** How many test files run at once on Bun and Node, which would leave a core alone: most of them wait. */
const atOnce = Math.max(2, availableParallelism());

/** The command line that runs `files` and writes a JUnit report to `report`. */
export type Runner = (files: readonly string[], report: string) => { program: string; args: string[] };

/** `deno test`. */
export const onDeno: Runner = (files, report) => ({
  program: deno(),
  // Types are the business of `deno check`.
  args: ["test", "-A", "--no-check", "--cached-only", "--parallel", `--junit-path=${report}`, ...files],
});

/** `bun test`, each file with globals of its own, as on the others. */
export const onBun: Runner = (files, report) => ({
  program: bun(),
  args: [
    ...["test", `--parallel=${atOnce}`, `--timeout=${testTimeout}`, "--only-failures"],
    ...["--reporter=junit", `--reporter-outfile=${report}`, ...files.map((file) => `./${file}`)],
  ],
});

/** `node --test`. */
export const onNode: Runner = (files, report) => ({
  program: node(),
  args: [
    ...["--test", `--test-timeout=${testTimeout}`],
    `--test-concurrency=${atOnce}`,
    ...["--test-reporter=spec", "--test-reporter-destination=stdout"],
    ...["--test-reporter=junit", `--test-reporter-destination=${report}`, ...files],
  ],
});

/**
 * Runs `files` and counts their tests. A file without a test is a failure, and so is a test that was skipped and
 * whatever else ended the runner.
 *
 * @param scratch a folder for the report and for the home of the tests
 * @param more what else the tests find in their environment
 */
export async function runTests(
  runner: Runner,
  files: readonly string[],
  scratch: string,
  more: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  if (files.length === 0) return { passed: 0, failed: 1, output: "There is no test file for it" };
  const folder = await mkdtemp(join(scratch, "run-"));
  const report = join(folder, "report.xml");
  const { program, args } = runner(files, report);
  const env = { ...await testEnvironment(await mkdtemp(join(folder, "home-"))), ...more };
  const result = await run(program, args, { cwd: root, env, timeout: runnerTimeout });
  const xml = await readFile(report, "utf8").catch(() => "");
  const { passed, failed, skipped, names } = countTests(xml);
  const problems = skipped.map((test) => `Not run: ${test}`);
  if (result.timedOut) problems.push("It was still running at its time limit and was ended");
  else if (result.code !== 0 && failed === 0) problems.push(`It ended with exit code ${result.code}`);
  else {
    // Of a file without a test Deno and Bun say nothing. Node calls the file itself a test that passed, and says of
    // every other test where it is written, which may be a file that several test files import.
    const hasTest = (file: string): boolean => runner === onNode ? !names.includes(file) : xml.includes(file);
    problems.push(...files.filter((file) => !hasTest(file)).map((file) => `No test in ${file}`));
  }
  return {
    passed,
    failed: failed + problems.length,
    output: [result.output.trimEnd(), ...problems].join("\n"),
  };
}

/** What a test sees of this machine: nothing of the person's settings, certificates or proxy. */
async function testEnvironment(home: string): Promise<Record<string, string>> {
  const env: Record<string, string> = {
    HOME: home,
    USERPROFILE: home,
    NO_COLOR: "1",
    DENO_NO_UPDATE_CHECK: "1",
    DENO_DIR: await denoDir(),
    ...compileCaches,
  };
  for (const name of ["PATH", "LANG", "TMPDIR", "SystemRoot", "TEMP", "TMP"]) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  // So that a test on Bun or Node finds the same Deno.
  env.PATH = [dirname(deno()), env.PATH].join(delimiter);
  return env;
}

async function denoDir(): Promise<string> {
  const { output, code } = await runDeno(["info", "--json"]);
  if (code !== 0) throw new Error(`Cannot find Deno's cache: ${output.trim()}`);
  return JSON.parse(output.slice(output.indexOf("{"))).denoDir;
}
