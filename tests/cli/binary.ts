/**
 * `dist/apex-token`, built once when it is missing or older than its sources.
 *
 * @module
 */

import { mkdirSync, statSync } from "node:fs";
import { systemClock } from "../../lib/clock.ts";
import { acquireLock } from "../../lib/host/lock.ts";
import { binary, buildBinary } from "../../scripts/build_binaries.ts";
import { sources } from "../../scripts/run.ts";
import { root } from "../../scripts/toolchain.ts";

let fresh: Promise<string> | undefined;

/** The path of a program that is as new as its sources. */
export function freshBinary(): Promise<string> {
  return fresh ??= build();
}

async function build(): Promise<string> {
  // several test files may come here at once, each in a process of its own
  mkdirSync(`${root}.cache`, { recursive: true });
  const lock = await acquireLock(`${root}.cache/build.lock`, { clock: systemClock, timeout: 600_000 });
  try {
    const files = [...await sources("lib"), "cli.ts", "deno.lock", "scripts/compile.ts"];
    const newest = Math.max(...files.map((file) => changed(root + file)));
    if (changed(binary) < newest) await buildBinary();
    return binary;
  } finally {
    lock?.release();
  }
}

function changed(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
