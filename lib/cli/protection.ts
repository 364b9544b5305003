/**
 * What protects a session: chosen once, recorded in the profile.
 *
 * @module
 */

import { realpathSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { TokenError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { keeperOf } from "../profile/key_slots.ts";
import type { Protection } from "../profile/profile.ts";
import { defaultKeyPath } from "../profile/session_home.ts";

/** What `--protect` can say, for help and messages. */
export const PROTECTIONS = "keyring, key-file, key-file=PATH, passphrase, systemd-creds or memory";

/**
 * The protection that `--protect` names.
 *
 * @throws {TokenError} `invalid_argument` for a word that is none
 */
export function parseProtection(host: Host, text: string): Protection {
  const [kind, path] = split(text);
  if (kind === "key-file" && path !== "") {
    return { kind, path: path === undefined ? defaultKeyPath(host) : outsideOfStore(host, resolve(path)) };
  }
  if (path === undefined && isPlain(kind)) return { kind };
  throw new TokenError("invalid_argument", `Cannot protect a sign-in with "${text}"`, {
    nextStep: `Use --protect ${PROTECTIONS}`,
  });
}

/**
 * A key that lies with what it opens protects nothing: whoever copies the one has the other.
 *
 * @throws {TokenError} `invalid_argument`
 */
function outsideOfStore(host: Host, path: string): string {
  const { state } = host.directories;
  // on macOS and Windows that is one directory, and the standard place is beside the store
  if (path === defaultKeyPath(host) || !isBelow(realPath(path), realPath(state))) return path;
  throw new TokenError("invalid_argument", `Cannot keep the key in ${path}: that is where the sign-ins are`, {
    nextStep: `Use --protect key-file, which keeps it in ${defaultKeyPath(host)}, or name a file elsewhere`,
  });
}

function isBelow(path: string, directory: string): boolean {
  const way = relative(directory, path);
  return way === "" || (!isAbsolute(way) && way !== ".." && !way.startsWith(`..${sep}`));
}

/** Where a path leads, as far as it is there. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path === dirname(path) ? path : join(realPath(dirname(path)), basename(path));
  }
}

const PLAIN = ["keyring", "passphrase", "systemd-creds", "memory"] as const;

function isPlain(kind: string): kind is typeof PLAIN[number] {
  return PLAIN.some((one) => one === kind);
}

function split(text: string): [string, string?] {
  const at = text.indexOf("=");
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

/**
 * Decides once what protects a sign-in: the keyring where one answers; else whoever is at the terminal chooses; else it
 * is the key file, and stderr says so when something is kept.
 *
 * @throws {TokenError} `key` when there is a keyring that is locked, and nobody who could choose something weaker
 */
export async function chooseProtection(host: Host, signal?: AbortSignal): Promise<Protection> {
  const keyFile: Protection = { kind: "key-file", path: defaultKeyPath(host) };
  const keyring = await keeperOf(host, "keyring");
  const state = await keyring.state();
  if (state === "ready") return { kind: "keyring" };
  if (!host.terminal) {
    if (state === "absent") {
      withoutAsking.add(keyFile);
      return keyFile;
    }
    throw new TokenError("key", `Cannot choose what protects the sign-in: ${keyring.title} is locked`, {
      nextStep: "Unlock it and try again, or say it yourself: --protect key-file, --protect passphrase",
    });
  }
  const ways: readonly (readonly [string, Protection])[] = [
    [`encrypted, with the key in a file that only you can read (${keyFile.path})`, keyFile],
    ["encrypted, with a passphrase that you type", { kind: "passphrase" }],
    ...(state === "locked"
      ? [[`encrypted, with the key in ${keyring.title}, which is locked now`, { kind: "keyring" }] as const]
      : []),
    ["not at all: you sign in for each command", { kind: "memory" }],
  ];
  const titles = ways.map(([title]) => title);
  const choice = await host.terminal.choose("How shall the sign-in be kept on this machine?", titles, {
    default: 0,
    signal,
  });
  return ways[choice][1];
}

/** What was chosen for somebody who could not be asked. */
const withoutAsking = new WeakSet<Protection>();

/** Says why a sign-in that has been kept is protected as it is, where nobody chose that. */
export function explainProtection(host: Host, protect: Protection): void {
  if (!withoutAsking.has(protect)) return;
  host.say("No keyring answers here, so the key is in a file (choose with --protect).");
}

/** What protects a sign-in, in words for a person. */
export function protectionWords(protect: Protection): string {
  switch (protect.kind) {
    case "key-file":
      return `the key in ${protect.path}`;
    case "keyring":
      return "the keyring";
    case "passphrase":
      return "a passphrase";
    case "systemd-creds":
      return "systemd-creds, for this user on this machine";
    case "memory":
      return "memory: nothing is kept";
  }
}
