/**
 * Starting and ending an agent that runs in the background.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { isTokenError, TokenError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { safeText } from "../safe_text.ts";
import type { AgentOptions, RunningAgent } from "./agent_options.ts";
import { defaultSocket } from "./default_socket.ts";
import { exchangeMessages } from "./exchange.ts";
import { keysSocket } from "./default_socket.ts";
import { ownCommand } from "./own_command.ts";
import { isAlive, pidPath } from "./run.ts";

export { defaultSocket };

/** What to start. */
export interface StartOptions {
  /** The socket. Default: {@linkcode defaultSocket}. A directory's name that ends in `XXXXXX` is made random. */
  readonly socket?: string;
  readonly options?: AgentOptions;
  /** Whether a link is put where the C tools look. Default: true, without `socket`. */
  readonly link?: boolean;
  readonly pidFile?: string;
  /** A process whose end is the agent's end too. */
  readonly watch?: number;
  /** Whether it ends by itself when it holds nothing any more. Default: false. */
  readonly temporary?: boolean;
  /** How long it may take to be there, in milliseconds. Default: a minute. */
  readonly patience?: number;
}

/** How long an agent may take to be there, in milliseconds. */
const START_TIME = 60_000;
/** How long it may take to go, in milliseconds. */
const END_TIME = 20_000;

/** A path with its `XXXXXX` made random, and the directory made. */
export function resolvedSocket(path: string): string {
  const directory = dirname(path);
  if (!directory.endsWith("XXXXXX")) return path;
  return join(mkdtempSync(directory.slice(0, -"XXXXXX".length)), path.slice(directory.length + 1));
}

/**
 * Makes sure that an agent runs: the one that is there, or a new one in the background.
 *
 * @throws {TokenError} `unavailable` when it did not come up, in its own words
 */
export async function startAgent(host: Host, start: StartOptions = {}): Promise<RunningAgent> {
  const socket = resolvedSocket(start.socket ?? defaultSocket(host));
  const running = await runningAgent(socket);
  if (running && !start.temporary) await keepRunning(socket);
  if (running) return running;
  const link = start.link ?? start.socket === undefined;
  const { patience = START_TIME, ...others } = start;
  const told = JSON.stringify({ ...others, socket, link });
  try {
    const pid = await background([...ownCommand(), "agent", "run", told], patience);
    return { socket, pid, wasRunning: false };
  } catch (error) {
    // somebody else may have started one at the same moment
    const other = await runningAgent(socket);
    if (other) return other;
    throw error;
  }
}

/** One that was started to hold a key is an agent like any other from now on; one of an earlier release is that already. */
async function keepRunning(socket: string): Promise<void> {
  try {
    await exchangeMessages(keysSocket(socket), { request: "stay" }, { encrypted: true, timeout: 10_000 });
  } catch (error) {
    if (!isTokenError(error)) throw error;
  }
}

/** The agent at a socket, if one answers there. */
export async function runningAgent(socket: string): Promise<RunningAgent | undefined> {
  try {
    await exchangeMessages(socket, { request: "check" }, { encrypted: false, timeout: 10_000 });
    return { socket, pid: pidOf(socket) ?? 0, wasRunning: true };
  } catch (error) {
    if (isTokenError(error)) return undefined;
    throw error;
  }
}

function pidOf(socket: string): number | undefined {
  try {
    const pid = Number(readFileSync(pidPath(socket), "utf8"));
    return Number.isInteger(pid) && pid > 1 && isAlive(pid) ? pid : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Ends the agent at a socket and waits for its end.
 *
 * @returns its process id, or nothing when there was none
 */
export async function stopAgent(host: Host, socket: string): Promise<number | undefined> {
  // a process id in a file may be another process by now: that an agent answers shows that it is this one
  const pid = await runningAgent(socket) && pidOf(socket);
  if (!pid) return undefined;
  process.kill(pid, "SIGTERM");
  const deadline = host.clock.monotonic() + END_TIME;
  // a process that nobody has waited for is still in the table; without this file, the last to go, it is no agent any more
  const isThere = () => existsSync(pidPath(socket)) && isAlive(pid);
  while (isThere() && host.clock.monotonic() < deadline) await host.clock.sleep(10);
  return pid;
}

/** How the command line begins what it says of a failure. */
const OURS = "apex-token: ";

/** What a process that ended at once said, as an error of this one: its sentence, and its next step on a line of its own. */
function notStarted(said: string, exitCode?: number | null): TokenError {
  const lines = said.trim().split("\n");
  // what a runtime says before that is not ours
  const [why, ...steps] = lines.slice(Math.max(0, lines.findLastIndex((line) => line.startsWith(OURS))));
  const reason = safeText(why.replace(OURS, "").replace(/\.$/, "")) || "it does not say why";
  return new TokenError(exitCode === 7 ? "storage" : "unavailable", `The agent did not start: ${reason}`, {
    ...(steps.length > 0 ? { nextStep: safeText(steps.join(" ").replace(/\.$/, "")) } : {}),
  });
}

/** Starts a process that lives on without this one; it has started when it says so. */
function background([program, ...args]: readonly string[], patience: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: "/", detached: true, stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    const fail = (why: string, exitCode?: number | null) => {
      clearTimeout(timer);
      reject(notStarted(why, exitCode));
    };
    const timer = setTimeout(() => {
      child.kill();
      fail("it takes too long");
    }, patience);
    child.on("error", ({ message }) => fail(message));
    child.stderr.on("data", (piece: Uint8Array) => said += new TextDecoder().decode(piece));
    child.on("close", (exitCode) => fail(said, exitCode));
    child.stdout.once("data", () => {
      clearTimeout(timer);
      child.removeAllListeners("close");
      child.stdout.destroy();
      child.stderr.destroy();
      child.unref();
      resolve(child.pid!);
    });
  });
}
