/**
 * Files and links that are no secret, in places that a person names or that other programs look into.
 *
 * @module
 */

import { lstatSync, mkdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { TokenError } from "../errors.ts";
import { inWords } from "./_file_calls.ts";
import { shown } from "./_file_errors.ts";

/**
 * Writes a file that others may read, and the directories above it.
 *
 * @throws {TokenError} `storage` when it cannot be written
 */
export function writePlainFile(path: string, text: string): void {
  inWords("write", path, () => {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(path, text, { mode: 0o644 });
  });
}

/**
 * Makes a link, and the directories above it; another link in its place is replaced.
 *
 * @throws {TokenError} `storage` when a file is in its place, or when it cannot be made
 */
export function placeLink(path: string, target: string): void {
  inWords("make the link", path, () => {
    mkdirSync(dirname(path), { recursive: true });
    const there = lstatSync(path, { throwIfNoEntry: false });
    if (there && !there.isSymbolicLink()) {
      throw new TokenError("storage", `Cannot make the link ${shown(path)}: a file is in its place`, {
        nextStep: "Move it away, or name another directory",
      });
    }
    if (there && readlinkSync(path) === target) return;
    rmSync(path, { force: true });
    symlinkSync(target, path);
  });
}
