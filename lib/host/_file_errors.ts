/**
 * What can be wrong with a file or a directory, in words, with the command that puts it right.
 *
 * @module
 */

import process from "node:process";
import { lstatSync, type Stats } from "node:fs";
import { dirname } from "node:path";
import { TokenError } from "../errors.ts";
import { safeText } from "../safe_text.ts";

const WORDS: Record<string, [what: string, nextStep: string]> = {
  ENOSPC: ["the disk is full", "Free some space there and try again"],
  EDQUOT: ["your disk quota is used up", "Free some of your space there and try again"],
  EROFS: [
    "the file system is read-only",
    "Name another path, or set HOME (or XDG_CONFIG_HOME, XDG_DATA_HOME and XDG_STATE_HOME) to one that can be written",
  ],
  EIO: [
    "the disk reports an input/output error",
    "Look at the system log for a failing disk, then try again",
  ],
  EFBIG: ["files may not become that large here", "Raise the limit (`ulimit -f`) and try again"],
  EMFILE: ["this process has too many open files", "Raise the limit (`ulimit -n`) and try again"],
  ENFILE: ["the system has too many open files", "Try again later"],
  EISDIR: ["it is a directory", "Move it out of the way"],
  ENOTDIR: ["a part of its path is not a directory", "Name another path, or move that file out of the way"],
  ENAMETOOLONG: ["the name is too long", "Use a shorter name"],
  ELOOP: ["a symbolic link stands in its place", "Remove the link, or name what it points to"],
  EMLINK: ["a symbolic link stands in its place", "Remove the link, or name what it points to"],
  ENXIO: ["it is not a regular file", "Move it out of the way"],
};

/** The system's word for what went wrong (`ENOENT` and so on), or the name of the error. */
export function systemCode(error: unknown): string {
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown };
  // Deno's own, where a permission is missing: its code is that of a file system.
  if (name === "NotCapable") return name;
  return typeof code === "string" ? code : typeof name === "string" ? name : "an unknown error";
}

/**
 * Rebuilds an error of the system.
 *
 * @param action what was tried: "read", "write"
 */
export function storageError(action: string, path: string, error: unknown): TokenError {
  // Our own are words already.
  if (error instanceof TokenError) return error;
  const code = systemCode(error);
  const [what, nextStep] = code === "NotCapable"
    ? [
      "Deno was not given permission",
      "Run it with -A, or with --allow-read, --allow-write and --allow-sys=uid",
    ]
    : code === "EACCES" || code === "EPERM"
    ? [
      "permission denied",
      `Look who may: ls -ld ${shellWord(path)}; give yourself access, or name another path`,
    ]
    : code === "ENOENT"
    ? missing(path)
    : WORDS[code] ?? [`the system says ${safeText(code, 40)}`, "Try again, or name another path"];
  return new TokenError("storage", `Cannot ${action} ${shown(path)}: ${what}`, { nextStep });
}

/** What is not there: what a link on the way leads to, or a directory on the way, which may be one to be mounted. */
function missing(path: string): [what: string, nextStep: string] {
  let gone = path;
  for (let at = path; at !== dirname(at); gone = at, at = dirname(at)) {
    const stats = lookAt(at);
    if (stats?.isSymbolicLink()) {
      return [`the link ${shown(at)} leads nowhere`, "Remove the link, or put back what it points to"];
    }
    if (stats) break;
  }
  return gone === path
    ? ["it is not there", "Try again, or name another path"]
    : [`there is no ${shown(gone)}`, `Make it: mkdir -p ${shellWord(gone)}; or name another path`];
}

