/**
 * The access tokens of a profile that are still good, in small files.
 *
 * @module
 */

import { readdirSync } from "node:fs";
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
  if (profile.protect.kind === "memory") return undefined;
  const path = `${cacheDirectory(host)}/${cachedTokenName(profile.name, asked)}`;
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

/** Keeps a token for the next one who asks the same. */
export async function writeCachedToken(host: Host, profile: Profile, token: CachedToken): Promise<void> {
  if (profile.protect.kind === "memory") return;
  const { path } = profile.protect;
  const bytes = await encodeCachedToken(token, readKeyFile(path), path);
  writePrivateFileAtomically(`${cacheDirectory(host)}/${cachedTokenName(profile.name, token.asked)}`, bytes);
}

/** Forgets every access token of a profile. */
export function removeCachedTokens(host: Host, profile: string): void {
  const directory = cacheDirectory(host);
  for (const file of filesOf(directory)) {
    if (file === `${profile}.token` || file.startsWith(`${profile}@`)) {
      removePrivateFile(`${directory}/${file}`);
    }
  }
}

function filesOf(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
