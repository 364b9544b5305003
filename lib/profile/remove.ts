/**
 * Forgetting: the sign-in of a profile, or the profile with everything that belongs to it.
 *
 * @module
 */

import { isTokenError } from "../errors.ts";
import { fileStore } from "../host/file_store.ts";
import type { Host } from "../host/host.ts";
import { safeText } from "../safe_text.ts";
import type { Session } from "../session/session.ts";
import { issuerOf } from "./connection.ts";
import type { Profile } from "./profile.ts";
import { defaultProfileName, readProfile, removeDefaultProfile, removeProfile } from "./profile_files.ts";
import { dropKey } from "./key_changes.ts";
import { unregister } from "./register.ts";
import { readableSession, sessionHome } from "./session_home.ts";
import { removeCachedTokens } from "./token_cache.ts";

/** Forgets the sign-in of a profile: its session, its access tokens and the key that they were encrypted with. */
export async function dropSession(host: Host, profile: Pick<Profile, "name" | "protect">): Promise<void> {
  const home = sessionHome(host, profile);
  // a renewal that is under way would bring the session back
  const lock = await home.lock(() => false);
  try {
    await home.remove();
    removeCachedTokens(host, profile.name);
    await dropKey(host, profile.name);
  } finally {
    lock?.release();
  }
}

/**
 * Forgets a profile: its session, its access tokens, its file, in this order, so that a failure leaves something to
 * remove again. A client that this program registered is deleted at the server first. A profile whose file is broken
 * can be forgotten too.
 *
 * @throws {TokenError} `unknown_profile`, `storage`
 */
export async function forget(host: Host, name: string): Promise<void> {
  const profile = profileIfWhole(host, name);
  if (profile) await endRegistration(host, profile, await readableSession(host, profile));
  await dropSession(host, profile ?? { name, protect: { kind: "key-file", path: "" } });
  const wasDefault = isDefault(host, name);
  removeProfile(host, name);
  if (wasDefault) removeDefaultProfile(host);
}

/**
 * Deletes the client of a profile at the server, if this program registered it: what gives access to it is in the
 * session, and goes with that.
 */
export async function endRegistration(host: Host, profile: Profile, session?: Session): Promise<void> {
  if (session?.registration) {
    await unregister(host, await issuerOf(host, profile, session.metadata), session.registration);
  } else if (profile.registered && await hasSession(host, profile)) {
    host.say(
      `The client ${safeText(profile.clientId)} stays registered: what gives access to it cannot be read.`,
    );
  }
}

async function hasSession(host: Host, { name, protect }: Profile): Promise<boolean> {
  if (protect.kind === "memory") return false;
  return await fileStore(`${host.directories.state}/sessions`).read(name) !== undefined;
}

function profileIfWhole(host: Host, name: string): Profile | undefined {
  try {
    return readProfile(host, name);
  } catch (error) {
    if (isTokenError(error) && error.code === "storage") return undefined;
    throw error;
  }
}

function isDefault(host: Host, name: string): boolean {
  try {
    return defaultProfileName(host) === name;
  } catch (error) {
    if (isTokenError(error)) return false;
    throw error;
  }
}
