/**
 * The access tokens of a profile that are still good, in small files.
 *
 * @module
 */

import { lstatSync, readdirSync } from "node:fs";
import { isTokenError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { readKeyFile } from "../host/key_file.ts";
import { readPrivateFile, removePrivateFile, writePrivateFileAtomically } from "../host/private_files.ts";
import {
  type CachedToken,
  cachedTokenName,
  encodeCachedToken,
  openCachedToken,
  splitCachedToken,
} from "./cached_token.ts";
import type { Profile } from "./profile.ts";
import { processMemory } from "./_process_memory.ts";
import { cacheDirectory } from "./session_home.ts";

/** The longest file, in bytes: an access token and an ID token of 64 KiB each, sealed. */
const LIMIT = 256 * 1024;

/**
 * The cached token for what was asked, if there is one that opens. A broken file is no loss: the token is fetched
 * again and the file replaced.
 */
export async function readCachedToken(
  host: Host,
  profile: Profile,
  asked: string,
): Promise<CachedToken | undefined> {
  const name = cachedTokenName(profile.name, asked);
  if (profile.protect.kind === "memory") return processMemory(host).tokens.get(name);
  const path = `${cacheDirectory(host)}/${name}`;
  try {
    const bytes = readPrivateFile(path, { limit: LIMIT });
    const parts = bytes && splitCachedToken(bytes);
    if (!parts || parts.header.key !== profile.protect.path) return undefined;
    return await openCachedToken(parts.sealed, readKeyFile(profile.protect.path), profile.name, asked);
  } catch (error) {
    // a missing key is not this file's fault: the session needs it too, and says so
    if (isTokenError(error)) return undefined;
    throw error;
  }
}

/** Something that changes when the cached token does, and costs less than to read it. */
export function cachedTokenMark(host: Host, profile: Profile, asked: string): unknown {
  const name = cachedTokenName(profile.name, asked);
  if (profile.protect.kind === "memory") return processMemory(host).tokens.get(name);
  try {
    const { ino, mtimeMs, size } = lstatSync(`${cacheDirectory(host)}/${name}`);
    return `${ino} ${mtimeMs} ${size}`;
  } catch {
    // it is not there, or whoever reads it will say why not
    return undefined;
  }
}

/** Keeps a token for the next one who asks the same. */
export async function writeCachedToken(host: Host, profile: Profile, token: CachedToken): Promise<void> {
  const name = cachedTokenName(profile.name, token.asked);
  if (profile.protect.kind === "memory") return void processMemory(host).tokens.set(name, token);
  const { path } = profile.protect;
  const bytes = await encodeCachedToken(token, readKeyFile(path), path);
  writePrivateFileAtomically(`${cacheDirectory(host)}/${name}`, bytes);
}

/** Forgets every access token of a profile. */
export function removeCachedTokens(host: Host, profile: string): void {
  const directory = cacheDirectory(host);
  const { tokens } = processMemory(host);
  const isOurs = (name: string) => name === `${profile}.token` || name.startsWith(`${profile}@`);
  for (const name of [...tokens.keys()].filter(isOurs)) tokens.delete(name);
  for (const name of filesOf(directory).filter(isOurs)) removePrivateFile(`${directory}/${name}`);
}

function filesOf(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
