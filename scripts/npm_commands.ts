/**
 * Runs the command of the package for npm in all the ways in which people start it.
 *
 * @module
 */

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { serve } from "../tests/security/served.ts";
import { pathWithNode } from "./npm_project.ts";
import { type Outcome, run } from "./run.ts";
import { bun, deno } from "./toolchain.ts";

/** One way to start it, up to its arguments. */
export interface Start {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  /** Whether the project that has the package installed is where it starts; else an empty folder. */
  readonly installed: boolean;
}

/** The ways. */
export function starts(name: string, tarball: string): Start[] {
  const denoArgs = ["run", "-A", "--cached-only", "--no-prompt", `npm:${name}`];
  return [
    { name: `npx ${name}`, program: "npx", args: ["--no-install", name], installed: true },
    { name: `bun x ${name}`, program: bun(), args: ["x", "--no-install", name], installed: true },
    { name: `deno run npm:${name}`, program: deno(), args: denoArgs, installed: true },
    // as from the registry: nothing is installed, and npx has to find the one command by itself
    { name: "npx of the tarball", program: "npx", args: ["--yes", `file:${tarball}`], installed: false },
  ];
}

/** Gets a token by the command, for a client in the environment. */
export async function getBy(start: Start, project: string, scratch: string): Promise<Outcome> {
  const served = await serve({ clients: [{ clientId: "machine", secret: "s3cret:/+ é" }] });
  try {
    const home = join(scratch, "home");
    const empty = join(scratch, "empty");
    for (const folder of [home, empty]) await mkdir(folder, { recursive: true });
    const env = {
      ...registry(),
      ...{ PATH: pathWithNode(), HOME: home, DENO_DIR: join(scratch, "deno"), NO_COLOR: "1" },
      ...{ APEX_ISSUER: served.origin, APEX_CLIENT_ID: "machine", APEX_CLIENT_SECRET: "s3cret:/+ é" },
    };
    const args = [...start.args, "get", "--allow-insecure-loopback"];
    const cwd = start.installed ? project : empty;
    const { code, output } = await run(start.program, args, { cwd, env, timeout: 600_000 });
    const good = code === 0 && /^[\w-]+\.[\w-]+\.[\w-]+\n$/.test(output) &&
      served.server.count("token") === 1;
    return good ? { passed: 1, failed: 0 } : { passed: 0, failed: 1, output: `Exit code ${code}\n${output}` };
  } finally {
    await served.close();
  }
}

/** Where npm gets packages on this machine, and nothing else of the person's settings. */
function registry(): Record<string, string> {
  const settings = Object.entries(process.env).filter(([name, value]) =>
    value !== undefined &&
    /^(?:npm_config_(?!cache|prefix).*|https?_proxy|no_proxy|NODE_EXTRA_CA_CERTS)$/i.test(name)
  );
  const config = process.env.NPM_CONFIG_USERCONFIG ?? `${process.env.HOME}/.npmrc`;
  return {
    npm_config_userconfig: config,
    npm_config_loglevel: "error",
    ...Object.fromEntries(settings) as Record<string, string>,
  };
}
