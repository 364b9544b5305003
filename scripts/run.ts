/**
 * Runs the programs that check and test this package.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { readdir } from "node:fs/promises";
import process from "node:process";
import type { Readable } from "node:stream";
import { deno, root } from "./toolchain.ts";

/** How to run a program. */
export interface RunOptions {
  readonly cwd: string;
  /** The whole environment of the program. */
  readonly env: Record<string, string>;
  /** When to end it, and everything that it started, in milliseconds. */
  readonly timeout: number;
}

/** How a program ended. */
export interface RunResult {
  /** Its exit code; -1 when it did not end by itself. */
  readonly code: number;
  /** stdout and stderr, line by line as they came. */
  readonly output: string;
  /** Whether it was still running at the timeout. */
  readonly timedOut: boolean;
}

const running = new Set<ChildProcess>();

/** Runs `program`. A program that cannot be started is a result too, with code -1. */
export function run(program: string, args: readonly string[], options: RunOptions): Promise<RunResult> {
  return new Promise((resolve) => {
    // A group of its own, so that a timeout ends the grandchildren too.
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: options.env,
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    running.add(child);
    let timedOut = false;
    const chunks: Uint8Array[] = [];
    const rests = [child.stdout, child.stderr].map((stream) => keepLines(stream, chunks));
    let timer = setTimeout(() => {
      timedOut = true;
      endGroup(child);
      // A grandchild with a group of its own may still hold the pipes.
      timer = setTimeout(() => finish(-1), 5_000);
    }, options.timeout);
    const finish = (code: number, problem = "") => {
      clearTimeout(timer);
      running.delete(child);
      const whole = concatenate([...chunks, ...rests.map((rest) => rest())]);
      resolve({ code, output: new TextDecoder().decode(whole) + problem, timedOut });
    };
    child.on("error", (error) => finish(-1, `Cannot run ${program}: ${error.message}\n`));
    child.on("close", (code) => finish(code ?? -1));
  });
}

/**
 * Keeps what comes out of a stream, whole lines at a time: a line that comes in pieces is not broken by one of the other
 * stream. Returns what gives the rest.
 */
function keepLines(stream: Readable, kept: Uint8Array[]): () => Uint8Array {
  let rest: Uint8Array = new Uint8Array();
  stream.on("data", (chunk: Uint8Array) => {
    const all = concatenate([rest, chunk]);
    const end = all.lastIndexOf(0x0a) + 1;
    if (end > 0) kept.push(all.subarray(0, end));
    rest = all.subarray(end);
  });
  return () => rest;
}

/** Ends every program that is still running. */
export function endAll(): void {
  for (const child of running) endGroup(child);
}

function endGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    child.kill("SIGKILL");
  }
}

function concatenate(chunks: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

/** What a step of the tests counts for. */
export interface Outcome {
  readonly passed: number;
  readonly failed: number;
  /** What to show of a failure. */
  readonly output?: string;
}

/** A program that counts as one test. */
export function outcomeOf(result: RunResult): Outcome {
  if (result.code === 0) return { passed: 1, failed: 0 };
  const end = result.timedOut ? "\nIt was still running at its time limit and was ended." : "";
  return { passed: 0, failed: 1, output: (result.output.trim() || `Exit code ${result.code}`) + end };
}

/**
 * Runs a subcommand of Deno in the root of the checkout.
 *
 * @param timeout in milliseconds. Default: 900 000; a check that takes longer hangs
 */
export function runDeno(args: readonly string[], timeout = 900_000): Promise<RunResult> {
  return run(deno(), args, { cwd: root, env: { ...process.env, NO_COLOR: "1" }, timeout });
}

/** Every TypeScript file of this checkout under `folder`, by its path from the root, sorted. */
export async function sources(folder: string): Promise<string[]> {
  const left = new Set(["node_modules", "dist", ".git", ".cache", "npm"]);
  const found: string[] = [];
  for (const entry of await readdir(root + folder, { withFileTypes: true })) {
    const path = folder === "." ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory() && !left.has(entry.name)) found.push(...await sources(path));
    else if (entry.isFile() && entry.name.endsWith(".ts")) found.push(path);
  }
  return found.sort();
}
