/**
 * Keeping what a sign-in has brought: key, session, profile, first access token.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { isTokenError, TokenError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { createKeyFile, readKeyFile } from "../host/key_file.ts";
import type { TokenSet } from "../oauth/token_set.ts";
import type { Session } from "../session/session.ts";
import { cachedToken } from "./cached_token.ts";
import type { Profile, Protection } from "./profile.ts";
import { profileNames, writeDefaultProfile, writeProfile } from "./profile_files.ts";
import { sessionHome } from "./session_home.ts";
import { removeCachedTokens, writeCachedToken } from "./token_cache.ts";

/**
 * Makes sure, before anybody signs in, that the key which is to protect the sign-in can be used or made.
 *
 * @throws {TokenError} `key` when there is something else in its place
 */
export function checkProtection(protect: Protection): void {
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

/** Keeps a sign-in. The first profile of a person becomes the default one. */
export async function saveSignIn(
  host: Host,
  profile: Profile,
  session: Session,
  tokens: TokenSet,
): Promise<void> {
  const isFirst = profileNames(host).length === 0;
  if (profile.protect.kind === "key-file") await createKeyFile(profile.protect.path);
  const home = sessionHome(host, profile);
  const lock = await home.lock(() => false);
  try {
    const before = await home.read().catch(async (error) => {
      // what no key opens any more is replaced by the sign-in that has just succeeded
      if (!isTokenError(error)) throw error;
      await home.remove();
      return undefined;
    });
    await home.write({ ...learned(session, before?.session), ...session }, before?.version);
    await dropOther(host, profile);
    writeProfile(host, profile);
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
}
