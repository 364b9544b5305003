/**
 * The place of the agent's socket: a directory that nobody else can enter or replace.
 *
 * @module
 */

import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, lstatSync, mkdirSync, readFileSync, realpathSync } from "node:fs";
import { dirname } from "node:path";
import { TokenError } from "../errors.ts";
import { safeText } from "../safe_text.ts";
import { ownUid } from "./sockets.ts";

/** The longest path that a kernel takes for a socket is 103 bytes on macOS, 107 on Linux; one beside it is longer by 5. */
const LONGEST_PATH = 98;

/**
 * Makes sure of the directory of a socket: where it is missing it is made, for this person alone; where it is there it
 * must be ours or root's, like those above it, and nobody else may be able to put something else in its place.
 *
 * @param group who may enter besides this person
 * @throws {TokenError} `storage` when it cannot be trusted, with the reason
 */
export function prepareSocketDirectory(path: string, group?: string): void {
  if (new TextEncoder().encode(path).length > LONGEST_PATH) {
    throw new TokenError("storage", `Cannot put a socket at ${safeText(path, 400)}: the path is too long`, {
      nextStep: "Give a shorter one: --socket PATH",
    });
  }
  const directory = dirname(path);
  const made = makeDirectory(directory);
  if (made !== undefined && group !== undefined) {
    chownSync(directory, lstatSync(directory).uid, groupId(group));
    chmodSync(directory, 0o750);
  }
  checkTrusted(directory, ownUid());
}

/** @returns the first directory that had to be made */
function makeDirectory(path: string): string | undefined {
  try {
    return mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    const code = safeText(String((error as { code?: unknown }).code), 40);
    throw new TokenError(
      "storage",
      `Cannot make the directory ${safeText(path, 400)} for a socket (${code})`,
      {
        nextStep: "Put the socket elsewhere: --socket PATH, or set XDG_RUNTIME_DIR",
      },
    );
  }
}

/** Whoever can rename a directory on the way can put another in its place. */
function checkTrusted(directory: string, uid: number | undefined): void {
  if (uid === undefined) return;
  for (let at = realpathSync(directory);; at = dirname(at)) {
    const state = lstatSync(at);
    if (state.uid !== uid && state.uid !== 0) throw untrusted(at, "it belongs to another user");
    const isSticky = (state.mode & 0o1000) !== 0;
    if ((state.mode & 0o022) !== 0 && !isSticky) throw untrusted(at, "others can write to it");
    if (at === dirname(at)) return;
  }
}

function untrusted(path: string, why: string): TokenError {
  return new TokenError("storage", `Cannot trust the directory ${safeText(path, 400)}: ${why}`, {
    nextStep: "Put the socket elsewhere: --socket PATH, or set XDG_RUNTIME_DIR",
  });
}

/**
 * The numeric id of a group.
 *
 * @throws {TokenError} `invalid_argument` when there is none of that name
 */
export function groupId(name: string): number {
  if (/^\d+$/.test(name)) return Number(name);
  const line = groupLines(name).find((line) => line.startsWith(`${name}:`));
  const id = Number(line?.split(":")[2]);
  if (line && Number.isInteger(id)) return id;
  throw new TokenError("invalid_argument", `There is no group "${safeText(name, 80)}"`);
}

function groupLines(name: string): string[] {
  try {
    // knows directories of groups beyond the file
    return execFileSync("getent", ["group", "--", name], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    })
      .split("\n");
  } catch {
    return readFileSync("/etc/group", "utf8").split("\n");
  }
}
