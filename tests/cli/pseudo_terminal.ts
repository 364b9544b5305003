/**
 * The command line on a pseudo-terminal, made by `script` of util-linux.
 *
 * @module
 */

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RunningProcess, startProcess } from "../process.ts";
import type { Machine } from "./machine.ts";

/** A command with somebody in front of it. */
export interface TerminalSession {
  readonly running: RunningProcess;
  /** Waits for a prompt that was not there before, then types. */
  reply(prompt: RegExp, text: string): Promise<void>;
  /** Waits for the end. The terminal must be as it was. */
  end(): Promise<TerminalEnd>;
  /** Takes the terminal away. The command hears of it, and goes on as it likes. */
  hangUp(): Promise<void>;
}

/** How it ended. */
export interface TerminalEnd {
  readonly code: number;
  /** Everything that was to be seen: standard error and what the terminal itself showed. */
  readonly seen: string;
  /** Standard output, which was not the terminal. */
  readonly stdout: string;
}

/** Starts `apex-token ARGS…` on a terminal of 100 columns, or so many, with its standard output elsewhere. */
export function startOnTerminal(
  machine: Machine,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  columns = 100,
): TerminalSession {
  const folder = mkdtempSync(join(tmpdir(), "apex-token-terminal-"));
  const output = join(folder, "stdout");
  const program = machine.words(args).map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
  // The shell must outlive a Ctrl-C, and hand it on to the program as it is.
  const command = `stty columns ${columns}; trap : INT; ${program} > '${output}'; echo "status=$?"; stty -a`;
  const running = startProcess("script", ["-qefE", "always", "-c", command, "/dev/null"], {
    env: { ...machine.environment, TERM: "xterm", SHELL: "/bin/sh", ...env },
    cwd: "/",
    stdin: "open",
  });
  let seenSoFar = 0;
  return {
    running,
    async reply(prompt, text) {
      // what was answered before is not asked again
      const pattern = new RegExp(`^[^]{${seenSoFar},}?(?:${prompt.source})`, prompt.flags.replace("m", ""));
      const [match] = await running.waitFor("stdout", pattern);
      seenSoFar = match.length;
      running.write(text);
    },
    async hangUp() {
      running.kill("SIGKILL");
      await running.ended;
      rmSync(folder, { recursive: true });
    },
    async end() {
      const { stdout } = await running.ended;
      const [seen, code, state] = stdout.split(/status=(\d+)/);
      assert.ok(state !== undefined, `the shell did not end well: ${stdout}`);
      for (const mode of ["icanon", "isig", "echo"]) assert.match(state, new RegExp(`[\\n ]${mode} `), mode);
      const answer = existsSync(output) ? readFileSync(output, "utf8") : "";
      rmSync(folder, { recursive: true });
      return { code: Number(code), seen, stdout: answer };
    },
  };
}
