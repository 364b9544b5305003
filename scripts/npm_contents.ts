/**
 * Looks into the package for npm as it is installed.
 *
 * @module
 */

import { build, stop } from "esbuild";
import { readdir, readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { dependencies } from "./npm_bundle.ts";
import { runsEverywhere } from "./rooms.ts";
import { root } from "./toolchain.ts";

/** What is looked at in `package.json`. */
interface Manifest {
  readonly bin: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, { readonly types: string; readonly default: string }>>;
  readonly [field: string]: unknown;
}

/** Everything that is wrong with the package in `folder`. */
export async function faultsIn(folder: string): Promise<string[]> {
  const files = new Map<string, string>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) files.set(path.slice(folder.length + 1), await readFile(path, "utf8"));
  }
  const manifest: Manifest = JSON.parse(files.get("package.json") ?? "{}");
  const pins: Record<string, string> = JSON.parse(await readFile(`${root}deno.json`, "utf8")).imports;
  const entries = Object.values(manifest.exports).map((entry) => entry.default.slice(2));
  return [
    ...faultsOfManifest(manifest, files, pins),
    ...faultsOfFiles(manifest, files),
    ...await faultsOfImports(folder, files, entries),
  ];
}

function faultsOfManifest(
  manifest: Manifest,
  files: ReadonlyMap<string, string>,
  pins: Readonly<Record<string, string>>,
): string[] {
  const faults: string[] = [];
  const programs = Object.entries(manifest.bin);
  // With one program alone npx finds it by the package's name.
  if (programs.length !== 1 || programs[0][0] !== "apex-token") {
    faults.push(`bin is ${JSON.stringify(manifest.bin)}`);
  }
  for (const [name, path] of programs) {
    if (!files.get(path)?.startsWith("#!/usr/bin/env node\n")) faults.push(`${name} is no program of Node`);
  }
  const expected = dependencies.map((name) => `${name} ^${pins[name].replace(/^.*@/, "")}`);
  const found = Object.entries(manifest.dependencies).map((pair) => pair.join(" "));
  if (found.join() !== expected.join()) faults.push(`dependencies are ${found.join(", ")}`);
  const more = Object.keys(manifest).filter((field) => /^scripts$|Dependencies$|^gypfile$/.test(field));
  for (const field of more) faults.push(`package.json has ${field}`);
  for (const field of ["name", "version", "description", "license", "engines", "types"]) {
    if (!manifest[field]) faults.push(`package.json has no ${field}`);
  }
  for (const entry of Object.values(manifest.exports)) {
    for (const path of [entry.types, entry.default]) {
      if (!files.has(path.slice(2))) faults.push(`${path} is missing`);
    }
  }
  return faults;
}

function faultsOfFiles({ exports }: Manifest, files: ReadonlyMap<string, string>): string[] {
  const faults: string[] = [];
  const entries = Object.values(exports).map((entry) => entry.default.slice(2));
  for (const [path, text] of files) {
    if (!/(?:\.js|\.d\.ts|\.md|\.txt|^LICENSE|^package\.json)$/.test(path)) {
      faults.push(`${path} has no business here`);
    }
    if (/(?:^|\/)tests?\/|_test\./.test(path)) faults.push(`${path} is a test`);
    // What several entries share is nobody's to import, and needs no types.
    if (path.endsWith(".js") && !path.startsWith("chunks/")) {
      if (!files.has(path.replace(/\.js$/, ".d.ts"))) faults.push(`${path} has no types`);
      if (!entries.includes(path)) faults.push(`${path} is no entry`);
    }
    for (const place of [root, homedir() + "/", "sourceMappingURL"]) {
      if (text.includes(place)) faults.push(`${path} mentions ${place}`);
    }
    // Where it was built; a help may well explain what such a URL is.
    for (const [url] of text.matchAll(/file:\/\/\/\w[^\s"'`]*/g)) faults.push(`${path} mentions ${url}`);
    // A type of theirs in ours would make users depend on which instance of a package they have.
    if (path.endsWith(".d.ts") && /\b(?:from|import)\s*\(?\s*"[^."]/.test(withoutComments(text))) {
      faults.push(`${path} takes types from another package`);
    }
  }
  return faults;
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "");
}

async function faultsOfImports(
  folder: string,
  files: ReadonlyMap<string, string>,
  entries: readonly string[],
): Promise<string[]> {
  const faults: string[] = [];
  const reached = new Set<string>();
  for (const entry of entries) {
    const everywhere = runsEverywhere(entry.replace(/\.js$/, ".ts"));
    const { modules, imported } = await importsOf(folder, entry);
    for (const module of modules) reached.add(module);
    for (const name of imported) {
      const isNode = name.startsWith("node:");
      if (!isNode && !dependencies.includes(name)) faults.push(`${entry} imports ${name}`);
      if (isNode && everywhere) faults.push(`${entry} imports ${name} and is to run everywhere`);
    }
  }
  const unused = [...files.keys()].filter((path) => path.endsWith(".js") && !reached.has(path));
  return [...faults, ...unused.map((path) => `${path} is loaded by nobody`)];
}

/** The modules that an entry leads to, and what they import from elsewhere. */
async function importsOf(
  folder: string,
  entry: string,
): Promise<{ modules: string[]; imported: Set<string> }> {
  try {
    const { metafile } = await build({
      absWorkingDir: folder,
      entryPoints: [entry],
      outdir: "unused",
      bundle: true,
      splitting: true,
      format: "esm",
      platform: "neutral",
      packages: "external",
      metafile: true,
      write: false,
      logLevel: "silent",
    });
    const inputs = Object.values(metafile.inputs).flatMap(({ imports }) => imports);
    return {
      modules: Object.keys(metafile.inputs),
      imported: new Set(inputs.filter(({ external }) => external).map(({ path }) => path)),
    };
  } finally {
    await stop();
  }
}
