/**
 * The programs that are compared: ours, and an empty one that was compiled in the same way.
 *
 * @module
 */

import { readdirSync, statSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import process from "node:process";
import { binary, buildBinary } from "../build_binaries.ts";
import { compileFlags } from "../compile.ts";
import { run } from "../run.ts";
import { bun, root } from "../toolchain.ts";

/** The path of our own program; it is built first when it is missing or older than its sources. */
export async function ownBinary(): Promise<string> {
  const built = statSync(binary, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (built < newestSource()) await buildBinary();
  return binary;
}

/** Compiles a program that does nothing, as ours is compiled, in `folder`. Returns its path. */
export async function emptyBinary(folder: string): Promise<string> {
  const source = `${folder}/empty.ts`;
  const path = `${folder}/empty`;
  await writeFile(source, "export {};\n");
  const env = { PATH: process.env.PATH ?? "", HOME: folder };
  const args = ["build", source, ...compileFlags, "--outfile", path];
  const { code, output } = await run(bun(), args, { cwd: folder, env, timeout: 120_000 });
  if (code !== 0) {
    throw new Error(`Cannot compile an empty program: ${output.trim()}`);
  }
  return path;
}

function newestSource(): number {
  const sources = readdirSync(`${root}lib`, { recursive: true }).map((name) => `lib/${name}`);
  return Math.max(
    ...["cli.ts", "deno.json", "scripts/compile.ts", ...sources].map((name) => statSync(root + name).mtimeMs),
  );
}
