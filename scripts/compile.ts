/**
 * Compiles the command line with Bun.
 *
 * @module
 */

import { execFile } from "node:child_process";
import process from "node:process";
import { promisify } from "node:util";
import { bun, root } from "./toolchain.ts";

const flags = [
  "--compile",
  "--minify",
  // Parsed when built, not at every start; it needs ESM, because of top-level await.
  "--bytecode",
  "--format=esm",
  // Or the imports of every command would be hoisted to the top, and a cached `get` would load them all: 18 ms, not 8.
  "--splitting",
  "--sourcemap=none",
  // Or whoever owns the current directory could run code in it (bunfig `preload`) and set its environment.
  "--no-compile-autoload-dotenv",
  "--no-compile-autoload-bunfig",
  "--no-compile-autoload-tsconfig",
  "--no-compile-autoload-package-json",
];

/**
 * Builds the program at `path`.
 *
 * @param more what else Bun is told
 * @throws when Bun cannot build it; the message holds what Bun said
 */
export async function compile(path: string, more: readonly string[] = []): Promise<void> {
  try {
    await promisify(execFile)(bun(), ["build", "cli.ts", ...flags, ...more, "--outfile", path], {
      cwd: root,
      timeout: 600_000,
      env: buildEnvironment(),
    });
  } catch (error) {
    const { stdout = "", stderr = "", message } = error as {
      stdout?: string;
      stderr?: string;
      message: string;
    };
    throw new Error(`Cannot build ${path}: ${(stderr + stdout).trim() || message}`);
  }
}

/** What a build may see: `BUN_OPTIONS` and the like would make it another program. */
function buildEnvironment(): Record<string, string> {
  const { PATH = "", HOME = "", TMPDIR } = process.env;
  return { PATH, HOME, ...(TMPDIR === undefined ? {} : { TMPDIR }) };
}
