/**
 * A package for Debian and what comes from it.
 *
 * @module
 */

import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import type { ArchiveFile } from "./archive.ts";

/** What to pack. */
export interface DebianPackage {
  readonly version: string;
  readonly architecture: "amd64" | "arm64";
  /** By their paths under `/usr`. */
  readonly files: readonly ArchiveFile[];
  /** Where to. */
  readonly path: string;
}

/** No time of its own: the first day of 1980. */
const EPOCH = "315532800";

/**
 * Makes a `.deb`; the same files give the same bytes.
 *
 * @throws when there is no `dpkg-deb` or it fails
 */
export async function debianPackage({ version, architecture, files, path }: DebianPackage): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "apex-token-deb-"));
  try {
    await chmod(folder, 0o755);
    let size = 0;
    for (const { path, bytes, isProgram } of files.map(inDebian)) {
      await write(join(folder, "usr", path), bytes, isProgram ? 0o755 : 0o644);
      size += bytes.length;
    }
    const control = new TextEncoder().encode(controlFile(version, architecture, size));
    await write(join(folder, "DEBIAN/control"), control, 0o644);
    const args = ["--root-owner-group", "-Zgzip", "-z6", "--build", folder, path];
    await promisify(execFile)("dpkg-deb", args, { env: { ...process.env, SOURCE_DATE_EPOCH: EPOCH } });
  } catch (error) {
    const { code, stderr, message } = error as { code?: unknown; stderr?: string; message: string };
    if (code === "ENOENT") throw new Error("Cannot make a Debian package: dpkg-deb is missing. Install dpkg");
    throw new Error(`Cannot make a Debian package: ${stderr?.trim() || message}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Where Debian has it: manual pages compressed, completions of zsh among those of vendors, the licence as `copyright`. */
function inDebian(file: ArchiveFile): ArchiveFile {
  if (file.path.startsWith("share/man/")) {
    return { path: `${file.path}.gz`, bytes: gzipSync(file.bytes, { level: 9 }) };
  }
  const path = file.path.replace("share/zsh/site-functions/", "share/zsh/vendor-completions/")
    .replace("share/doc/apex-token/LICENSE", "share/doc/apex-token/copyright");
  return { ...file, path };
}

async function write(path: string, bytes: Uint8Array, mode: number): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  await writeFile(path, bytes);
  await chmod(path, mode);
}

function controlFile(version: string, architecture: string, size: number): string {
  return `Package: apex-token
Version: ${version}
Architecture: ${architecture}
Maintainer: The authors of @apex/token
Depends: libc6 (>= 2.17)
Installed-Size: ${Math.ceil(size / 1024)}
Section: net
Priority: optional
Description: valid OpenID Connect tokens for whatever asks
 Signs a person or a service in once and prints a valid token whenever one is
 needed, in the form that the asking program takes.
`;
}
