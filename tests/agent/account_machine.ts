/**
 * A home with account files, for the tests: ours and those that the original programs write.
 *
 * @module
 */

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Host } from "../../lib/host/host.ts";
import { hostAt } from "../cli/machine.ts";
import { type ProcessOptions, type ProcessResult, runProcess } from "../process.ts";

/** The original programs, from Debian's package oidc-agent-cli. */
export const ORIGINAL = "/usr/bin/";

/** A home of its own. */
export interface AccountMachine {
  readonly home: string;
  /** The directory of oidc-agent in it. */
  readonly directory: string;
  /** The home as the library sees it. */
  readonly host: Host;
  /** Runs a program there. */
  run(program: string, args: readonly string[], options?: ProcessOptions): Promise<ProcessResult>;
  write(name: string, text: string): void;
  read(name: string): string;
  close(): void;
}

/** Ends the agent of gpg in a home of gpg, and waits until it has taken its sockets away. */
export async function endGpgAgent(machine: AccountMachine, GNUPGHOME: string): Promise<void> {
  await machine.run("gpgconf", ["--kill", "gpg-agent"], { env: { GNUPGHOME } });
  const isThere = () => readdirSync(GNUPGHOME).some((name) => name.startsWith("S.gpg-agent"));
  while (isThere()) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** Makes a home; `close` it. */
export function accountMachine(environment: Record<string, string> = {}): AccountMachine {
  const home = mkdtempSync(join(tmpdir(), "apex-token-accounts-"));
  const directory = join(home, ".oidc-agent");
  mkdirSync(directory, { mode: 0o755 });
  const variables: Record<string, string> = {
    HOME: home,
    APEX_TOKEN_OIDC_AGENT_ETC: join(home, "etc"),
    ...environment,
  };
  return {
    home,
    directory,
    host: hostAt(home, { environment: (name) => variables[name] || undefined }),
    run: (program, args, options) =>
      runProcess(program, args, { ...options, env: { ...variables, ...options?.env } }),
    write: (name, text) => writeFileSync(join(directory, name), text),
    read: (name) => readFileSync(join(directory, name), "utf8"),
    close: () => rmSync(home, { recursive: true, force: true }),
  };
}
