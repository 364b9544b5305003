/**
 * The command line in a home of its own, at its most verbose.
 *
 * @module
 */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type ProcessOptions,
  type ProcessResult,
  runCli,
  type RunningProcess,
  startCli,
} from "../process.ts";
import type { ServedAuthorizationServer } from "./served.ts";

/** A person's home directory. */
export interface Home {
  readonly path: string;
  /** A directory for files that are not this program's: secrets that somebody hands to it. */
  readonly desk: string;
  run(args: readonly string[], options?: ProcessOptions): Promise<ProcessResult>;
  start(args: readonly string[], options?: ProcessOptions): RunningProcess;
  remove(): void;
}

/** Makes one. */
export function newHome(): Home {
  const path = mkdtempSync(join(tmpdir(), "apex-token-home-"));
  const desk = mkdtempSync(join(tmpdir(), "apex-token-desk-"));
  const inside = (options: ProcessOptions = {}): ProcessOptions => ({
    ...options,
    env: { HOME: path, APEX_TOKEN_DEBUG: "1", ...options.env },
  });
  return {
    path,
    desk,
    run: (args, options) => runCli(args, inside(options)),
    start: (args, options) => startCli(args, inside(options)),
    remove: () => {
      for (const directory of [path, desk]) rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Signs in as `name` with a device code, which the server takes for approved. */
export async function signInOnDevice(
  home: Home,
  { origin, server }: ServedAuthorizationServer,
  name: string,
): Promise<void> {
  const args = ["--issuer", origin, "--client-id", "app", "--allow-insecure-loopback"];
  const login = home.start(["login", name, ...args]);
  const [, code] = await login.waitFor("stderr", /enter the code {3}(\S+) /);
  server.approveDevice(code);
  assert.equal((await login.ended).code, 0);
}
