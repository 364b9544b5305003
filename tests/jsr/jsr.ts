/**
 * Runs `deno run -A jsr:@apex/token …` on this checkout.
 *
 * @module
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ProcessOptions, type ProcessResult, type RunningProcess, startDeno } from "../process.ts";
import { type Registry, startRegistry } from "./registry.ts";

/** A machine on which nothing is installed but Deno. */
export interface JsrMachine {
  readonly registry: Registry;
  /** Its `HOME`, where profiles stay from one command to the next. */
  readonly home: string;
  /** Runs `deno run -A SPECIFIER ARGS…`; default specifier `jsr:@apex/token`. */
  run(args: readonly string[], options?: JsrOptions): Promise<ProcessResult>;
  /** The same, to look at while it runs. */
  start(args: readonly string[], options?: JsrOptions): RunningProcess;
  close(): Promise<void>;
}

/** How to run it. */
export interface JsrOptions extends ProcessOptions {
  readonly specifier?: string;
}

/** Starts a registry and makes a fresh home with a fresh cache. */
export async function startJsrMachine(): Promise<JsrMachine> {
  const registry = await startRegistry();
  const home = await mkdtemp(join(tmpdir(), "apex-token-jsr-"));
  const start = (args: readonly string[], { specifier = "jsr:@apex/token", ...options }: JsrOptions = {}) =>
    startDeno(["run", "-A", specifier, ...args], {
      // it loads, checks and compiles everything anew
      timeout: 600_000,
      ...options,
      env: { HOME: home, DENO_DIR: join(home, "deno"), ...registry.env, ...options.env },
    });
  return {
    registry,
    home,
    run: (args, options) => start(args, options).ended,
    start,
    close: async () => {
      await registry.close();
      await rm(home, { recursive: true, force: true });
    },
  };
}
