/**
 * Somebody's machine: a home of its own, and one of the ways to run the command line there.
 *
 * @module
 */

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { type CachedToken, encodeCachedToken } from "../../lib/profile/cached_token.ts";
import type { Profile } from "../../lib/profile/profile.ts";
import { readProfile } from "../../lib/profile/profile_files.ts";
import { cacheDirectory, sessionHome } from "../../lib/profile/session_home.ts";
import { readCachedToken } from "../../lib/profile/token_cache.ts";
import { cachedTokenName } from "../../lib/profile/cached_token.ts";
import { directories } from "../../lib/host/directories.ts";
import { type Host, workstation } from "../../lib/host/host.ts";
import { readKeyFile } from "../../lib/host/key_file.ts";
import type { Session } from "../../lib/session/session.ts";
import { bun, compileCaches, deno, node, root } from "../../scripts/toolchain.ts";
import {
  type CliRuntime,
  currentRuntime,
  type ProcessOptions,
  type ProcessResult,
  type RunningProcess,
  startProcess,
} from "../process.ts";
import { freshBinary } from "./binary.ts";

/** A way to run the command line. */
export type Variant = CliRuntime | "deno mod.ts";

/** For what does not depend on the runtime: it starts several times sooner than anything else. */
export const quickVariant: Variant = "binary";

/** A machine. */
export interface Machine {
  readonly home: string;
  readonly variant: Variant;
  /** The environment of its commands, but for `PATH`. */
  readonly environment: Readonly<Record<string, string>>;
  /** The machine as the library sees it from inside this process. */
  readonly host: Host;
  /** Runs `apex-token ARGS…` to its end. */
  run(args: readonly string[], options?: ProcessOptions): Promise<ProcessResult>;
  /** Starts `apex-token ARGS…`. */
  start(args: readonly string[], options?: ProcessOptions): RunningProcess;
  /** Starts a program that is given the words of `apex-token ARGS…` to run. */
  startBy(wrapper: readonly string[], args: readonly string[], options?: ProcessOptions): RunningProcess;
  /** The words of `apex-token ARGS…`. */
  words(args: readonly string[]): string[];
  /** Every file, by its path in the home. */
  files(): Map<string, Uint8Array>;
  /** The session of a profile, decrypted. */
  session(profile: string): Promise<Session>;
  /** The cached token of a profile, decrypted. */
  token(profile: string, asked?: string): Promise<CachedToken | undefined>;
  /** Changes what is remembered of a cached token, as if time had passed. */
  age(profile: string, change: (token: CachedToken, now: number) => Partial<CachedToken>): Promise<void>;
  close(): void;
}

/** Makes a machine; `close` it. Default: with the runtime of this test. */
export async function makeMachine(variant: Variant = currentRuntime()): Promise<Machine> {
  const home = mkdtempSync(join(tmpdir(), "apex-token-machine-"));
  const words = await commandWords(variant);
  // no agent is left behind by a test that types a passphrase
  const environment = { HOME: home, APEX_TOKEN_NO_AGENT: "1", ...runtimeEnvironment(variant) };
  const startBy = (wrapper: readonly string[], args: readonly string[], options: ProcessOptions = {}) => {
    const [program, ...rest] = [...wrapper, ...words, ...args];
    return startProcess(program, rest, { cwd: "/", ...options, env: { ...environment, ...options.env } });
  };
  const start = (args: readonly string[], options?: ProcessOptions) => startBy([], args, options);
  const host = hostAt(home);
  const readToken = (profile: Profile, asked: string) => readCachedToken(host, profile, asked);
  return {
    home,
    variant,
    environment,
    host,
    start,
    startBy,
    words: (args) => [...words, ...args],
    run: (args, options) => start(args, options).ended,
    files: () => filesUnder(home),
    session: async (name) => (await sessionHome(host, readProfile(host, name)).read())!.session,
    token: (name, asked = "") => readToken(readProfile(host, name), asked),
    age: async (name, change) => {
      const profile = readProfile(host, name);
      const { path } = profile.protect as { path: string };
      const token = (await readToken(profile, ""))!;
      const aged = { ...token, ...change(token, Date.now() / 1000) };
      const bytes = await encodeCachedToken(aged, readKeyFile(path), { key: path });
      writeFileSync(join(cacheDirectory(host), cachedTokenName(name, "")), bytes);
    },
    close: () => rmSync(home, { recursive: true, force: true }),
  };
}

/** The machine of this process with its files in another home and nothing in its environment. */
export function hostAt(home: string, overrides: Partial<Host> = {}): Host {
  const host = workstation();
  const environment = () => undefined;
  const places = directories({ platform: host.platform, environment, home });
  return Object.create(host, {
    directories: { value: places },
    environment: { value: environment },
    ...Object.fromEntries(Object.entries(overrides).map(([name, value]) => [name, { value }])),
  });
}

async function commandWords(variant: Variant): Promise<string[]> {
  switch (variant) {
    case "deno":
      return [deno(), "run", "-A", "--cached-only", `${root}cli.ts`];
    case "deno mod.ts":
      return [deno(), "run", "-A", "--cached-only", `${root}mod.ts`];
    case "bun":
      return [bun(), `${root}cli.ts`];
    case "node":
      return [node(), `${root}cli.ts`];
    case "binary":
      return [await freshBinary()];
  }
}

/** Where a runtime keeps what it compiled. */
function runtimeEnvironment(variant: Variant): Record<string, string> {
  if (variant === "binary") return {};
  if (!variant.startsWith("deno")) return compileCaches;
  return { DENO_DIR: process.env.DENO_DIR ?? join(userHome(), ".cache/deno") };
}

function userHome(): string {
  return process.env.HOME ?? "/";
}

function filesUnder(folder: string, prefix = ""): Map<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  for (const entry of readdirSync(join(folder, prefix), { withFileTypes: true })) {
    const path = join(prefix, entry.name);
    if (entry.isDirectory()) { for (const [name, bytes] of filesUnder(folder, path)) found.set(name, bytes); }
    else found.set(path, readFileSync(join(folder, path)));
  }
  return found;
}

/** What is under `folder` and who may use it, `drwx------ path` for each, without the folder itself. */
export function modesUnder(folder: string, prefix = ""): string[] {
  return readdirSync(join(folder, prefix), { withFileTypes: true }).flatMap((entry) => {
    const path = join(prefix, entry.name);
    const line = `${entry.isDirectory() ? "d" : "-"}${
      (statSync(join(folder, path)).mode & 0o777).toString(8)
    } ${path}`;
    return entry.isDirectory() ? [line, ...modesUnder(folder, path)] : [line];
  });
}
