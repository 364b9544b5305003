/**
 * Runs test files in workerd, without Node's modules: bundled, with `node:test` and `node:assert` of our own
 * (`tests/workerd/`).
 *
 * @module
 */

import { build, type Plugin, stop } from "esbuild";
import { mkdtemp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Outcome, run } from "./run.ts";
import { root, workerd } from "./toolchain.ts";
import { standIns } from "./workerd_files.ts";
import { countTold } from "./workerd_report.ts";

/** Everything together takes some seconds; longer than this it hangs, in milliseconds. */
const timeLimit = 1_800_000;

/** No `compatibilityFlags`, above all no `nodejs_compat`, and no way to any network. */
const configuration = `
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "core", worker = .worker),
    (name = "internet", network = (allow = [])),
  ],
);

const worker :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = "2024-09-23",
);
`;

/**
 * Runs `files` and counts their tests. A file that does not run to its end, or that has no test, is a failure.
 *
 * @param scratch a folder for the bundle
 */
export async function runInWorkerd(files: readonly string[], scratch: string): Promise<Outcome> {
  const folder = await mkdtemp(join(scratch, "workerd-"));
  const bundle = join(folder, "worker.js");
  if (await bundleTests(files, bundle) !== undefined) return await withoutTheUnfit(files, folder, scratch);
  await writeFile(join(folder, "config.capnp"), configuration);
  const result = await run(workerd(), ["test", "config.capnp"], { cwd: folder, env: {}, timeout: timeLimit });
  return countTold(files, result);
}

/** Finds the files that do not build, each of which is a failure, and runs the others. */
async function withoutTheUnfit(files: readonly string[], folder: string, scratch: string): Promise<Outcome> {
  const unfit: string[] = [];
  const fit: string[] = [];
  for (const file of files) {
    const words = await bundleTests([file], join(folder, "one.js"));
    if (words === undefined) fit.push(file);
    else {unfit.push(
        `✖ ${file} cannot run in workerd: name it in scripts/workerd_files.ts, or mend it\n${words}`,
      );}
  }
  if (unfit.length === 0) return { passed: 0, failed: 1, output: "The test files do not build together" };
  const none: Outcome = { passed: 0, failed: 0 };
  const { passed, failed, output = "" } = fit.length > 0 ? await runInWorkerd(fit, scratch) : none;
  return { passed, failed: failed + unfit.length, output: [...unfit, output].join("\n").trimEnd() };
}

/** Bundles test files, each one to be loaded by a handler of its own. Returns what is wrong with them, if anything. */
async function bundleTests(files: readonly string[], outfile: string): Promise<string | undefined> {
  const handlers = files.map((file, at) =>
    `export const file${at} = handlerOf(${JSON.stringify(file)}, () => import("./${file}"));`
  );
  try {
    await build({
      stdin: {
        contents: `import { handlerOf } from "./tests/workerd/worker.ts";\n${handlers.join("\n")}\n`,
        resolveDir: root,
      },
      outfile,
      bundle: true,
      format: "esm",
      target: "esnext",
      platform: "neutral",
      mainFields: ["module", "main"],
      plugins: [replaceNode],
      absWorkingDir: root,
      logLevel: "silent",
    });
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await stop();
  }
}

/** Puts our stand-ins in the place of Node's modules; one that has none does not build. */
const replaceNode: Plugin = {
  name: "stand-ins for Node's modules",
  setup(builder) {
    builder.onResolve({ filter: /^node:/ }, ({ path, importer }) => {
      const standIn = standIns[path];
      if (standIn) return { path: `${root}${standIn}` };
      const where = importer.replace(root, "");
      return { errors: [{ text: `${where} imports ${path}, which is not in workerd` }] };
    });
  },
};
