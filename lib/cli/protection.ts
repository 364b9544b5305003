/**
 * What protects a session: chosen once, recorded in the profile.
 *
 * @module
 */

import { resolve } from "node:path";
import { TokenError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import type { Protection } from "../profile/profile.ts";
import { defaultKeyPath } from "../profile/session_home.ts";

/**
 * The protection that `--protect` names.
 *
 * @throws {TokenError} `invalid_argument` for a word that is none, or one that this release cannot do
 */
export function parseProtection(host: Host, text: string): Protection {
  const [kind, path] = split(text);
  if (kind === "key-file") return { kind, path: path ? resolve(path) : defaultKeyPath(host) };
  if (path !== undefined) throw unknown(text);
  if (kind === "memory") return { kind };
  if (kind === "keyring" || kind === "passphrase") {
    throw new TokenError(
      "invalid_argument",
      `Cannot protect a sign-in with --protect ${kind}: this release cannot do that yet`,
      {
        nextStep: "Use --protect key-file, or --protect memory to keep nothing",
      },
    );
  }
  throw unknown(text);
}

function split(text: string): [string, string?] {
  const at = text.indexOf("=");
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function unknown(text: string): TokenError {
  return new TokenError("invalid_argument", `Cannot protect a sign-in with "${text}"`, {
    nextStep: "Use --protect key-file, key-file=PATH or memory",
  });
}

/** Asks once what protects the sign-in; without a terminal it is the key file, and the welcome says so. */
export async function chooseProtection(host: Host, signal?: AbortSignal): Promise<Protection> {
  const keyFile: Protection = { kind: "key-file", path: defaultKeyPath(host) };
  if (!host.terminal) return keyFile;
  const choice = await host.terminal.choose("How shall the sign-in be kept on this machine?", [
    `encrypted, with the key in a file that only you can read (${keyFile.path})`,
    "not at all: you sign in for each command",
  ], { default: 0, signal });
  return choice === 0 ? keyFile : { kind: "memory" };
}
