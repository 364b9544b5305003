/**
 * The bill of materials of the program: what of other people's is in it, by the bundler and `deno.lock`.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { readFile } from "node:fs/promises";
import { bundleProgram } from "../npm_bundle.ts";
import { root } from "../toolchain.ts";
import { BUN_VERSION, targets } from "./targets.ts";

interface LockedPackage {
  readonly integrity: string;
  readonly dependencies?: readonly string[];
}

interface Lock {
  readonly specifiers: Readonly<Record<string, string>>;
  readonly npm: Readonly<Record<string, LockedPackage>>;
}

/** It as CycloneDX 1.6, the same bytes for the same sources. */
export async function billOfMaterials(version: string): Promise<string> {
  const { lock, all } = await contents();
  const self = `pkg:npm/%40apex/token@${version}`;
  // the packages for other machines are not installed here; they have one licence
  const license = await licenseOf("@oven/bun-linux-x64");
  const runtimes = targets.map((target) =>
    npmComponent(target.package, BUN_VERSION, target.integrity, license)
  );
  const packages = all.map(async (key) => {
    const [name, version] = nameAndVersion(key);
    return npmComponent(name, version, lock.npm[key].integrity, await licenseOf(name));
  });
  const document = {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      component: {
        type: "application",
        "bom-ref": self,
        name: "apex-token",
        version,
        purl: self,
        licenses: [{ license: { id: "Apache-2.0" } }],
      },
    },
    components: [...await Promise.all(packages), ...runtimes],
    dependencies: [
      { ref: self, dependsOn: [...all.map(purl), ...runtimes.map(({ purl }) => purl)] },
      ...all.map((key) => ({
        ref: purl(key),
        dependsOn: (lock.npm[key].dependencies ?? []).map((name) => keyOf(lock, name))
          .filter((needed) => all.includes(needed)).map(purl),
      })),
    ],
  };
  return JSON.stringify(document, null, 2) + "\n";
}

/** The names of the packages whose code is in the program, without that of the runtime. */
export async function packagesInside(): Promise<string[]> {
  return (await contents()).all.map((key) => nameAndVersion(key)[0]);
}

/** By the keys of `deno.lock`: what a bundler puts into the program. What a comment mentions is not in it. */
async function contents(): Promise<{ lock: Lock; all: string[] }> {
  const lock: Lock = JSON.parse(await readFile(`${root}deno.lock`, "utf8"));
  const { imports } = JSON.parse(await readFile(`${root}deno.json`, "utf8"));
  const { included, imported } = await bundleProgram("cli.ts");
  const names = [...included.union(imported)].sort();
  return { lock, all: names.map((name) => keyOf(lock, imports[name]?.replace(/^npm:/, "") ?? name)) };
}

/** A dependency stands without its version where there is only one. */
function keyOf(lock: Lock, name: string): string {
  if (lock.npm[name]) return name;
  const key = Object.keys(lock.npm).find((key) => key.startsWith(`${name}@`));
  if (key === undefined) throw new Error(`Cannot find ${name} in deno.lock`);
  return key;
}

function nameAndVersion(key: string): [name: string, version: string] {
  const at = key.indexOf("@", 1);
  return [key.slice(0, at), key.slice(at + 1).replace(/_.*$/, "")];
}

function purl(key: string): string {
  const [name, version] = nameAndVersion(key);
  return `pkg:npm/${name.replace("@", "%40")}@${version}`;
}

/** Under which licence a package says that it is, by its SPDX identifier. */
async function licenseOf(name: string): Promise<string> {
  const { license } = JSON.parse(await readFile(`${root}node_modules/${name}/package.json`, "utf8"));
  if (typeof license === "string" && /^[\w.+-]+$/.test(license)) return license;
  throw new Error(`Cannot tell the licence of ${name}: it says ${JSON.stringify(license)}`);
}

function npmComponent(name: string, version: string, integrity: string, license: string) {
  const reference = purl(`${name}@${version}`);
  const content = Buffer.from(integrity.replace(/^sha512-/, ""), "base64").toString("hex");
  return {
    type: "library",
    "bom-ref": reference,
    name,
    version,
    purl: reference,
    licenses: [{ license: { id: license, acknowledgement: "declared" } }],
    hashes: [{ alg: "SHA-512", content }],
  };
}
