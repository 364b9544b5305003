/**
 * Puts the modules of this package into the few files that npm users get: to find, read and link a file costs Node
 * about a millisecond, whatever its size.
 *
 * A bundler with code splitting makes a file for every set of entries that share modules, dozens of them here. So the
 * modules are first put into layers: one file each, loaded as a whole by every entry that needs something of it.
 *
 * @module
 */

import { build, type BuildOptions, type Metafile, type Plugin, stop, transform } from "esbuild";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { root } from "./toolchain.ts";

/** The files of some entries. */
export interface Bundle {
  /** JavaScript by its path in the package: each entry where its source is, what they share in `chunks/`. */
  readonly files: ReadonlyMap<string, string>;
  /** The packages that are imported. */
  readonly imported: ReadonlySet<string>;
  /** The packages whose code is inside. */
  readonly included: ReadonlySet<string>;
}

/** What npm installs with this package; everything else that it needs is put inside. */
export const dependencies: readonly string[] = ["oauth4webapi", "valibot"];

/** The modules of each layer, by their paths; a layer needs those before it. */
type Layers = readonly ReadonlySet<string>[];

/** A module's imports, by its path. */
type Graph = Metafile["inputs"];

/** The SDK: all entries share what the first one needs, in one file. */
export async function bundleLibrary(entries: readonly string[]): Promise<Bundle> {
  const [first] = entries;
  const bundled = await bundle(entries, (graph) => [reached(graph, first)]);
  const path = first.replace(/\.ts$/, ".js");
  const text = await withoutHandOver(bundled.files.get(path) ?? "");
  return { ...bundled, files: new Map(bundled.files).set(path, text) };
}

/**
 * Of npm's package only the command line is a program, under its own name; a module that looks whether it was started
 * would do so in the bundles of users too.
 */
async function withoutHandOver(text: string): Promise<string> {
  const define = { "import.meta.main": "false" };
  try {
    // As TypeScript, so that an import that nothing uses any more goes too.
    return (await transform(text, { loader: "ts", format: "esm", minifySyntax: true, define })).code;
  } finally {
    await stop();
  }
}

/** The command line: the quick answer in one file, what every command needs in another, what many share in a third. */
export async function bundleProgram(entry: string): Promise<Bundle> {
  return await bundle([entry], (graph) => {
    const quick = reached(graph, entry);
    const [start] = graph[entry].imports.filter(({ kind }) => kind === "dynamic-import");
    const always = reached(graph, start.path);
    const commands = loadedLater(graph).filter((path) => path !== start.path);
    return [quick, always, shared(commands.map((path) => reached(graph, path)))];
  });
}

async function bundle(
  entries: readonly string[],
  layersOf: (graph: Graph) => Layers,
): Promise<Bundle> {
  // Nothing is written there; the paths of the outputs are below it.
  const outdir = `${root}npm/dist/package`;
  const options = {
    absWorkingDir: root,
    entryPoints: [...entries],
    outdir,
    outbase: root,
    chunkNames: "chunks/[name]-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "neutral",
    // A neutral bundle looks at no field of a package.json by itself.
    mainFields: ["module", "main"],
    target: "node22",
    // A later bundler knows no constants any more: here they still are.
    minifySyntax: true,
    external: ["node:*", ...dependencies],
    metafile: true,
    write: false,
    logLevel: "silent",
  } as const satisfies BuildOptions;
  try {
    const { inputs } = (await build(options)).metafile;
    const outside = new Set([...entries, ...loadedLater(inputs)]);
    const layers = separate(layersOf(inputs), outside);
    const { outputFiles, metafile } = await build({
      ...options,
      plugins: [inLayers(inputs, layers, outside)],
    });
    return {
      files: new Map(outputFiles.map(({ path, text }) => [path.slice(outdir.length + 1), text])),
      imported: importedPackages(metafile),
      included: includedPackages(metafile),
    };
  } finally {
    await stop();
  }
}

