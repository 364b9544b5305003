/**
 * Builds `npm/dist/*.tgz`, the package for npm: `deno task npm`.
 *
 * `deno pack` makes the types and most of `package.json`; `npm/` holds the rest of it and the README; the JavaScript is
 * bundled into few files. The same sources give the same bytes.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, posix } from "node:path";
import process from "node:process";
import { bundleLibrary, bundleProgram, dependencies, licensesOf } from "./npm_bundle.ts";
import { npmTarball } from "./npm_tarball.ts";
import { run, runDeno } from "./run.ts";
import { root } from "./toolchain.ts";

/** Where the package is put. */
export const output: string = `${root}npm/dist`;

/** What was built. */
export interface NpmPackage {
  readonly path: string;
  /** In bytes. */
  readonly size: number;
  /** In hexadecimal. */
  readonly sha256: string;
}

/** What `package.json` says, as far as it is looked at here. */
interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly exports: Readonly<Record<string, { readonly types: string; readonly default: string }>>;
  readonly dependencies: Readonly<Record<string, string>>;
}

/**
 * Builds the package.
 *
 * @throws when something of it is missing; the message says what
 */
export async function buildNpm(): Promise<NpmPackage> {
  const scratch = await mkdtemp(join(tmpdir(), "apex-token-npm-"));
  try {
    const packed = await pack(scratch);
    const { name, version } = await fill(join(scratch, "package"), packed);
    const bytes = await npmTarball(join(scratch, "package"));
    const file = `${name.replace(/^@/, "").replace("/", "-")}-${version}.tgz`;
    await mkdir(output, { recursive: true });
    for (const old of await readdir(output)) {
      if (old.endsWith(".tgz") && old !== file) await rm(join(output, old));
    }
    // Whoever reads it meanwhile gets the one before or this one.
    const path = join(output, file);
    await writeFile(`${path}.${process.pid}`, bytes);
    await rename(`${path}.${process.pid}`, path);
    return { path, size: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Lets Deno pack the sources. Returns the folder with its package. */
async function pack(scratch: string): Promise<string> {
  const packed = join(scratch, "packed");
  await mkdir(packed);
  const flags = ["--allow-dirty", "--no-source-maps", "--ignore=deno.lock"];
  const { code, output } = await runDeno(["pack", ...flags, "-o", join(scratch, "packed.tgz")]);
  if (code !== 0) throw new Error(`Cannot pack the sources: ${output.trim()}`);
  const args = ["-xzf", join(scratch, "packed.tgz"), "-C", packed, "--strip-components=1"];
  const env = { PATH: process.env.PATH ?? "" };
  const unpacked = await run("tar", args, { cwd: scratch, env, timeout: 600_000 });
  if (unpacked.code !== 0) throw new Error(`Cannot unpack what Deno packed: ${unpacked.output.trim()}`);
  return packed;
}

/** Fills `folder` with the files of the package. */
async function fill(folder: string, packed: string): Promise<Manifest> {
  const manifest: Manifest = JSON.parse(await readFile(join(packed, "package.json"), "utf8"));
  const { name, version, dependencies: ranges, ...rest } = manifest;
  const template = JSON.parse(await readFile(`${root}npm/package.template.json`, "utf8"));
  const program = Object.values<string>(template.bin)[0];
  const entries = Object.values(manifest.exports).map((entry) => entry.default.replace(/^\.\//, ""));
  const source = (path: string) => path.replace(/\.js$/, ".ts");

  const library = await bundleLibrary(entries.filter((entry) => entry !== program).map(source));
  const commandLine = await bundleProgram(source(program));
  for (const [path, text] of [...library.files, ...commandLine.files]) {
    await write(folder, path, path === program ? `#!/usr/bin/env node\n${text}` : text);
  }
  for (const path of await typesOf(entries, packed)) {
    const text = await readFile(join(packed, path), "utf8");
    // An empty file would not be a module, and TypeScript would refuse to import it.
    await write(folder, path, text.trim() === "" ? "export {};\n" : text);
  }
  await write(
    folder,
    "package.json",
    JSON.stringify(
      {
        name,
        version,
        ...template,
        ...rest,
        exports: Object.fromEntries(
          // "import" says the same as "default" here, and would leave `require` to it.
          Object.entries(manifest.exports).map(([key, entry]) => [key, {
            types: entry.types,
            default: entry.default,
          }]),
        ),
        dependencies: Object.fromEntries(
          dependencies.filter((name) => library.imported.has(name) || commandLine.imported.has(name))
            .map((name) => [name, ranges[name]]),
        ),
      },
      null,
      2,
    ) + "\n",
  );
  const included = library.included.union(commandLine.included);
  if (included.size > 0) await write(folder, "THIRD_PARTY_LICENSES.txt", await licensesOf(included));
  await cp(`${root}npm/README.md`, join(folder, "README.md"));
  await cp(`${root}LICENSE`, join(folder, "LICENSE"));
  return manifest;
}

async function write(folder: string, path: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), text);
}

/**
 * The declarations that the entries lead to. Deno leaves out those of a module whose types it cannot read off, and goes
 * on.
 */
async function typesOf(entries: readonly string[], packed: string): Promise<string[]> {
  const found = new Set(entries.map((entry) => entry.replace(/\.js$/, ".d.ts")));
  for (const path of found) {
    const text = await readFile(join(packed, path), "utf8").catch(() => {
      throw new Error(`Cannot find ${path}: "deno publish --dry-run" says which types Deno cannot read off`);
    });
    for (const [, target] of text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*"(\.[^"]+)\.js"/g)) {
      found.add(posix.join(posix.dirname(path), `${target}.d.ts`));
    }
  }
  return [...found].sort();
}

if (import.meta.main) {
  try {
    const { path, size, sha256 } = await buildNpm();
    process.stderr.write(`${path} ${size} bytes, sha256 ${sha256}\n`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}
