/**
 * Starts what was built, where this machine can: it fetches a token from a server on loopback.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { getBy } from "../npm_commands.ts";
import type { Target } from "./targets.ts";

/** Debian's emulator, and its C library for that processor. */
const QEMU = "/usr/bin/qemu-aarch64-static";
const ARM64 = "/usr/aarch64-linux-gnu";

/** What stands before the path of a program for `target` to start it here; `undefined` when nothing here can. */
export function starterOf(target: Pick<Target, "name">): readonly string[] | undefined {
  const system = { darwin: "macos", win32: "windows" }[process.platform as string] ?? process.platform;
  const libc = system === "linux" && existsSync("/etc/alpine-release") ? "-musl" : "";
  if (target.name === `${system}-${process.arch}${libc}`) return [];
  const emulates = target.name === "linux-arm64" && process.platform === "linux" &&
    existsSync(QEMU) && existsSync(ARM64);
  return emulates ? [QEMU, "-L", ARM64] : undefined;
}

/**
 * Has the program at `path` fetch a token.
 *
 * @returns what can be said of it
 * @throws when it is started and brings none
 */
export async function startProgram(target: Target, path: string): Promise<string> {
  const starter = starterOf(target);
  if (starter === undefined) return `${target.name} was not started: nothing here runs it`;
  const [program, ...args] = [...starter, path];
  const scratch = await mkdtemp(join(tmpdir(), "apex-token-start-"));
  try {
    const { passed, output } = await getBy(
      { name: target.name, program, args, installed: false },
      "",
      scratch,
    );
    if (passed !== 1) throw new Error(`Cannot release ${target.name}: it brings no token. ${output}`);
    return `${target.name} was started and brought a token`;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
