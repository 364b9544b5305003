/**
 * How long programs take from their start to their end, measured by Bun: it starts them with `posix_spawn`, and costs
 * the least itself.
 *
 * @module
 */

import { interleave, type Samples } from "../measure.ts";
import { answer } from "./answer.ts";

/** A command to run. */
export interface Command {
  readonly command: readonly string[];
  readonly cwd: string;
  /** Its whole environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** What is asked of this program. */
export interface Question {
  readonly commands: Readonly<Record<string, Command>>;
  readonly rounds: number;
}

/** What it answers: milliseconds. */
export type Answer = Samples;

interface BunRuntime {
  spawnSync(
    command: readonly string[],
    options: {
      cwd: string;
      env: Readonly<Record<string, string>>;
      stdio: ["ignore", "pipe", "pipe"];
    },
  ): { exitCode: number; stdout: Uint8Array; stderr: Uint8Array };
}

await answer<Question, Answer>(async ({ commands, rounds }) => {
  const { spawnSync } = (globalThis as unknown as { Bun: BunRuntime }).Bun;
  const subject = ({ command, cwd, env }: Command) => () => {
    const start = performance.now();
    // a pipe, as in $(…)
    const { exitCode, stderr } = spawnSync(command, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    const time = performance.now() - start;
    if (exitCode === 0) return time;
    throw new Error(
      `${command.join(" ")} ended with ${exitCode}: ${new TextDecoder().decode(stderr)}`,
    );
  };
  const subjects = Object.entries(commands).map(([name, command]) => [name, subject(command)]);
  return await interleave(Object.fromEntries(subjects), { rounds, warmUps: 3 });
});
