/**
 * Keeping what a sign-in has brought: key, session, profile, first access token.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { isTokenError, TokenError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { readKeyFile } from "../host/key_file.ts";
import { isPrivateDirectory } from "../host/private_files.ts";
import { checkPrivateRoom, checkRoom } from "../host/room.ts";
import { privateTmpfs } from "../host/private_tmpfs.ts";
import type { TokenSet } from "../oauth/token_set.ts";
import type { Session } from "../session/session.ts";
import { cachedToken } from "./cached_token.ts";
import type { Profile } from "./profile.ts";
import { findProfile, profileNames, writeDefaultProfile, writeProfile } from "./profile_files.ts";
import { dropKey, dropOtherSlots } from "./key_changes.ts";
import { ensureKey, type KeyedProfile, prepareKey } from "./profile_key.ts";
import { sessionHome } from "./session_home.ts";
import { removeCachedTokens, writeCachedToken } from "./token_cache.ts";

/**
 * Makes sure, before anybody signs in, that the key which is to protect the sign-in can be used or made.
 *
 * @throws {TokenError} `key` when there is something else in its place, or when it is locked away
 */
export async function checkProtection(
  host: Host,
  profile: KeyedProfile,
  signal?: AbortSignal,
): Promise<void> {
  const { protect } = profile;
  await prepareKey(host, profile, signal);
  if (protect.kind !== "key-file" || !existsSync(protect.path)) return;
  try {
    readKeyFile(protect.path);
  } catch (error) {
    if (!isTokenError(error) || !error.nextStep?.includes("apex-token login")) throw error;
    const nextStep =
      "Put it back from a backup; or move it away to begin anew, without the sign-ins that it protects";
    throw new TokenError(error.code, error.message, { ...error, nextStep });
  }
}

/**
 * Makes sure, before anybody signs in, that the sign-in can be kept: each directory that is there is private, and none is on a disk
 * that is full or read-only.
 *
 * @throws {TokenError} `storage`
 */
export function checkPlaces(host: Host, { name, protect }: KeyedProfile): void {
  if (protect.kind === "memory") return;
  const { data, state } = host.directories;
  checkPrivateRoom(state);
  for (const kind of ["sessions", "attempts", "tokens", "locks"]) checkPrivateRoom(`${state}/${kind}`);
  for (const kind of ["sessions", "attempts"]) checkPrivateRoom(`${state}/${kind}/${name}`);
  checkPrivateRoom(`${data}/keys`);
  if (protect.kind === "key-file") checkKeyPlace(protect.path);
}

/**
 * Makes sure that a key file is there, or can be made. Nobody is told to close /tmp to others: a key is as well off in a
 * directory of its own.
 *
 * @throws {TokenError} `key` where its directory is not private, `storage` where nothing can be written
 */
export function checkKeyPlace(path: string): void {
  if (existsSync(path)) return;
  const directory = dirname(path);
  try {
    isPrivateDirectory(directory);
  } catch (error) {
    if (!isTokenError(error)) throw error;
    throw new TokenError("key", error.message.replace("Cannot use", "Cannot keep a key in"), {
      nextStep: `Name a directory of its own, which is made: --protect key-file=${
        join(directory, "apex-token", basename(path))
      }`,
    });
  }
  checkRoom(directory);
}

/**
 * Makes sure, before anybody signs in, that bare copies of access tokens can be kept in memory.
 *
 * @throws {TokenError} `storage` where there is no such place or it is not private, `invalid_argument`
 * when nothing is to be kept
 */
export function checkFastCache(host: Host, { protect }: KeyedProfile): void {
  if (protect.kind === "memory") {
    throw new TokenError(
      "invalid_argument",
      "Cannot keep a bare copy of access tokens where nothing is kept",
      {
        nextStep: "Leave --fast-cache or --protect memory out",
      },
    );
  }
  privateTmpfs(host.environment);
}

/** Keeps a sign-in. The first profile of a person becomes the default one. */
export async function saveSignIn(
  host: Host,
  profile: Profile,
  session: Session,
  tokens: TokenSet,
): Promise<void> {
  const isFirst = profileNames(host).length === 0;
  const earlier = profileIfWhole(host, profile.name);
  const home = sessionHome(host, profile);
  const lock = await home.lock(() => false);
  try {
    if (home.kept) await ensureKey(host, profile, earlier);
    const before = await home.read().catch(async (error) => {
      // what no key opens any more is replaced by the sign-in that has just succeeded
      if (!isTokenError(error)) throw error;
      await home.remove();
      return undefined;
    });
    await home.write({ ...learned(session, before?.session), ...session }, before?.version);
    await dropOther(host, profile);
    writeProfile(host, profile);
    if (home.kept) await dropOtherSlots(host, profile);
    removeCachedTokens(host, profile.name);
    const { refreshToken: _kept, ...token } = tokens;
    const from = { issuer: profile.issuer, profile: profile.name, asked: "" };
    if (token.expiresAt > token.issuedAt) await writeCachedToken(host, profile, cachedToken(token, from));
  } finally {
    lock?.release();
  }
  if (isFirst) writeDefaultProfile(host, profile.name);
  if (session.refreshToken !== undefined && profile.protect.kind !== "memory") warnOfNetwork(host);
}

/** What locks processes of one machine out does not do so for those of the next. */
function warnOfNetwork(host: Host): void {
  const name = host.networkFileSystem(host.directories.state);
  if (name === undefined) return;
  host.say(
    `The sign-in is kept on ${name}, which other machines may share. Use it on one of them: two that renew it at the ` +
      "same moment can end it.",
  );
  const runtime = host.environment("XDG_RUNTIME_DIR");
  const place = runtime ? '"$XDG_RUNTIME_DIR"' : "a directory on a local disk";
  host.say(`For a sign-in on each machine: export XDG_STATE_HOME=${place} there, then apex-token login`);
}

/** What stays with a client from one sign-in to the next: its registration, and how the server treats its tokens. */
function learned(session: Session, before?: Session): Pick<Session, "registration" | "rotation"> {
  if (before?.clientId !== session.clientId || before.issuer !== session.issuer) return {};
  const { registration, rotation } = before;
  return { ...registration && { registration }, ...rotation && { rotation } };
}

/** What was kept in files does not outlive the wish to keep nothing. */
async function dropOther(host: Host, { name, protect }: Profile): Promise<void> {
  if (protect.kind !== "memory") return;
  const before = { name, protect: { kind: "key-file", path: "" } } as const;
  await sessionHome(host, before).remove();
  await dropKey(host, name);
}

function profileIfWhole(host: Host, name: string): Profile | undefined {
  try {
    return findProfile(host, name);
  } catch (error) {
    // a broken one is replaced
    if (isTokenError(error)) return undefined;
    throw error;
  }
}
