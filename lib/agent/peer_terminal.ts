/**
 * The terminal of whoever asked the agent: the agent has none of its own, and a question in no terminal would wait for
 * nobody.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { closeSync, constants, openSync, readSync, statSync, writeSync } from "node:fs";
import type { Clock } from "../clock.ts";
import { terminalOf } from "./peer.ts";
import type { AgentRequest } from "./requests.ts";
import type { Asker } from "./server.ts";
import { ownUid } from "./sockets.ts";

/** A terminal that belongs to another process. Texts must be safe already. */
export interface PeerTerminal {
  readonly path: string;
  /** Writes a line. */
  say(text: string): void;
  /** Asks for something that is not shown while it is typed; nothing when nobody answers. */
  askSecret(question: string, signal: AbortSignal): Promise<string | undefined>;
  /** Asks yes or no; no when nobody answers. */
  confirm(question: string, signal: AbortSignal): Promise<boolean>;
}

/** How long a question stands, in milliseconds. */
const PATIENCE = 120_000;
/** Between two looks whether something was typed, in milliseconds. */
const PACE = 40;
const LONGEST_LINE = 4096;

/**
 * The terminal of whoever asks, if it is known: the kernel's word for the process, or the client's own where the runtime
 * cannot ask the kernel.
 */
export function terminalOfAsker(asker: Asker, request: AgentRequest, clock: Clock): PeerTerminal | undefined {
  const named = typeof request.terminal === "string" ? request.terminal : undefined;
  const path = asker.peer ? terminalOf(asker.peer.pid) : named;
  return path !== undefined && isOwnTerminal(path) ? peerTerminal(path, clock) : undefined;
}

/** A file of that kind, and this person's: anything else a client may name is not opened. */
function isOwnTerminal(path: string): boolean {
  if (!/^\/dev\/(pts\/\d{1,6}|ttys?\d{1,4})$/.test(path)) return false;
  try {
    const state = statSync(path);
    return state.isCharacterDevice() && (ownUid() === undefined || state.uid === ownUid());
  } catch {
    return false;
  }
}

/** The terminal at a path. */
export function peerTerminal(path: string, clock: Clock): PeerTerminal {
  return {
    path,
    say: (text) => {
      withTerminal(path, constants.O_WRONLY, (descriptor) => write(descriptor, `\r${text}\n`));
    },
    askSecret: async (question, signal) => await asked(path, question, true, clock, signal),
    confirm: async (question, signal) => {
      const answer = await asked(path, `${question} [y/N]`, false, clock, signal);
      return /^y(es)?$/i.test(answer?.trim() ?? "");
    },
  };
}

/** Never waits: a terminal that somebody has stopped with Ctrl-S must not stop the agent. */
function opened(path: string, mode: number): number {
  return openSync(path, mode | constants.O_NOCTTY | constants.O_NONBLOCK);
}

function withTerminal(path: string, mode: number, work: (descriptor: number) => void): void {
  try {
    const descriptor = opened(path, mode);
    try {
      work(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch {
    // it has been closed: nobody is there to read it
  }
}

function write(descriptor: number, text: string): void {
  writeSync(descriptor, text.replace(/\r?\n/g, "\r\n"));
}

async function asked(
  path: string,
  question: string,
  secret: boolean,
  clock: Clock,
  signal: AbortSignal,
): Promise<string | undefined> {
  let descriptor: number;
  try {
    descriptor = opened(path, constants.O_RDWR);
  } catch {
    return undefined;
  }
  try {
    // what cannot be hidden is not asked for
    if (secret && !await setEcho(path, false)) return undefined;
    write(descriptor, `${question}: `);
    return await readLine(descriptor, clock, signal);
  } catch {
    return undefined;
  } finally {
    if (secret) await setEcho(path, true).catch(() => {});
    withTerminal(path, constants.O_WRONLY, (again) => secret && write(again, "\n"));
    closeSync(descriptor);
  }
}

async function readLine(descriptor: number, clock: Clock, signal: AbortSignal): Promise<string | undefined> {
  const deadline = clock.monotonic() + PATIENCE;
  const bytes = new Uint8Array(LONGEST_LINE);
  while (!signal.aborted && clock.monotonic() < deadline) {
    const count = readNow(descriptor, bytes);
    if (count === 0) return undefined;
    // a terminal gives whole lines
    if (count !== undefined) return new TextDecoder().decode(bytes.subarray(0, count)).replace(/\r?\n$/, "");
    await clock.sleep(PACE, signal);
  }
  return undefined;
}

/** What was typed; nothing when there is nothing yet, 0 at the end. */
function readNow(descriptor: number, bytes: Uint8Array): number | undefined {
  try {
    return readSync(descriptor, bytes);
  } catch (error) {
    if ((error as { code?: string }).code === "EAGAIN") return undefined;
    throw error;
  }
}

/**
 * No runtime sets the modes of a terminal that is not its own; `stty` does, of the one on its standard input. It gets a
 * descriptor of its own: a runtime makes what a child inherits wait, and would make ours wait with it.
 */
function setEcho(path: string, on: boolean): Promise<boolean> {
  return new Promise((done) => {
    const descriptor = opened(path, constants.O_RDWR);
    const child = spawn("stty", [on ? "echo" : "-echo"], { stdio: [descriptor, "ignore", "ignore"] });
    closeSync(descriptor);
    child.on("error", () => done(false));
    child.on("exit", (code) => done(code === 0));
  });
}
