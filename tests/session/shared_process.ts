/** Processes that share a sign-in. */

import { fileURLToPath } from "node:url";
import { bun, node } from "../../scripts/toolchain.ts";
import { type RunningProcess, startDeno, startProcess } from "../process.ts";
import { LIFETIME } from "../store/store_process.ts";

/** What a process has got. */
export interface Got {
  readonly count: number;
  /** The distinct access tokens. */
  readonly tokens: readonly string[];
  /** The distinct codes of what went wrong. */
  readonly errors: readonly string[];
}

/** A process. */
export interface SharedProcess {
  /** So many callers ask at once; before, its clock goes on by so many seconds. */
  get(callers?: number, seconds?: number): Promise<Got>;
  /** The same for the client's own tokens. */
  service(callers?: number): Promise<Got>;
  save(tokens: Record<string, unknown>): Promise<boolean>;
  /** Its clock goes on. */
  later(seconds: number): Promise<void>;
  /** Ends it with SIGKILL. */
  kill(): Promise<void>;
}

/** On what it runs. */
export type Runtime = "deno" | "bun" | "node";

/** Starts one. */
export async function startSharedProcess(
  runtime: Runtime,
  { kind, place, issuer, aheadBy = 0 }: {
    readonly kind: "ioredis" | "redis" | "deno-kv";
    readonly place: string;
    readonly issuer: string;
    readonly aheadBy?: number;
  },
): Promise<SharedProcess> {
  const program = fileURLToPath(new URL("programs/shared_process.ts", import.meta.url));
  const args = [program, kind, place, issuer, String(aheadBy)];
  const options = { stdin: "open", timeout: LIFETIME } as const;
  const flags = ["run", "-A", "--quiet", "--no-check", "--cached-only", "--unstable-kv"];
  const child: RunningProcess = runtime === "deno"
    ? startDeno([...flags, ...args], options)
    : startProcess(runtime === "bun" ? bun() : node(), args, options);
  await child.waitFor("stdout", /^ready$/m);
  let commands = 0;

  async function ask<T>(command: Record<string, unknown>): Promise<T> {
    const number = ++commands;
    child.write(JSON.stringify(command) + "\n");
    const [, text] = await child.waitFor("stdout", new RegExp(`^answer ${number} (.*)$`, "m"));
    const answer = JSON.parse(text);
    if (answer.failure) throw new Error(answer.failure);
    return answer;
  }

  return {
    get: (callers = 1, seconds = 0) => ask({ what: "get", callers, seconds }),
    service: (callers = 1) => ask({ what: "service", callers }),
    later: (seconds) => ask({ what: "later", seconds }),
    save: async (tokens) => {
      const { access_token: accessToken, refresh_token: refreshToken } = tokens;
      const { saved } = await ask<{ saved: boolean }>({ what: "save", accessToken, refreshToken });
      return saved;
    },
    kill: async () => {
      child.kill("SIGKILL");
      await child.ended;
    },
  };
}