/** Makes every file that is loaded by itself load the layers that it needs, each as a whole. */
function inLayers(graph: Graph, layers: Layers, outside: ReadonlySet<string>): Plugin {
  return {
    name: "layers",
    setup({ onLoad, onResolve }) {
      onResolve({ filter: /^layer:/ }, ({ path }) => ({ path, namespace: "layer" }));
      onLoad({ filter: /^/, namespace: "layer" }, ({ path }) => ({
        contents: [...layers[Number(path.slice("layer:".length))]].map((module) =>
          `import ${JSON.stringify(root + module)};`
        ).join("\n"),
        resolveDir: root,
      }));
      onLoad({ filter: /\.(?:ts|m?js)$/ }, async ({ path }) => {
        const module = path.slice(root.length);
        if (!outside.has(module)) return undefined;
        const needed = reached(graph, module);
        const count = layers.findLastIndex((layer) => !layer.isDisjointFrom(needed)) + 1;
        const imports = Array.from({ length: count }, (_, layer) => `import "layer:${layer}";`);
        // On its first line, so that messages keep their line numbers.
        const contents = imports.join("") + await readFile(path, "utf8");
        return { contents, loader: path.endsWith(".ts") ? "ts" : "js" };
      });
    },
  };
}

/** A module is in the first layer that wants it; what is loaded by itself is in none. */
function separate(layers: Layers, outside: ReadonlySet<string>): Layers {
  const taken = new Set(outside);
  return layers.map((layer) => {
    const rest = layer.difference(taken);
    for (const module of rest) taken.add(module);
    return rest;
  });
}

/** What is loaded together with a module, the module included. */
function reached(graph: Graph, start: string): Set<string> {
  const seen = new Set<string>();
  const visit = (path: string) => {
    if (seen.has(path)) return;
    seen.add(path);
    for (const { path: next, kind, external } of graph[path].imports) {
      if (!external && kind === "import-statement") visit(next);
    }
  };
  visit(start);
  return seen;
}

/** The modules that others load when they need them. */
function loadedLater(graph: Graph): string[] {
  const imports = Object.values(graph).flatMap(({ imports }) => imports);
  return [
    ...new Set(
      imports.filter(({ kind, external }) => kind === "dynamic-import" && !external).map(({ path }) => path),
    ),
  ];
}

/** What is in more than one of the sets. */
function shared(sets: readonly ReadonlySet<string>[]): Set<string> {
  const once = new Set<string>();
  const twice = new Set<string>();
  for (const value of sets.flatMap((set) => [...set])) (once.has(value) ? twice : once).add(value);
  return twice;
}

function importedPackages({ outputs }: Metafile): Set<string> {
  const imports = Object.values(outputs).flatMap(({ imports }) => imports);
  return new Set(
    imports.filter(({ path, external }) => external && !path.startsWith("node:")).map(({ path }) => path),
  );
}

function includedPackages({ outputs }: Metafile): Set<string> {
  const modules = Object.values(outputs).flatMap(({ inputs }) => Object.keys(inputs));
  // The last one, because of packages inside of packages.
  return new Set(
    modules.map((path) => /.*\bnode_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? "").filter(Boolean),
  );
}

/** The licences of packages whose code is inside, as each of them asks for. */
export async function licensesOf(packages: ReadonlySet<string>): Promise<string> {
  const texts = [...packages].sort().map(async (name) => {
    const folder = `${root}node_modules/${name}`;
    const file = ["LICENSE", "LICENSE.md", "LICENSE.txt"].find((file) => existsSync(`${folder}/${file}`));
    if (file === undefined) throw new Error(`Cannot find the licence of ${name}, which is bundled`);
    const { version } = JSON.parse(await readFile(`${folder}/package.json`, "utf8"));
    return `${name} ${version}\n\n${(await readFile(`${folder}/${file}`, "utf8")).trim()}\n`;
  });
  return `This package holds code of these packages.\n\n${(await Promise.all(texts)).join("\n\n")}`;
}
