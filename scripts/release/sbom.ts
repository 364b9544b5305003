/**
 * The bill of materials of the program: what of other people's is in it, by `deno.lock`.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { readFile } from "node:fs/promises";
import { sources } from "../run.ts";
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
  const lock: Lock = JSON.parse(await readFile(`${root}deno.lock`, "utf8"));
  const { imports } = JSON.parse(await readFile(`${root}deno.json`, "utf8"));
  const names = (await importedPackages()).filter((name) => imports[name] !== undefined);
  const direct = names.map((name) => keyOf(lock, imports[name].replace(/^npm:/, "")));
  const all = closure(lock, direct);
  const self = `pkg:npm/%40apex/token@${version}`;
  const runtimes = targets.map((target) => npmComponent(target.package, BUN_VERSION, target.integrity));
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
    components: [
      ...all.map((key) => npmComponent(...nameAndVersion(key), lock.npm[key].integrity)),
      ...runtimes,
    ],
    dependencies: [
      { ref: self, dependsOn: [...direct.map(purl), ...runtimes.map(({ purl }) => purl)] },
      ...all.map((key) => ({
        ref: purl(key),
        dependsOn: (lock.npm[key].dependencies ?? []).map((name) => purl(keyOf(lock, name))),
      })),
    ],
  };
  return JSON.stringify(document, null, 2) + "\n";
}

/** The packages that the program's own files import, by name. */
async function importedPackages(): Promise<string[]> {
  const found = new Set<string>();
  for (const file of ["cli.ts", ...await sources("lib")]) {
    const text = await readFile(root + file, "utf8");
    for (const [, specifier] of text.matchAll(/(?:\bfrom |\bimport\()"([^".][^"]*)"/g)) {
      if (!specifier.startsWith("node:")) found.add(/^(?:@[^/]+\/)?[^/]+/.exec(specifier)![0]);
    }
  }
  return [...found].sort();
}

function closure(lock: Lock, keys: readonly string[]): string[] {
  const found = new Set<string>();
  const visit = (key: string): void => {
    if (found.has(key)) return;
    found.add(key);
    for (const name of lock.npm[key].dependencies ?? []) visit(keyOf(lock, name));
  };
  keys.forEach(visit);
  return [...found].sort();
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

function npmComponent(name: string, version: string, integrity: string) {
  const reference = purl(`${name}@${version}`);
  const content = Buffer.from(integrity.replace(/^sha512-/, ""), "base64").toString("hex");
  return {
    type: "library",
    "bom-ref": reference,
    name,
    version,
    purl: reference,
    hashes: [{ alg: "SHA-512", content }],
  };
}
