/**
 * This package as npm users get it: the tarball, unpacked, with its dependencies and its peers beside it.
 *
 * @module
 */

import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { buildNpm } from "../build_npm.ts";
import { run } from "../run.ts";
import { root } from "../toolchain.ts";
import { folder } from "./machine.ts";

/** A project that has this package and its peers installed. */
export interface Project {
  /** Where it is, without a slash at its end. */
  readonly path: string;
  /** Writes a file of the project and returns its path. */
  write(name: string, text: string): Promise<string>;
  remove(): Promise<void>;
}

/** Builds the package for npm and makes an empty project that can import it and `peers`. */
export async function packedProject(peers: readonly string[]): Promise<Project> {
  const path = await mkdtemp(join(tmpdir(), "apex-token-bench-"));
  const remove = () => rm(path, { recursive: true, force: true });
  const write = async (name: string, text: string) => {
    await writeFile(`${path}/${name}`, text);
    return `${path}/${name}`;
  };
  try {
    await write("package.json", JSON.stringify({ private: true, type: "module" }));
    await install(path, peers);
  } catch (error) {
    await remove();
    throw error;
  }
  return { path, write, remove };
}

async function install(path: string, peers: readonly string[]): Promise<void> {
  const own = `${path}/node_modules/@apex/token`;
  await mkdir(own, { recursive: true });
  const { path: tarball } = await buildNpm();
  const args = ["-xzf", tarball, "-C", own, "--strip-components=1"];
  const env = { PATH: process.env.PATH ?? "" };
  const { code, output } = await run("tar", args, { cwd: path, env, timeout: 60_000 });
  if (code !== 0) throw new Error(`Cannot unpack ${tarball}: ${output.trim()}`);
  const { dependencies = {} } = JSON.parse(await readFile(`${own}/package.json`, "utf8"));
  for (const name of Object.keys(dependencies)) await link(path, root, name);
  for (const name of peers) if (!(name in dependencies)) await link(path, folder, name);
}

async function link(project: string, from: string, name: string): Promise<void> {
  const target = `${project}/node_modules/${name}`;
  await mkdir(dirname(target), { recursive: true });
  await symlink(`${from}node_modules/${name}`, target);
}
