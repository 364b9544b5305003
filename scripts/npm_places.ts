/**
 * Runs the package for npm where there is no Node: in workerd, and in a browser.
 *
 * @module
 */

import { build, stop, transform } from "esbuild";
import { cp, readFile, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { startChromium } from "../tests/interop/keycloak/chromium.ts";
import { dependencies } from "./npm_bundle.ts";
import { type Outcome, outcomeOf, run } from "./run.ts";
import { root, workerd } from "./toolchain.ts";

const PROGRAMS = ["smoke_everywhere.ts", "smoke_worker.ts", "smoke_page.ts"];

/** Puts the programs for these places into `project`. */
export async function copyPrograms(project: string): Promise<void> {
  for (const name of PROGRAMS) await cp(`${root}npm/${name}`, join(project, name));
}

/** No `compatibilityFlags`: above all no `nodejs_compat`. */
const WORKERD = `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (services = [(name = "main", worker = .worker)]);
const worker :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = "2024-09-23",
  bindings = [(name = "TOKENS", durableObjectNamespace = "TokenStoreObject")],
  durableObjectNamespaces = [(className = "TokenStoreObject", uniqueKey = "smoke")],
  durableObjectStorage = (inMemory = void),
);
`;

/** In workerd, in a bundle as a Worker's tools make it. */
export async function inWorkerd(project: string): Promise<Outcome> {
  try {
    await build({
      absWorkingDir: project,
      entryPoints: ["smoke_worker.ts"],
      outfile: join(project, "worker.js"),
      bundle: true,
      format: "esm",
      conditions: ["workerd", "worker", "browser"],
      logLevel: "silent",
    });
  } finally {
    await stop();
  }
  await writeFile(join(project, "config.capnp"), WORKERD);
  return outcomeOf(
    await run(workerd(), ["test", "config.capnp"], { cwd: project, env: {}, timeout: 600_000 }),
  );
}

/** On a page in Chromium, without a bundler: by an import map, from the files as they are installed. */
export async function onPage(project: string, name: string): Promise<Outcome> {
  const map = JSON.stringify({ imports: await importMap(project, [name, ...dependencies]) });
  const page = `<!doctype html><title></title><link rel="icon" href="data:,">
<script>addEventListener("error", (event) => document.title ||= "failed: " + (event.message ?? event.target.src), true)</script>
<script type="importmap">${map}</script><script type="module" src="/smoke_page.ts"></script>`;
  const server = await startFiles(project, page);
  try {
    const chromium = await startChromium();
    try {
      const opened = await chromium.open(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
      await opened.waitForFunction("document.title !== ''");
      const title = await opened.title();
      return title === "done" ? { passed: 1, failed: 0 } : { passed: 0, failed: 1, output: title };
    } finally {
      await chromium.close();
    }
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await stop();
  }
}

/** Where each entry of the packages is, by what a program calls it. */
async function importMap(project: string, packages: readonly string[]): Promise<Record<string, string>> {
  type Target = string | { readonly import?: Target; readonly default?: Target };
  const fileOf = (target: Target | undefined): string | undefined =>
    typeof target === "object" ? fileOf(target.import ?? target.default) : target;
  const found: Record<string, string> = {};
  for (const name of packages) {
    const manifest = await readFile(join(project, "node_modules", name, "package.json"), "utf8");
    const { exports } = JSON.parse(manifest) as { exports: Record<string, Target> };
    for (const [entry, target] of Object.entries(exports)) {
      found[name + entry.slice(1)] = `/node_modules/${name}/${fileOf(target)?.slice(2)}`;
    }
  }
  return found;
}

/** Serves a page and the files of `folder`, TypeScript as JavaScript. */
async function startFiles(folder: string, page: string): Promise<Server> {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    try {
      const text = pathname === "/" ? page : await readFile(join(folder, pathname), "utf8");
      const isTypeScript = pathname.endsWith(".ts");
      const type = pathname === "/" ? "text/html" : "text/javascript";
      response.writeHead(200, { "content-type": `${type}; charset=utf-8` });
      response.end(isTypeScript ? (await transform(text, { loader: "ts" })).code : text);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}
