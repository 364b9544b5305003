/**
 * The checks before the tests: format, lint, types, documentation, and whether it could be published.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runsEverywhere } from "./rooms.ts";
import { type Outcome, outcomeOf, runDeno, sources } from "./run.ts";
import { root } from "./toolchain.ts";

/** `deno fmt --check` on everything. */
export async function checkFormat(): Promise<Outcome> {
  return outcomeOf(await runDeno(["fmt", "--check"]));
}

/** `deno lint` on everything. */
export async function checkLint(): Promise<Outcome> {
  return outcomeOf(await runDeno(["lint"]));
}

/** `deno check` on everything. */
export async function checkTypes(): Promise<Outcome> {
  return outcomeOf(await runDeno(["check"]));
}

/**
 * `deno check` on everything that must run everywhere, without Deno's own types: `Deno`, `process` and `Buffer` are
 * unknown names there.
 *
 * @param scratch a folder for its configuration
 */
export async function checkWebStandards(scratch: string): Promise<Outcome> {
  const path = join(scratch, "web.json");
  const config = {
    imports: (await readConfig()).imports,
    nodeModulesDir: "none",
    lock: { path: `${root}deno.lock`, frozen: true },
    compilerOptions: { lib: ["esnext", "dom", "dom.iterable", "dom.asynciterable"], types: [] },
  };
  await writeFile(path, JSON.stringify(config));
  return outcomeOf(await runDeno(["check", "-c", path, ...(await sources(".")).filter(runsEverywhere)]));
}

/** `deno doc --lint` on every entry point. */
export async function checkDocumentation(): Promise<Outcome> {
  const entries = Object.values((await readConfig()).exports).filter((entry) =>
    existsSync(join(root, entry))
  );
  if (entries.length === 0) return { passed: 0, failed: 1, output: "No entry point of deno.json is there" };
  return outcomeOf(await runDeno(["doc", "--lint", ...entries]));
}

/**
 * `deno publish --dry-run`. One warning is expected: the hand-over from `mod.ts` to the command line, which no bundler may
 * follow.
 */
export async function checkPublish(): Promise<Outcome> {
  const result = await runDeno(["publish", "--dry-run", "--allow-dirty"]);
  const warnings = [...result.output.matchAll(/^\s*warning\[([\w-]+)\]/gm)].map((match) => match[1]);
  if (result.code !== 0 || warnings.join() === "unanalyzable-dynamic-import") return outcomeOf(result);
  const problem = `Expected one warning, unanalyzable-dynamic-import, and got ${
    warnings.join(", ") || "none"
  }`;
  return { passed: 0, failed: 1, output: `${result.output.trim()}\n\n${problem}` };
}

async function readConfig(): Promise<{ imports: Record<string, string>; exports: Record<string, string> }> {
  return JSON.parse(await readFile(`${root}deno.json`, "utf8"));
}
