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

const groups = ["lint", "check", "deno", "bun", "node", "workerd"] as const;
type Group = typeof groups[number];

const ownProgram = "its commands are the compiled program, whoever asks";
const everyRuntime = "starts Deno, Bun, Node and the rest itself";

/** Test files that run on one runtime alone, and why. Every other one runs on Deno, Bun and Node. */
const once: readonly (readonly [start: string, on: Group, reason: string])[] = [
  ["tests/jsr/", "deno", "only Deno resolves a jsr: specifier"],
  ["tests/simulator/parallel_test.ts", "deno", "its threads are those of Deno"],
  ["tests/simulator/simulator_test.ts", "bun", "the runtime has no part in it, and Bun is quick"],
  ["tests/scripts/release_test.ts", "deno", "packs 100 MB, which are the same everywhere"],
  ["tests/runtimes/", "deno", everyRuntime],
  ["tests/documents/example_", "deno", everyRuntime],
  ["tests/torture/torture_test.ts", "deno", everyRuntime],
  ["tests/cli/many_processes_test.ts", "bun", everyRuntime],
  ["tests/cli/bad_words_test.ts", "bun", ownProgram],
  ["tests/cli/completion_test.ts", "bun", ownProgram],
  ["tests/cli/files_test.ts", "bun", ownProgram],
  ["tests/cli/hostile_server_test.ts", "bun", ownProgram],
  ["tests/cli/manual_test.ts", "bun", ownProgram],
  ["tests/cli/neighbours_test.ts", "bun", ownProgram],
  ["tests/cli/outage_test.ts", "bun", ownProgram],
  ["tests/cli/profile_choice_test.ts", "bun", ownProgram],
  ["tests/cli/status_test.ts", "bun", ownProgram],
  ["tests/cli/warnings_test.ts", "bun", ownProgram],
  ["tests/documents/iam_token_test.ts", "bun", ownProgram],
  ["tests/documents/single_sign_on_test.ts", "bun", ownProgram],
];

/** Tests that need a server of their own: `deno task interop` runs them. */
const interop = "tests/interop/keycloak/";

const workerdTest = "tests/runtimes/workerd_test.ts";

interface GroupedStep extends Step {
  /** It runs when one of these was asked for. */
  readonly groups: readonly Group[];
}

async function main(args: string[]): Promise<number> {
  const { only, filters } = readArguments(args);
  return await carryOutAll("test", async (scratch) => {
    const isAskedFor = ({ groups }: GroupedStep) => groups.some((group) => only.includes(group));
    const tests = await testSteps(filters, scratch);
    if (filters.length > 0 && !tests.some(isAskedFor)) {
      throw new Error(
        `None of these tests runs on ${only.join(" or ")}: "once" in scripts/test.ts says where`,
      );
    }
    return [...checkSteps(scratch), buildStep, ...tests].filter(isAskedFor);
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
  const on = (group: Group) =>
    files.filter((file) => (once.find(([start]) => file.startsWith(start))?.[1] ?? group) === group);
  type Run = (chosen: readonly string[]) => Promise<Outcome>;
  const by = (runner: Runner): Run => (chosen) => runTests(runner, chosen, scratch);
  const step = (group: Group, name: string, chosen: string[], run: Run): GroupedStep[] =>
    // A filter may leave nothing for one runner; without a filter that is a mistake, and the step says so.
    chosen.length === 0 && filters.length > 0 ? [] : [{ groups: [group], name, run: () => run(chosen) }];
  return [
    ...step("deno", "tests on Deno", on("deno").filter((file) => file !== workerdTest), by(onDeno)),
    ...step("bun", "tests on Bun", on("bun"), by(onBun)),
    ...step("node", "tests on Node", on("node"), by(onNode)),
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

const buildStep: GroupedStep = {
  groups: ["deno", "bun", "node"],
  name: "build of dist/apex-token",
  run: async () => {
    await buildBinary();
    return { passed: 1, failed: 0 };
  },
};

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
