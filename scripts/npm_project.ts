/**
 * An empty project with the package for npm installed, and the tools that look at it.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { delimiter, dirname } from "node:path";
import process from "node:process";
import { run, type RunResult } from "./run.ts";
import { node, root } from "./toolchain.ts";

/** What looks at the package, at one version each; not in `deno.json`, because nothing else needs it. */
const tools: Readonly<Record<string, string>> = {
  "@arethetypeswrong/cli": "0.18.5",
  "@types/node": "24.19.2",
  publint: "0.3.25",
  "typescript-5": "npm:typescript@5.9.3",
  "typescript-7": "npm:typescript@7.0.2",
};

const node22 = "22.23.3";

/** Installs the tools, unless they are there. Returns the folder that holds them. */
export async function installTools(): Promise<string> {
  return await installOnce("npm_smoke", tools);
}

/** Installs the oldest Node that the package is for, unless it is there. Returns its path. */
export async function oldestNode(): Promise<string> {
  const windows = process.platform === "win32";
  const name = `node-${windows ? "win" : process.platform}-${process.arch}`;
  const folder = await installOnce("node22", { [name]: node22 });
  return `${folder}/${name}/bin/node${windows ? ".exe" : ""}`;
}

async function installOnce(name: string, packages: Readonly<Record<string, string>>): Promise<string> {
  const folder = `${root}.cache/tools/${name}`;
  const wanted = JSON.stringify({ private: true, dependencies: packages }, null, 2);
  const installed = existsSync(`${folder}/package-lock.json`) &&
    await readFile(`${folder}/package.json`, "utf8").catch(() => "") === wanted;
  if (!installed) {
    await mkdir(folder, { recursive: true });
    await writeFile(`${folder}/package.json`, wanted);
    const { code, output } = await npm(folder, ["install"]);
    if (code !== 0) throw new Error(`Cannot install ${Object.keys(packages).join(", ")}: ${output.trim()}`);
  }
  return `${folder}/node_modules`;
}

/** Runs npm in `folder`, with this machine's registry and cache; no package may run anything. */
export function npm(folder: string, [command, ...args]: readonly string[]): Promise<RunResult> {
  const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"];
  const env = { ...process.env as Record<string, string>, PATH: pathWithNode() };
  return run("npm", [command, ...flags, ...args], { cwd: folder, env, timeout: 900_000 });
}

/** `PATH` with the pinned Node before any other. */
export function pathWithNode(): string {
  return [dirname(node()), process.env.PATH ?? ""].join(delimiter);
}

/** Makes an empty project of `folder` and installs the package of `tarball`. */
export async function makeProject(folder: string, tarball: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(`${folder}/package.json`, JSON.stringify({ private: true, type: "module" }));
  const { code, output } = await npm(folder, ["install", tarball]);
  if (code !== 0) throw new Error(`Cannot install ${tarball}: ${output.trim()}`);
}