function lookAt(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/**
 * Refuses a directory that somebody else owns or can enter, and whatever is no directory.
 *
 * @param stats what `lstat` says
 * @throws {TokenError} `storage` when it is not private
 */
export function refuseForeignDirectory(path: string, stats: Stats): void {
  const word = shellWord(path);
  if (stats.isSymbolicLink()) {
    throw refusal(path, "a symbolic link stands in place of the directory", `Remove the link: rm ${word}`);
  }
  if (!stats.isDirectory()) {
    throw refusal(path, "it is not a directory", "Name another directory, or move that file out of the way");
  }
  refuseForeignOwner(path, stats);
  if (isLoose(stats)) {
    throw refusal(path, `other users have access to it (mode ${modeOf(stats)})`, `Run: chmod 700 ${word}`);
  }
}

/**
 * Refuses a file that somebody else owns or can read, and whatever is no regular file.
 *
 * @param stats what `fstat` says
 * @param limit the largest size, in bytes
 * @param links how many names it may have
 * @throws {TokenError} `storage` when it is not private
 */
export function refuseForeignFile(path: string, stats: Stats, limit: number, links: number): void {
  const word = shellWord(path);
  if (stats.isSymbolicLink()) {
    throw refusal(path, "a symbolic link stands in place of the file", `Remove the link: rm ${word}`);
  }
  if (!stats.isFile()) throw refusal(path, "it is not a regular file", "Move it out of the way");
  refuseForeignOwner(path, stats);
  if (isLoose(stats)) {
    throw refusal(path, `other users have access to it (mode ${modeOf(stats)})`, `Run: chmod 600 ${word}`);
  }
  // Not one name is fine: it was replaced after it was opened.
  if (stats.nlink > links) {
    throw refusal(path, `it has ${stats.nlink} names (hard links)`, `Find the others: ls -li ${word}`);
  }
  if (stats.size > limit) throw tooLarge(path, limit);
}

/**
 * Refuses a file that somebody else owns or can change, and whatever is no regular file.
 *
 * @param stats what `fstat` says
 * @param limit the largest size, in bytes
 * @throws {TokenError} `storage` when others can change it
 */
export function refuseChangeableFile(path: string, stats: Stats, limit: number): void {
  if (!stats.isFile()) throw refusal(path, "it is not a regular file", "Move it out of the way");
  refuseForeignOwner(path, stats);
  if (process.platform !== "win32" && (stats.mode & 0o022) !== 0) {
    throw refusal(
      path,
      `other users can change it (mode ${modeOf(stats)})`,
      `Look into it, then run: chmod go-w ${shellWord(path)}`,
    );
  }
  if (stats.size > limit) throw tooLarge(path, limit);
}

/** The file is larger than it may be. */
export function tooLarge(path: string, limit: number): TokenError {
  return refusal(
    path,
    `it is larger than ${limit} bytes`,
    "It is not a file of this program: move it out of the way",
  );
}

/** `path` as one word of a POSIX shell, for a command that a person will copy. */
export function shellWord(path: string): string {
  const clean = shown(path);
  return /^[\w@%+=:,./-]+$/.test(clean) ? clean : `'${clean.replaceAll("'", `'\\''`)}'`;
}

/**
 * Refuses what somebody else owns.
 *
 * @throws {TokenError} `storage`
 */
export function refuseForeignOwner(path: string, stats: Stats): void {
  const me = process.geteuid?.();
  if (me === undefined || stats.uid === me) return;
  throw refusal(
    path,
    `it belongs to another user (uid ${stats.uid}, yours is ${me})`,
    `If it should be yours, run: sudo chown -R ${me} ${shellWord(path)}; if not, name another path`,
  );
}

/** Windows has no such bits: there the directory of the profile is private by its access list. */
function isLoose(stats: Stats): boolean {
  return process.platform !== "win32" && (stats.mode & 0o077) !== 0;
}

function modeOf(stats: Stats): string {
  return (stats.mode & 0o7777).toString(8).padStart(4, "0");
}

/** A path as it may be shown to a person. */
export function shown(path: string): string {
  return safeText(path, 4096);
}

function refusal(path: string, what: string, nextStep: string): TokenError {
  return new TokenError("storage", `Cannot use ${shown(path)}: ${what}`, { nextStep });
}
