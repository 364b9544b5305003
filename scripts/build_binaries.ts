/**
 * Builds `dist/apex-token`, the command line as a single program for this machine: `deno task build`.
 *
 * With `--all` it builds for every machine, each twice, and packs what belongs to a release into `dist/release`;
 * `--target NAME` says which, as often as wanted. With `--deno` it is `deno compile` that builds.
 *
 * The same sources give the same bytes, so the file can be compared with one built elsewhere.
 *
 * @module
 */

import { mkdir, stat } from "node:fs/promises";
import process from "node:process";
import { parseArgs } from "node:util";
import { compile } from "./compile.ts";
import { root } from "./toolchain.ts";

/** Where the program is put. Bun writes its base name into it, so another name gives other bytes. */
export const binary: string = `${root}dist/apex-token${process.platform === "win32" ? ".exe" : ""}`;

/**
 * Builds the program.
 *
 * @returns its path and its size in bytes
 * @throws when Bun cannot build it; the message holds what Bun said
 */
export async function buildBinary(): Promise<{ path: string; size: number }> {
  await mkdir(`${root}dist`, { recursive: true });
  await compile(binary);
  return { path: binary, size: (await stat(binary)).size };
}

async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      all: { type: "boolean" },
      target: { type: "string", multiple: true },
      deno: { type: "boolean" },
    },
  });
  const say = (text: string) => void process.stderr.write(`${text}\n`);
  if (values.deno) {
    const { denoCompile } = await import("./release/deno_compile.ts");
    return say(await denoCompile());
  }
  if (values.all || values.target) {
    const { release } = await import("./release/release.ts");
    const { targets } = await import("./release/targets.ts");
    const unknown = values.target?.find((name) => !targets.some((target) => target.name === name));
    const names = targets.map(({ name }) => name);
    if (unknown !== undefined) {
      throw new Error(`Cannot build for "${unknown}": there are ${names.join(", ")}`);
    }
    return await release(targets.filter(({ name }) => values.target?.includes(name) ?? true), say);
  }
  const { path, size } = await buildBinary();
  say(`${path} ${size} bytes`);
}

if (import.meta.main) {
  try {
    await main(process.argv.slice(2));
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}
