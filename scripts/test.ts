/**
 * Runs every check and every test: `deno task test [--only GROUP] [PART OF A TEST FILE'S PATH ...]`.
 *
 * The groups are lint, check, deno, bun, node and workerd; in workerd the tests of what runs everywhere. Each check
 * counts as one test. The last line on stdout is `N passed, N failed`.
 *
 * @module
 */

import process from "node:process";
import { parseArgs } from "node:util";
import { buildBinary } from "./build_binaries.ts";
import { carryOutAll, type Step } from "./carry_out.ts";
import {
  checkDocumentation,
  checkFormat,
  checkLint,
  checkPublish,
  checkTypes,
  checkWebStandards,
} from "./checks.ts";
import { type Outcome, outcomeOf, runDeno, sources } from "./run.ts";
import { onBun, onDeno, onNode, type Runner, runTests } from "./runners.ts";
import { runInWorkerd } from "./workerd.ts";
import { forWorkerd } from "./workerd_files.ts";

/** Test files that run on Deno alone, and why. Every other one runs on Deno, Bun and Node. */
const denoOnly: readonly (readonly [start: string, reason: string])[] = [
  ["tests/jsr/", "only Deno resolves a jsr: specifier"],
  ["tests/simulator/parallel_test.ts", "its threads are those of Deno"],
  ["tests/scripts/release_test.ts", "packs 100 MB, which are the same everywhere"],
  ["tests/runtimes/", "starts Deno, Bun, Node and workerd itself"],
  ["tests/documents/example_", "starts Deno and workerd itself"],
  ["tests/torture/torture_test.ts", "starts Deno, Bun, Node and the compiled program itself"],
];

/** Tests that need a server of their own: `deno task interop` runs them. */
const interop = "tests/interop/keycloak/";

const workerdTest = "tests/runtimes/workerd_test.ts";

const groups = ["lint", "check", "deno", "bun", "node", "workerd"] as const;
type Group = typeof groups[number];

interface GroupedStep extends Step {
  /** It runs when one of these was asked for. */
  readonly groups: readonly Group[];
}

async function main(args: string[]): Promise<number> {
  const { only, filters } = readArguments(args);
  return await carryOutAll("test", async (scratch) => {
    const steps = [...checkSteps(scratch), ...await testSteps(filters, scratch)];
    return steps.filter((step) => step.groups.some((group) => only.includes(group)));
  });
}

/** A filter without `--only` asks for the tests alone. */
function readArguments(args: string[]): { only: readonly Group[]; filters: string[] } {
  const { values, positionals } = parseArgs({
    args,
    options: { only: { type: "string", multiple: true } },
    allowPositionals: true,
  });
  const only = values.only?.map((name) => {
    const group = groups.find((group) => group === name);
    if (group === undefined) throw new Error(`Cannot run "${name}": the groups are ${groups.join(", ")}`);
    return group;
  });
  return { only: only ?? (positionals.length > 0 ? groups.slice(2) : groups), filters: positionals };
}

function checkSteps(scratch: string): GroupedStep[] {
  return [
    { groups: ["lint"], name: "deno fmt --check", run: checkFormat },
    { groups: ["lint"], name: "deno lint", run: checkLint },
    { groups: ["check"], name: "deno check", run: checkTypes },
    { groups: ["check"], name: "deno check, Web standards alone", run: () => checkWebStandards(scratch) },
    { groups: ["check"], name: "deno doc --lint", run: checkDocumentation },
    { groups: ["check"], name: "deno publish --dry-run", run: checkPublish },
  ];
}

async function testSteps(filters: readonly string[], scratch: string): Promise<GroupedStep[]> {
  const files = (await sources("tests")).filter((file) =>
    file.endsWith("_test.ts") && !file.startsWith(interop) &&
    (filters.length === 0 || filters.some((filter) => file.includes(filter)))
  );
  if (files.length === 0) {
    throw new Error(`Cannot find a test file whose path has ${filters.join(" or ")} in it`);
  }
  const onEveryone = files.filter((file) => !denoOnly.some(([start]) => file.startsWith(start)));
  type Run = (chosen: readonly string[]) => Promise<Outcome>;
  const by = (runner: Runner): Run => (chosen) => runTests(runner, chosen, scratch);
  const step = (group: Group, name: string, chosen: string[], run: Run): GroupedStep[] =>
    // A filter may leave nothing for one runner; without a filter that is a mistake, and the step says so.
    chosen.length === 0 && filters.length > 0 ? [] : [{ groups: [group], name, run: () => run(chosen) }];
  return [
    { groups: ["deno", "bun", "node"], name: "build of dist/apex-token", run: build },
    ...step("deno", "tests on Deno", files.filter((file) => file !== workerdTest), by(onDeno)),
    ...step("bun", "tests on Bun", onEveryone, by(onBun)),
    ...step("node", "tests on Node", onEveryone, by(onNode)),
    ...step("workerd", "mod.ts in workerd", files.filter((file) => file === workerdTest), by(onDeno)),
    ...step(
      "workerd",
      "tests of the core in workerd",
      forWorkerd(files),
      (core) => runInWorkerd(core, scratch),
    ),
    // once: the runtime has no part in it
    ...(filters.length > 0
      ? []
      : [{ groups: ["deno"] as const, name: "deno task simulate", run: runSimulator }]),
  ];
}

async function build(): Promise<Outcome> {
  await buildBinary();
  return { passed: 1, failed: 0 };
}

async function runSimulator(): Promise<Outcome> {
  return outcomeOf(await runDeno(["run", "-A", "scripts/simulate.ts", "--seeds", "10000"], 1_800_000));
}

if (import.meta.main) {
  try {
    process.exitCode = await main(process.argv.slice(2));
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 2;
  }
}
