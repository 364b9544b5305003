/**
 * The program by `deno compile`, for who would rather run that: `deno task build --deno`.
 *
 * @module
 */

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { runDeno } from "../run.ts";
import { root } from "../toolchain.ts";

/**
 * What the command line needs: files (profiles, sign-ins, locks), variables, servers, the browser and other programs of
 * the person, and the name of the machine and its user. Not: foreign code.
 */
export const PERMISSIONS: readonly string[] = [
  "--no-prompt",
  "--allow-read",
  "--allow-write",
  "--allow-env",
  "--allow-net",
  "--allow-run",
  "--allow-sys",
];

/**
 * Builds `dist/apex-token-deno`.
 *
 * @returns its path
 * @throws when Deno cannot; without a network, because it lacks its runtime archive
 */
export async function denoCompile(): Promise<string> {
  await mkdir(join(root, "dist"), { recursive: true });
  const path = join(root, "dist/apex-token-deno");
  const { code, output } = await runDeno([
    "compile",
    "--no-check",
    ...PERMISSIONS,
    "--output",
    path,
    "cli.ts",
  ]);
  if (code === 0) return path;
  const reason = output.trim().split("\n").filter((line) => !/^\s*$|backtrace|<unknown>/i.test(line)).join(
    "\n",
  );
  const hint =
    "deno compile needs Deno's runtime archive (denort) once from the network; it keeps it in DENO_DIR";
  throw new Error(`Cannot build with deno compile: ${hint}.\n${reason}`);
}
