/**
 * The profiles of this person: one file each, and which of them is the default.
 *
 * @module
 */

import { readdirSync } from "node:fs";
import { isTokenError, TokenError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { makeWay, readOwnFile } from "../host/own_files.ts";
import { removePrivateFile, writePrivateFileAtomically } from "../host/private_files.ts";
import { checkPrivateRoom } from "../host/room.ts";
import { providerNamed } from "../providers.ts";
import { checkProfileName, isProfileName, parseProfile, type Profile } from "./profile.ts";

/** The longest profile file, in bytes. */
const LIMIT = 64 * 1024;

function directory(host: Host): string {
  return `${host.directories.config}/profiles`;
}

function path(host: Host, name: string): string {
  return `${directory(host)}/${checkProfileName(name)}.json`;
}

/**
 * The profile of that name.
 *
 * @throws {TokenError} `unknown_profile`, with the names that there are; `storage` when its file is broken
 */
export function readProfile(host: Host, name: string): Profile {
  const profile = findProfile(host, name);
  if (profile) return profile;
  const names = profileNames(host);
  const issuer = providerNamed(name) ? "" : " --issuer URL";
  const make = `apex-token login ${name}${issuer} --client-id ID`;
  throw new TokenError("unknown_profile", `There is no profile "${name}"`, {
    nextStep: names.length > 0
      ? `The profiles are: ${names.join(", ")}. Or make it: ${make}`
      : `Make it: ${make}`,
  });
}

/** The profile of that name, if there is one. */
export function findProfile(host: Host, name: string): Profile | undefined {
  const file = path(host, name);
  const bytes = readOwnFile(file, { limit: LIMIT });
  return bytes && parseProfile(new TextDecoder().decode(bytes), { path: file, name });
}

/**
 * Makes sure, before anybody signs in, that a profile can be written in place of the one of that name.
 *
 * @throws {TokenError} `storage` when a link stands there, or what is somebody else's, or when nothing can be written there
 */
export function checkProfilePlace(host: Host, profile: Profile): void {
  if (isWritten(host, profile)) return;
  makeWay(path(host, profile.name));
  checkPrivateRoom(directory(host));
}

/** Whether a profile is there just so: then its file stays as it is, also one that a link leads to. */
function isWritten(host: Host, profile: Profile): boolean {
  try {
    return JSON.stringify(findProfile(host, profile.name)) === JSON.stringify(profile);
  } catch (error) {
    if (isTokenError(error)) return false;
    throw error;
  }
}

/** Writes a profile in place of the one of that name. */
export function writeProfile(host: Host, profile: Profile): void {
  if (isWritten(host, profile)) return;
  makeWay(path(host, profile.name));
  const text = JSON.stringify(profile, undefined, 2) + "\n";
  writePrivateFileAtomically(path(host, profile.name), new TextEncoder().encode(text));
}

/** Forgets a profile. Returns whether there was one. */
export function removeProfile(host: Host, name: string): boolean {
  return removePrivateFile(path(host, name));
}

/** The names of all profiles, sorted. */
export function profileNames(host: Host): string[] {
  try {
    return readdirSync(directory(host))
      .filter((file) => file.endsWith(".json"))
      .map((file) => file.slice(0, -".json".length))
      // what an editor leaves behind has other names
      .filter(isProfileName)
      .sort();
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return [];
    throw new TokenError("storage", `Cannot read the profiles in ${directory(host)}`, {
      nextStep: "Check the permissions of that directory",
    });
  }
}

/** The file that names the default profile, in the configuration directory. */
export const DEFAULT_FILE = "default";

/**
 * The profile that is meant when nobody says: the one that was made the default, or the only one.
 *
 * @throws {TokenError} `storage` when the file that names it holds no name
 */
export function defaultProfileName(host: Host): string | undefined {
  const path = `${host.directories.config}/${DEFAULT_FILE}`;
  const bytes = readOwnFile(path, { limit: 256 });
  const name = bytes && new TextDecoder().decode(bytes).trim();
  if (name && isProfileName(name)) return name;
  if (name) {
    throw new TokenError("storage", `Cannot use ${path}: there is no name of a profile in it`, {
      nextStep: "Delete that file, or write the name of a profile into it",
    });
  }
  const names = profileNames(host);
  return names.length === 1 ? names[0] : undefined;
}

/** Makes a profile the default. */
export function writeDefaultProfile(host: Host, name: string): void {
  const bytes = new TextEncoder().encode(checkProfileName(name) + "\n");
  const path = `${host.directories.config}/${DEFAULT_FILE}`;
  makeWay(path);
  writePrivateFileAtomically(path, bytes);
}

/** No profile is the default any more. */
export function removeDefaultProfile(host: Host): void {
  removePrivateFile(`${host.directories.config}/${DEFAULT_FILE}`);
}
