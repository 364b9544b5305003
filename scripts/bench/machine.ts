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

/**
 * Looks at what the host of a virtual machine withholds from it, from this call until the returned function is called,
 * which says it in a sentence, or in none where there is nothing to say.
 */
export function watchHost(): () => string[] {
  const before = processorTime();
  return () => {
    const after = processorTime();
    if (!before || !after) return [];
    const [wanted, stolen] = [after.wanted - before.wanted, after.stolen - before.stolen];
    const share = Math.round(stolen / wanted * 100);
    if (!(share >= 1)) return [];
    return [
      `The machine is a virtual one, and its host gave ${share} % of the processor time that was wanted here to ` +
      "others: times are longer by that, and ratios less sure.",
    ];
  };
}

/** What Linux says of the processor time since its start: what was used and withheld, and what was withheld. */
function processorTime(): { readonly wanted: number; readonly stolen: number } | undefined {
  if (process.platform !== "linux") return undefined;
  const [first] = readFileSync("/proc/stat", "utf8").split("\n");
  const [user, nice, system, _idle, _waiting, interrupts, soft, stolen] = first.split(/\s+/).slice(1).map(
    Number,
  );
  return { wanted: user + nice + system + interrupts + soft + stolen, stolen };
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
