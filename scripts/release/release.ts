/**
 * Everything of a release, in `dist/release`.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { version } from "../../lib/version.ts";
import { compile } from "../compile.ts";
import { root } from "../toolchain.ts";
import { type ArchiveFile, tarGz, zip } from "./archive.ts";
import { companions } from "./contents.ts";
import { debianPackage } from "./debian_package.ts";
import { installer } from "./installer.ts";
import { runtimeFor } from "./runtime.ts";
import { billOfMaterials } from "./sbom.ts";
import { startProgram } from "./start.ts";
import type { Target } from "./targets.ts";

/** Where it is put. */
export const releaseFolder: string = join(root, "dist/release");

/**
 * Builds for all `targets`, each twice, starts what this machine can start, and packs what was built.
 *
 * @param say told what has been made
 * @throws when two builds of the same sources differ, or a program that was started brings no token
 */
export async function release(
  targets: readonly Target[],
  say: (text: string) => void,
  folder: string = releaseFolder,
): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const sbom = await billOfMaterials(version);
  const beside = await companions(sbom);
  const checksums = new Map<string, string>();
  const put = async (name: string, bytes: Uint8Array | string): Promise<void> => {
    await writeFile(join(folder, name), bytes, name.endsWith(".sh") ? { mode: 0o755 } : {});
    await count(name);
  };
  const count = async (name: string): Promise<void> => {
    const bytes = await readFile(join(folder, name));
    checksums.set(name, createHash("sha256").update(bytes).digest("hex"));
    say(`${checksums.get(name)}  ${name}  ${bytes.length} bytes`);
  };
  for (const target of targets) {
    const built = await buildTwice(target, join(folder, "build"));
    say(await startProgram(target, built.path));
    const program: ArchiveFile = { path: `bin/${target.program}`, bytes: built.bytes, isProgram: true };
    const files = [program, ...beside];
    const name = `apex-token-${version}-${target.name}`;
    const inFolder = files.map((file) => ({ ...file, path: `${name}/${file.path}` }));
    if (target.program.endsWith(".exe")) await put(`${name}.zip`, zip(inFolder));
    else await put(`${name}.tar.gz`, tarGz(inFolder));
    if (target.debian) {
      const deb = `apex-token_${version}_${target.debian}.deb`;
      const path = join(folder, deb);
      await debianPackage({ version, architecture: target.debian, files, path });
      await count(deb);
    }
  }
  await rm(join(folder, "build"), { recursive: true, force: true });
  await put("sbom.cdx.json", sbom);
  const archives = new Map([...checksums].filter(([name]) => name.endsWith(".tar.gz")));
  await put(
    "install.sh",
    installer(version, archives, ["bin/apex-token", ...beside.map(({ path }) => path)]),
  );
  const lines = [...checksums].map(([name, checksum]) => `${checksum}  ${name}\n`).sort();
  await writeFile(join(folder, "SHA256SUMS"), lines.join(""));
}

async function buildTwice(target: Target, folder: string): Promise<{ path: string; bytes: Uint8Array }> {
  const runtime = await runtimeFor(target);
  const built: { path: string; bytes: Uint8Array }[] = [];
  for (const turn of ["first", "second"]) {
    // Bun writes the base name into the program: the folders differ, the name does not
    const path = join(folder, turn, target.name, target.program);
    await mkdir(join(folder, turn, target.name), { recursive: true });
    await compile(path, [`--target=${target.bun}`, `--compile-executable-path=${runtime}`]);
    built.push({ path, bytes: await readFile(path) });
  }
  const [first, second] = built.map(({ bytes }) => createHash("sha256").update(bytes).digest("hex"));
  if (first === second) return built[0];
  throw new Error(`Cannot release ${target.name}: two builds of it differ (${first}, ${second})`);
}
