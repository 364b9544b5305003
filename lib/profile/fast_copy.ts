/**
 * The bare copies of access tokens that `--fast-cache` keeps in memory, for those who cannot wait for a decryption.
 *
 * A copy's name ends in 128 random bits that only the private file in the state directory knows. So whoever reads it by
 * that name need not look at its owner and mode again: the directory was private when it was written, and nobody can
 * put another file under a name that nobody else knows.
 *
 * @module
 */

import { readdirSync } from "node:fs";
import { dirname } from "node:path";
import { toHex } from "../bytes.ts";
import { isTokenError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { readPrivateFile, removePrivateFile, writePrivateFileAtomically } from "../host/private_files.ts";
import { privateTmpfs } from "../host/private_tmpfs.ts";
import { type CachedToken, readBareToken } from "./cached_token.ts";

const LIMIT = 256 * 1024;

/**
 * Writes the bare copy of a token.
 *
 * @param file the name of the encrypted file
 * @returns its path, or nothing where there is no private directory in memory at the moment
 */
export function writeFastCopy(host: Host, file: string, token: CachedToken): string | undefined {
  let directory: string;
  try {
    directory = privateTmpfs(host.environment);
  } catch (error) {
    // it was there at sign-in; a cron job has none, and the encrypted file is always there
    if (isTokenError(error)) return undefined;
    throw error;
  }
  const path = `${directory}/${file}-${toHex(crypto.getRandomValues(new Uint8Array(16)))}`;
  writePrivateFileAtomically(path, new TextEncoder().encode(JSON.stringify(token)));
  return path;
}

/** The token of a copy, if it is there and whole. */
export function readFastCopy(path: string, profile: string): CachedToken | undefined {
  try {
    const bytes = readPrivateFile(path, { limit: LIMIT });
    return bytes && readBareToken(bytes, profile);
  } catch (error) {
    if (isTokenError(error)) return undefined;
    throw error;
  }
}

/** Removes every copy of an encrypted file but one. */
export function removeFastCopies(directory: string, file: string, kept?: string): void {
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch {
    return;
  }
  const isCopy = (name: string) =>
    name.startsWith(`${file}-`) && /^[0-9a-f]{32}$/.test(name.slice(file.length + 1));
  for (const name of names.filter(isCopy)) {
    if (`${directory}/${name}` !== kept) removePrivateFile(`${directory}/${name}`);
  }
}

/** Where the copies of this log-in session are, and where an older one was. */
export function fastCopyDirectories(host: Host, known?: string): string[] {
  const directories = new Set(known === undefined ? [] : [dirname(known)]);
  try {
    directories.add(privateTmpfs(host.environment));
  } catch (error) {
    if (!isTokenError(error)) throw error;
  }
  return [...directories];
}
