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
const timeLimit = 300_000;

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
  const bundled = await bundleTests(files, join(folder, "worker.js"));
  if (bundled !== undefined) return { passed: 0, failed: 1, output: bundled };
  await writeFile(join(folder, "config.capnp"), configuration);
  const result = await run(workerd(), ["test", "config.capnp"], { cwd: folder, env: {}, timeout: timeLimit });
  return countTold(files, result);
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
    const words = error instanceof Error ? error.message : String(error);
    return `${words}\nA test file that cannot run in workerd is named in scripts/workerd_files.ts, with the reason.`;
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
