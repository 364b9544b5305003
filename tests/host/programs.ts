/**
 * Runs the small programs beside this file on the runtime that runs the tests.
 *
 * @module
 */

import process from "node:process";
import { fileURLToPath } from "node:url";
import {
  currentRuntime,
  type ProcessOptions,
  type ProcessResult,
  type RunningProcess,
  startDeno,
  startProcess,
} from "../process.ts";

/** The words that run `programs/<name>.ts`. */
export function commandLine(name: string, ...args: string[]): string[] {
  const flags = currentRuntime() === "deno" ? ["run", "-A", "--quiet", "--no-config"] : [];
  const program = fileURLToPath(new URL(`./programs/${name}.ts`, import.meta.url));
  return [process.execPath, ...flags, program, ...args];
}

/** Starts any command; on Deno with the cache that a program may need. */
export function startCommand(
  [program, ...args]: readonly string[],
  options?: ProcessOptions,
): RunningProcess {
  const isDeno = program === process.execPath && currentRuntime() === "deno";
  return isDeno ? startDeno(args, options) : startProcess(program, args, options);
}

/** Starts `programs/<name>.ts`. */
export function startProgram(name: string, args: string[] = [], options?: ProcessOptions): RunningProcess {
  return startCommand(commandLine(name, ...args), options);
}

/** Runs `programs/<name>.ts` to its end. */
export function runProgram(
  name: string,
  args: string[] = [],
  options?: ProcessOptions,
): Promise<ProcessResult> {
  return startProgram(name, args, options).ended;
}

/**
 * Has `programs/files.ts` do something in a directory, under a umask, and gives what it says. In a process of its own:
 * in this one other test files may be making files at the same moment.
 */
export async function underUmask(umask: number, task: string, directory: string): Promise<unknown> {
  const command = [
    "sh",
    "-c",
    'umask "$0"; exec "$@"',
    umask.toString(8),
    ...commandLine("files", task, directory),
  ];
  const env: Record<string, string> = process.env.DENO_DIR === undefined
    ? {}
    : { DENO_DIR: process.env.DENO_DIR };
  const { code, stdout, stderr } = await startCommand(command, { env }).ended;
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}
