/**
 * The programs of the bench: servers that run beside it, and measurements that need a runtime of their own.
 *
 * @module
 */

import { spawn } from "node:child_process";
import process from "node:process";
import { bun, deno, node, root } from "../toolchain.ts";
import { folder } from "./machine.ts";
import type { RotatingServerOptions } from "./programs/rotating_server.ts";

/** What runs a program of `programs/`. */
export type Runtime = "Deno" | "Bun" | "Node";

/** A server in a process of its own. */
export interface Server {
  /** The first line that it printed: where it is. */
  readonly address: string;
  close(): Promise<void>;
}

/** The command that runs `programs/NAME` on a runtime. */
export function commandOf(runtime: Runtime, name: string): string[] {
  const path = `${folder}programs/${name}`;
  if (runtime === "Deno") return [deno(), "run", "-A", "--no-check", path];
  return [runtime === "Bun" ? bun() : node(), path];
}

/** Starts a program that prints where it is and runs until its standard input ends. */
export function startServer([program, ...args]: readonly string[]): Promise<Server> {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"], cwd: root });
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  return new Promise((resolve, reject) => {
    let text = "";
    child.on("error", reject);
    child.on("close", (code) => reject(new Error(`Cannot start ${args.at(-1)}: it ended with ${code}`)));
    child.stdout.on("data", (chunk) => {
      text += chunk;
      const end = text.indexOf("\n");
      if (end < 0) return;
      const close = () => {
        child.stdin.end();
        return ended;
      };
      resolve({ address: text.slice(0, end), close });
    });
  });
}

/** Starts the authorization server of the bench. */
export function startTokenServer(): Promise<Server> {
  return startServer(commandOf("Node", "token_server.ts"));
}

/** Starts a server that takes each refresh token once. */
export function startRotatingServer(options: RotatingServerOptions): Promise<Server> {
  return startServer([...commandOf("Node", "rotating_server.ts"), JSON.stringify(options)]);
}

/** Runs a program that reads JSON and prints JSON. */
export async function ask<T>([program, ...args]: readonly string[], question: unknown): Promise<T> {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], cwd: root, env: { ...process.env } });
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk) => out += chunk);
  child.stderr.on("data", (chunk) => err += chunk);
  child.stdin.on("error", () => {}); // it ended without reading; its exit code says why
  child.stdin.end(JSON.stringify(question));
  const code = await new Promise((resolve, reject) => child.on("error", reject).on("close", resolve));
  if (code === 0) return JSON.parse(out);
  throw new Error(
    `${[program, ...args].join(" ")} ended with ${code}: ${(err || out).trim().slice(-2000)}`,
  );
}
