/**
 * Where the figures come from: the machine and the programs on it.
 *
 * @module
 */

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { version } from "../../lib/version.ts";
import { bun, deno, node } from "../toolchain.ts";
import { US } from "./table.ts";

/** The folder of the bench, with a slash at its end. */
export const folder: string = fileURLToPath(new URL("./", import.meta.url));

/** The machine and the day, in one line. */
export function machine(): string {
  const model = cpus()[0]?.model.trim() || "unknown CPU";
  return `${cpus().length} cores, ${model}, ${process.platform} ${process.arch}, ${
    new Date().toISOString().slice(0, 10)
  }`;
}

/** The names of the packages that `deno.json` beside this file pins, with their versions. */
export function packages(): Record<string, string> {
  const { imports } = JSON.parse(readFileSync(`${folder}deno.json`, "utf8"));
  return Object.fromEntries(
    Object.entries<string>(imports).map((
      [name, target],
    ) => [name, target.slice(target.lastIndexOf("@") + 1)]),
  );
}

/** "name version" of each: this package, one of {@linkcode packages}, or a runtime. */
export function versionsOf(names: readonly string[]): string[] {
  const pinned = packages();
  const runtimes: Record<string, () => string> = {
    [US]: () => version,
    Deno: () => execFileSync(deno(), ["--version"], { encoding: "utf8" }).split(" ")[1],
    Bun: () => execFileSync(bun(), ["--version"], { encoding: "utf8" }),
    Node: () => execFileSync(node(), ["--version"], { encoding: "utf8" }).slice(1),
  };
  return names.map((name) => `${name} ${(pinned[name] ?? runtimes[name]()).trim()}`);
}
