/**
 * Proves the package for npm: `deno task npm:smoke` builds it, installs it in an empty project, and uses it there as a
 * stranger would: on Node, Bun, Deno, in workerd and in Chromium, by its command, and with TypeScript.
 *
 * The last line on stdout is `N passed, N failed`.
 *
 * @module
 */

import { cp, mkdtemp, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { buildNpm, type NpmPackage } from "./build_npm.ts";
import { carryOutAll, type Step } from "./carry_out.ts";
import { countTests } from "./junit.ts";
import { dependencies } from "./npm_bundle.ts";
import { getBy, starts } from "./npm_commands.ts";
import { faultsIn } from "./npm_contents.ts";
import { copyPrograms, inWorkerd, onPage } from "./npm_places.ts";
import { installTools, makeProject, npm, oldestNode, pathWithNode } from "./npm_project.ts";
import { type Check, writePrograms } from "./npm_typescript.ts";
import { type Outcome, outcomeOf, run, type RunResult } from "./run.ts";
import { onBun, onDeno, onNode, type Runner } from "./runners.ts";
import { node, root } from "./toolchain.ts";

const NAME = "@apex/token";
const TEST = "smoke_test.ts";

/** A package that was built and installed. */
interface Installed {
  readonly tarball: NpmPackage;
  /** The project that has it. */
  readonly project: string;
  /** A folder for whatever a check needs. */
  readonly scratch: string;
  /** The folder of the tools' packages. */
  readonly tools: string;
}

async function main(): Promise<number> {
  return await carryOutAll("npm-smoke", async (scratch) => {
    const tarball = await buildNpm();
    const project = join(scratch, "project");
    await makeProject(project, tarball.path);
    const installed = { tarball, project, scratch, tools: await installTools() };
    return [...packageSteps(installed), ...await runSteps(installed), ...await typeSteps(installed)];
  });
}

function packageSteps({ tarball, project, tools }: Installed): Step[] {
  const folder = join(project, "node_modules", NAME);
  const tool = (path: string, ...args: string[]) => program(node(), [join(tools, path), ...args], project);
  return [
    {
      name: "the same bytes when built again",
      run: async () => {
        const again = await buildNpm();
        const faults = again.sha256 === tarball.sha256 ? [] : [`${tarball.sha256} and then ${again.sha256}`];
        return outcomeOfFaults(faults);
      },
    },
    { name: "what is in the package", run: async () => outcomeOfFaults(await faultsIn(folder)) },
    {
      name: "the packages that npm installs with it",
      run: async () => {
        const lock = await readFile(join(project, "node_modules/.package-lock.json"), "utf8");
        const packages: Record<string, { hasInstallScript?: boolean }> = JSON.parse(lock).packages;
        const found = Object.keys(packages).map((path) => path.slice("node_modules/".length));
        const scripts = found.filter((name) => packages[`node_modules/${name}`].hasInstallScript);
        return outcomeOfFaults([
          ...(found.join() === [NAME, ...dependencies].join() ? [] : [`They are ${found.join(", ")}`]),
          ...scripts.map((name) => `${name} wants an install script`),
        ]);
      },
    },
    {
      name: "npm would publish just these files",
      run: async () => {
        const { code, output } = await npm(folder, ["pack", "--dry-run", "--json"]);
        if (code !== 0) return { passed: 0, failed: 1, output };
        const [{ files }] = JSON.parse(output.slice(output.indexOf("[")));
        const all = await readdir(folder, { recursive: true, withFileTypes: true });
        const count = all.filter((entry) => entry.isFile()).length;
        return outcomeOfFaults(
          files.length === count ? [] : [`${count} are in it, npm takes ${files.length}`],
        );
      },
    },
    { name: "publint", run: () => tool("publint/src/cli.js", "--strict", tarball.path) },
    {
      name: "arethetypeswrong",
      // Since Node 22 `require` takes ES modules; the resolution of before Node 12 knows no "exports".
      run: () =>
        tool(
          "@arethetypeswrong/cli/dist/index.js",
          ...["--profile", "node16", "--ignore-rules", "cjs-resolves-to-esm", "--no-emoji", tarball.path],
        ),
    },
  ];
}

async function runSteps(installed: Installed): Promise<Step[]> {
  const { tarball, project, scratch } = installed;
  await cp(`${root}npm/${TEST}`, join(project, TEST));
  const oldest = await oldestNode();
  const runners: [name: string, runner: Runner][] = [
    ["Node 24", onNode],
    ["Node 22", (files, report) => ({ ...onNode(files, report), program: oldest })],
    ["Bun", onBun],
    ["Deno", onDeno],
  ];
  await copyPrograms(project);
  return [
    ...runners.map(([name, runner]) => ({ name: `on ${name}`, run: () => testOn(runner, installed) })),
    { name: "in workerd, without Node's modules, with a Durable Object", run: () => inWorkerd(project) },
    { name: "on a page in Chromium, without a bundler", run: () => onPage(project, NAME) },
    ...starts(NAME, tarball.path).map((start) => ({
      name: `${start.name}: get`,
      run: () => getBy(start, project, scratch),
    })),
  ];
}

async function typeSteps({ project, tools }: Installed): Promise<Step[]> {
  const manifest = await readFile(join(project, "node_modules", NAME, "package.json"), "utf8");
  const entries = Object.keys(JSON.parse(manifest).exports).map((path) => NAME + path.slice(1));
  const checks = await writePrograms(project, entries, join(tools, "@types"));
  return ["typescript-5", "typescript-7"].flatMap((compiler) =>
    checks.map((check) => ({
      name: `${compiler}, ${check.name}`,
      run: () => checkTypes(join(tools, compiler), check, project),
    }))
  );
}

async function checkTypes(compiler: string, { options, files }: Check, project: string): Promise<Outcome> {
  await writeFile(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions: options, files }));
  const { bin } = JSON.parse(await readFile(join(compiler, "package.json"), "utf8"));
  return await program(node(), [join(compiler, bin.tsc), "-p", "."], project);
}

/** Runs the smoke test with a runner. A test that does not run is a failure. */
async function testOn(runner: Runner, { project, scratch }: Installed): Promise<Outcome> {
  const folder = await mkdtemp(join(scratch, "run-"));
  const report = join(folder, "report.xml");
  const { program, args } = runner([TEST], report);
  const result = await started(program, args, project, folder);
  const { passed, failed, skipped } = countTests(await readFile(report, "utf8").catch(() => ""));
  const problems = skipped.map((test) => `Not run: ${test}`);
  if (failed === 0 && (result.code !== 0 || passed === 0)) problems.push(`Exit code ${result.code}`);
  return {
    passed,
    failed: failed + problems.length,
    output: [result.output.trimEnd(), ...problems].join("\n"),
  };
}

/** Starts a program as a stranger would, with a home of its own. */
function started(path: string, args: readonly string[], cwd: string, home: string): Promise<RunResult> {
  const env = { PATH: pathWithNode(), HOME: home, DENO_DIR: join(home, "deno"), NO_COLOR: "1" };
  return run(path, args, { cwd, env, timeout: 600_000 });
}

/** Runs a program whose exit code is the answer. */
async function program(path: string, args: readonly string[], cwd: string): Promise<Outcome> {
  return outcomeOf(await started(path, args, cwd, cwd));
}

function outcomeOfFaults(faults: readonly string[]): Outcome {
  return faults.length === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1, output: faults.join("\n") };
}

if (import.meta.main) {
  try {
    process.exitCode = await main();
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    console.log("0 passed, 1 failed");
    process.exitCode = 1;
  }
}
