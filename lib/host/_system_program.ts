/**
 * Running a program of the system that is handed a secret on its standard input.
 *
 * @module
 */

import { spawn } from "node:child_process";
import type { Clock } from "../clock.ts";

/** How a program ended. */
export interface SystemProgramResult {
  /** Its exit code; nothing when it could not be started, was ended by a signal, or took too long. */
  readonly code: number | undefined;
  readonly stdout: string;
}

/** The longest answer that is read, in bytes. */
const LIMIT = 64 * 1024;

/**
 * Runs a program by its whole path, without a shell. A secret goes in by `input` and never by an argument.
 *
 * @param patience after how many milliseconds it is ended. Default: 10 000
 */
export async function runSystemProgram(
  program: string,
  args: readonly string[],
  { input = "", clock, patience = 10_000 }: { input?: string; clock: Clock; patience?: number },
): Promise<SystemProgramResult> {
  const settled = new AbortController();
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "ignore"], windowsHide: true });
  const ended = new Promise<SystemProgramResult>((resolve) => {
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      if (stdout.length > LIMIT) child.kill("SIGKILL");
    });
    child.on("error", () => resolve({ code: undefined, stdout: "" }));
    child.on("close", (code) => resolve({ code: code ?? undefined, stdout }));
  });
  // one that does not read ends with its own code
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const late = clock.sleep(patience, settled.signal).then(() => void child.kill("SIGKILL"), () => {});
  try {
    return await ended;
  } finally {
    settled.abort();
    await late;
  }
}
