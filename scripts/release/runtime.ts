/**
 * Bun for another kind of machine, as npm has it: fetched once, checked each time.
 *
 * @module
 */

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { npmCommand, root } from "../toolchain.ts";
import { BUN_VERSION, type Target } from "./targets.ts";

const execute = promisify(execFile);

/**
 * The path of the Bun that goes into the program for `target`.
 *
 * @throws when npm cannot fetch it or its checksum is another one
 */
export async function runtimeFor(target: Target): Promise<string> {
  const cache = join(root, ".cache/bun", BUN_VERSION);
  await mkdir(cache, { recursive: true });
  const archive = join(cache, `${target.name}.tgz`);
  const bytes = await readFile(archive).catch(() => undefined) ?? await fetchArchive(target, cache, archive);
  const integrity = `sha512-${createHash("sha512").update(bytes).digest("base64")}`;
  if (integrity !== target.integrity) {
    await rm(archive, { force: true });
    throw new Error(`Cannot use ${target.package}: its checksum is ${integrity}, not ${target.integrity}`);
  }
  const folder = join(cache, target.name);
  await mkdir(folder, { recursive: true });
  await execute("tar", ["-xzf", archive, "-C", folder]);
  const program = join(folder, "package/bin", target.program.endsWith(".exe") ? "bun.exe" : "bun");
  await chmod(program, 0o755);
  return program;
}

async function fetchArchive(target: Target, cache: string, archive: string): Promise<Uint8Array> {
  const npm = npmCommand();
  const scratch = await mkdtemp(join(cache, "unfinished-"));
  try {
    const args = ["pack", "--silent", "--ignore-scripts", `${target.package}@${BUN_VERSION}`];
    await execute(npm.program, [...npm.args, ...args], { cwd: scratch, timeout: 600_000 });
    const [name] = await readdir(scratch);
    await rename(join(scratch, name), archive);
    return await readFile(archive);
  } catch (error) {
    const said = String((error as { stderr?: unknown }).stderr ?? "").trim();
    throw new Error(`Cannot fetch ${target.package} with npm: ${said || (error as Error).message}`);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
