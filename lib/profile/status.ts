/**
 * How the sign-in of a profile stands, as far as that can be seen without asking anybody.
 *
 * @module
 */

import { isTokenError, type TokenError } from "../errors.ts";
import { fileStore } from "../host/file_store.ts";
import type { Host } from "../host/host.ts";
import type { Session } from "../session/session.ts";
import { type CachedToken, cachedTokenName } from "./cached_token.ts";
import { keyRecordPath, readKeyRecord } from "./key_record.ts";
import { isSlotOf, keeperOf } from "./key_slots.ts";
import type { Profile } from "./profile.ts";
import { openKey } from "./profile_key.ts";
import { sessionHome } from "./session_home.ts";
import { fastCopyOf, readCachedToken } from "./token_cache.ts";

/**
 * `signed_in`, `signed_out`; `ended` when the server has said so; `locked` when somebody has to unlock the key first; `unusable` when the key or a file is
 * lost or broken.
 */
export type SignInState = "signed_in" | "signed_out" | "ended" | "locked" | "unusable";

/** How a sign-in stands. */
export interface SignInStatus {
  readonly state: SignInState;
  /** Absent unless the key is open. */
  readonly session?: Session;
  /** The access token that a plain `get` would find: its times alone. */
  readonly token?: Pick<CachedToken, "expiresAt" | "softAt" | "scope">;
  /** What is wrong where the state is `unusable`. */
  readonly problem?: TokenError;
  /** The files and directories of the sign-in. */
  readonly keptIn: readonly string[];
  /** What opens the key besides what the profile says: a change of the protection did not end well. */
  readonly alsoOpenedBy: readonly string[];
  /** The bare copy of the access token, where there is one. */
  readonly fastCopy?: string;
}

/**
 * How the sign-in of a profile stands. Nobody is asked for anything.
 */
export async function signInStatus(host: Host, profile: Profile): Promise<SignInStatus> {
  if (profile.protect.kind === "memory") return { state: "signed_out", keptIn: [], alsoOpenedBy: [] };
  const { name } = profile;
  const fastCopy = fastCopyOf(host, cachedTokenName(name, ""));
  const places = {
    keptIn: [`${host.directories.state}/sessions/${name}`, keyRecordPath(host, name)],
    ...(fastCopy === undefined ? {} : { fastCopy }),
  };
  try {
    if (!await fileStore(`${host.directories.state}/sessions`).read(name)) {
      return { state: "signed_out", ...places, alsoOpenedBy: [] };
    }
    const record = await readKeyRecord(host, name);
    const alsoOpenedBy = (record?.slots ?? []).filter((slot) => !isSlotOf(slot, profile.protect))
      .map(({ kind }) => kind);
    const key = await openKey(host, profile, { ask: false }).catch(unlessLocked(host, profile));
    const found = await readCachedToken(host, profile, "", { ask: false });
    const token = found && { expiresAt: found.expiresAt, softAt: found.softAt, scope: found.scope };
    if (!key) return { state: "locked", ...places, alsoOpenedBy, token };
    const session = (await sessionHome(host, profile, { ask: false }).read())?.session;
    const state = !session ? "signed_out" : session.dead ? "ended" : "signed_in";
    return { state, ...places, alsoOpenedBy, session, token };
  } catch (error) {
    if (!isTokenError(error)) throw error;
    return { state: "unusable", ...places, alsoOpenedBy: [], problem: error };
  }
}

/** A key that only has to be unlocked is not a broken one. */
function unlessLocked(host: Host, { protect }: Profile): (error: unknown) => Promise<undefined> {
  return async (error) => {
    if (!isTokenError(error) || error.code !== "key") throw error;
    const isLocked = protect.kind === "passphrase" ||
      protect.kind === "keyring" && await (await keeperOf(host, "keyring")).state() === "locked";
    if (!isLocked) throw error;
    return undefined;
  };
}
