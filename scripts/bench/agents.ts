/**
 * Both agents, ours and the original, with the same accounts in one home.
 *
 * @module
 */

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { deno, root } from "../toolchain.ts";
import { ask as askProgram } from "./processes.ts";
import type { Answer, Question } from "./programs/accounts.ts";

/** The original, from Debian's package oidc-agent-cli. */
export const ORIGINAL = "oidc-agent";

/** A running agent. */
export interface AgentUnderTest {
  readonly socket: string;
  /** Sends a plain request; a connection of its own, as each client makes it. */
  ask(request: Record<string, unknown>): Promise<Record<string, unknown>>;
  /** What it has in memory, in MiB. */
  memory(): number;
}

/** Both, and what is around them. */
export interface Agents {
  readonly home: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly ours: AgentUnderTest;
  readonly original: AgentUnderTest;
  /** Makes accounts with their issuers, and gives what opens them. `quick`: not by a password. */
  accounts(issuers: Readonly<Record<string, string>>, quick?: boolean): Promise<Answer>;
  close(): void;
}

const PASSWORD = "password";

/** Starts both; `close` them. */
export function startAgents(binary: string): Agents {
  const home = mkdtempSync(join(tmpdir(), "apex-token-agents-"));
  const environment = {
    PATH: process.env.PATH ?? "",
    HOME: home,
    TMPDIR: home,
    XDG_RUNTIME_DIR: join(home, "run"),
    OIDC_ENCRYPTION_PW: PASSWORD,
  };
  mkdirSync(join(home, ".oidc-agent"));
  mkdirSync(environment.XDG_RUNTIME_DIR, { mode: 0o700 });
  const ours = started(execFileSync(binary, ["agent", "start"], { env: environment, encoding: "utf8" }));
  const original = started(execFileSync(ORIGINAL, [], { env: environment, encoding: "utf8" }));
  return {
    home,
    environment,
    ours: underTest(ours),
    original: underTest(original),
    accounts: async (accounts, quick) => {
      const question: Question = { home, accounts, ...(quick ? {} : { password: PASSWORD }) };
      // the packages of the account files are those of the checkout's own configuration
      const program = ["-c", `${root}deno.json`, `${root}scripts/bench/programs/accounts.ts`];
      return await askProgram<Answer>([deno(), "run", "-A", "--no-check", ...program], question);
    },
    close: () => {
      for (const { pid } of [ours, original]) quietly(() => process.kill(pid));
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** Loads an account into the original, by its own program. */
export function loadOriginal({ environment, original }: Agents, name: string): void {
  const env = { ...environment, OIDC_SOCK: original.socket };
  execFileSync("oidc-add", [name, "--pw-env"], { env, stdio: ["ignore", "ignore", "pipe"] });
}

/** Loads an account into ours. */
export async function loadOurs({ ours }: Agents, name: string, key: string): Promise<void> {
  const reply = await ours.ask({ request: "add", account: name, key });
  if (reply.status !== "success") throw new Error(`Cannot load ${name}: ${reply.error}`);
}

interface Started {
  readonly socket: string;
  readonly pid: number;
}

function started(lines: string): Started {
  const [, socket] = /OIDC_SOCK=([^;]+)/.exec(lines)!;
  return { socket, pid: Number(/OIDCD_PID=(\d+)/.exec(lines)![1]) };
}

function underTest({ socket, pid }: Started): AgentUnderTest {
  return {
    socket,
    ask: (request) => ask(socket, request),
    memory: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) / 1024,
  };
}

function ask(socket: string, request: Record<string, unknown>): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    let text = "";
    const connection = connect({ path: socket }, () => connection.write(JSON.stringify(request)));
    connection.on("data", (piece: Uint8Array) => text += new TextDecoder().decode(piece));
    connection.on("error", reject);
    connection.on("close", () => {
      try {
        resolve(JSON.parse(text));
      } catch {
        reject(new Error("the agent gave no answer"));
      }
    });
  });
}

function quietly(work: () => void): void {
  try {
    work();
  } catch {
    // it has ended by itself
  }
}
