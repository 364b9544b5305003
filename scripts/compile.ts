/**
 * Compiles the command line with Bun.
 *
 * @module
 */

import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { relative, resolve } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { build, stop } from "esbuild";
import { bun, root } from "./toolchain.ts";

/** What Bun is told for every program. */
export const compileFlags: readonly string[] = [
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
  const entry = await writeEntry();
  try {
    await promisify(execFile)(bun(), ["build", entry, ...compileFlags, ...more, "--outfile", path], {
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

/**
 * Writes `cli.ts` with everything that it loads at once into one module, and returns its path. Else a cached `get`
 * would load what it has in common with the commands from chunks of their own, which takes longer than to run it.
 */
async function writeEntry(): Promise<string> {
  const folder = `${root}dist`;
  const entry = `${folder}/cli.js`;
  await mkdir(folder, { recursive: true });
  // several may build at once: none of them may find half a file
  const scratch = await mkdtemp(`${folder}/entry-`);
  try {
    await build({
      absWorkingDir: root,
      entryPoints: ["cli.ts"],
      outfile: `${scratch}/cli.js`,
      bundle: true,
      format: "esm",
      platform: "neutral",
      target: "esnext",
      logLevel: "silent",
      plugins: [{
        name: "what is loaded later is left to Bun",
        setup: ({ onResolve }) =>
          onResolve({ filter: /^\./ }, ({ kind, path, resolveDir }) => {
            if (kind !== "dynamic-import") return undefined;
            return { path: relative(folder, resolve(resolveDir, path)), external: true };
          }),
      }],
    });
    await rename(`${scratch}/cli.js`, entry);
  } finally {
    await rm(scratch, { recursive: true, force: true });
    // or the program of whoever builds does not end
    await stop();
  }
  return entry;
}

/** What a build may see: `BUN_OPTIONS` and the like would make it another program. */
function buildEnvironment(): Record<string, string> {
  const { PATH = "", HOME = "", TMPDIR } = process.env;
  return { PATH, HOME, ...(TMPDIR === undefined ? {} : { TMPDIR }) };
}
