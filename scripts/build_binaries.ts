/**
 * Builds `dist/apex-token`, the command line as a single program for this machine: `deno task build`.
 *
 * The same sources give the same bytes, so the file can be compared with one built elsewhere.
 *
 * @module
 */

import { execFile } from "node:child_process";
import { mkdir, stat } from "node:fs/promises";
import process from "node:process";
import { promisify } from "node:util";
import { bun, root } from "./toolchain.ts";

/** Where the program is put. Bun writes its base name into it, so another name gives other bytes. */
export const binary: string = `${root}dist/apex-token${process.platform === "win32" ? ".exe" : ""}`;

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
 * Builds the program.
 *
 * @returns its path and its size in bytes
 * @throws when Bun cannot build it; the message holds what Bun said
 */
export async function buildBinary(): Promise<{ path: string; size: number }> {
  await mkdir(`${root}dist`, { recursive: true });
  try {
    await promisify(execFile)(bun(), ["build", "cli.ts", ...flags, "--outfile", binary], {
      cwd: root,
      timeout: 120_000,
      env: buildEnvironment(),
    });
  } catch (error) {
    const { stdout = "", stderr = "", message } = error as {
      stdout?: string;
      stderr?: string;
      message: string;
    };
    throw new Error(`Cannot build ${binary}: ${(stderr + stdout).trim() || message}`);
  }
  return { path: binary, size: (await stat(binary)).size };
}

/** What a build may see: `BUN_OPTIONS` and the like would make it another program. */
function buildEnvironment(): Record<string, string> {
  const { PATH = "", HOME = "", TMPDIR } = process.env;
  return { PATH, HOME, ...(TMPDIR === undefined ? {} : { TMPDIR }) };
}

if (import.meta.main) {
  const { path, size } = await buildBinary();
  process.stderr.write(`${path} ${size} bytes\n`);
}
