/**
 * The access tokens of a profile that are still good, in small files.
 *
 * @module
 */

import { lstatSync, readdirSync } from "node:fs";
import { isTokenError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { readKeyFile } from "../host/key_file.ts";
import { openKey, type OpenKeyOptions } from "./profile_key.ts";
import { readPrivateFile, removePrivateFile, writePrivateFileAtomically } from "../host/private_files.ts";
import {
  type CachedToken,
  cachedTokenName,
  encodeCachedToken,
  openCachedTokenFile,
  splitCachedToken,
} from "./cached_token.ts";
import type { Profile } from "./profile.ts";
import { fastCopyDirectories, readFastCopy, removeFastCopies, writeFastCopy } from "./fast_copy.ts";
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
  options: OpenKeyOptions = {},
): Promise<CachedToken | undefined> {
  const name = cachedTokenName(profile.name, asked);
  if (profile.protect.kind === "memory") return processMemory(host).tokens.get(name);
  try {
    const token = await readNamed(host, profile, name, options);
    return token?.asked === asked ? token : undefined;
  } catch (error) {
    // a missing key is not this file's fault: the session needs it too, and says so
    if (isTokenError(error)) return undefined;
    throw error;
  }
}

async function readNamed(
  host: Host,
  profile: Profile,
  name: string,
  options: OpenKeyOptions = {},
): Promise<CachedToken | undefined> {
  const bytes = readPrivateFile(`${cacheDirectory(host)}/${name}`, { limit: LIMIT });
  const parts = bytes && splitCachedToken(bytes);
  if (!parts) return undefined;
  // as the file says: for a moment, what protects the profile may be another thing already
  const { key, fast } = parts.header;
  const copy = fast === undefined ? undefined : readFastCopy(fast, profile.name);
  if (copy) return copy;
  const opened = key === undefined ? await openKey(host, profile, options) : readKeyFile(key);
  return await openCachedTokenFile(parts.sealed, opened, profile.name, name);
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
  // under the key file's own key, which the quick way reads; a key that takes longer to open than that is the profile's
  const path = profile.protect.kind === "key-file" ? profile.protect.path : undefined;
  const key = path === undefined ? await openKey(host, profile) : readKeyFile(path);
  const fast = profile.fastCache ? writeFastCopy(host, name, token) : undefined;
  const places = { ...(path === undefined ? {} : { key: path }), ...(fast === undefined ? {} : { fast }) };
  const before = fastCopyOf(host, name);
  writePrivateFileAtomically(`${cacheDirectory(host)}/${name}`, await encodeCachedToken(token, key, places));
  for (const directory of fastCopyDirectories(host, before)) removeFastCopies(directory, name, fast);
}

/** Where the bare copy of a cached token is, if it has one; `name` is that of its file. */
export function fastCopyOf(host: Host, name: string): string | undefined {
  try {
    const bytes = readPrivateFile(`${cacheDirectory(host)}/${name}`, { limit: LIMIT });
    return bytes && splitCachedToken(bytes)?.header.fast;
  } catch (error) {
    if (isTokenError(error)) return undefined;
    throw error;
  }
}

/** Encrypts what is kept of a profile's access tokens with what protects it now. */
export async function sealCachedTokensAnew(host: Host, profile: Profile): Promise<void> {
  for (const name of filesOf(cacheDirectory(host)).filter(isOf(profile.name))) {
    const token = await readNamed(host, profile, name).catch((error) => {
      // one that does not open is no use to anybody
      if (isTokenError(error)) return undefined;
      throw error;
    });
    if (token) await writeCachedToken(host, profile, token);
  }
}

/** Forgets every access token of a profile. */
export function removeCachedTokens(host: Host, profile: string): void {
  const directory = cacheDirectory(host);
  const { tokens } = processMemory(host);
  const isOurs = isOf(profile);
  for (const name of [...tokens.keys()].filter(isOurs)) tokens.delete(name);
  for (const name of filesOf(directory).filter(isOurs)) {
    for (const place of fastCopyDirectories(host, fastCopyOf(host, name))) removeFastCopies(place, name);
    removePrivateFile(`${directory}/${name}`);
  }
}

function isOf(profile: string): (name: string) => boolean {
  return (name) => name === `${profile}.token` || name.startsWith(`${profile}@`);
}

function filesOf(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
