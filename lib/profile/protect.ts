/**
 * Changing what protects a sign-in, without a new one.
 *
 * Both ways open the key until everything is in its new place, so that a crash at any step loses nothing; doing it again
 * finishes it.
 *
 * @module
 */

import { isTokenError, TokenError } from "../errors.ts";
import { fileStore } from "../host/file_store.ts";
import type { Host } from "../host/host.ts";
import { newPassphrase } from "./passphrase.ts";
import type { Profile, Protection } from "./profile.ts";
import { readProfile, writeProfile } from "./profile_files.ts";
import { addSlot, dropOtherSlots } from "./key_changes.ts";
import { openKey, prepareKey } from "./profile_key.ts";
import { checkKeyPlace } from "./save_sign_in.ts";
import { sessionHome } from "./session_home.ts";
import { sealCachedTokensAnew } from "./token_cache.ts";

/**
 * Protects the sign-in of a profile in another way: the master key stays, what opens it changes.
 *
 * @throws {TokenError} `key` when the key cannot be opened as it is protected now, or not be kept in the new way;
 * `invalid_argument` when nothing is kept now or would be kept then; `sign_in_required`; `storage`
 */
export async function protectOtherwise(
  host: Host,
  { name }: Pick<Profile, "name">,
  protect: Protection,
  signal?: AbortSignal,
): Promise<void> {
  const before = readProfile(host, name);
  if (protect.kind === "memory" || before.protect.kind === "memory") {
    const message = protect.kind === "memory"
      ? `Cannot keep the sign-in of "${name}" in memory alone: it would be lost`
      : `"${name}" keeps no sign-in that could be protected`;
    const nextStep = `Sign in again: apex-token login ${name} --protect ${protect.kind}`;
    throw new TokenError("invalid_argument", message, { nextStep });
  }
  if (!await fileStore(`${host.directories.state}/sessions`).read(name)) {
    throw new TokenError("sign_in_required", `"${name}" is not signed in`, {
      nextStep: `Sign in that way: apex-token login ${name} --protect ${protect.kind}`,
    });
  }
  // who has to be asked is asked while nobody waits for the lock
  await openKey(host, before, { signal });
  const passphrase = protect.kind === "passphrase" ? await newPassphrase(host, name, signal) : undefined;
  if (passphrase === undefined) await prepareKey(host, { name, protect }, signal);
  if (protect.kind === "key-file") checkKeyPlace(protect.path);
  const home = sessionHome(host, before);
  const lock = await home.lock(() => false, signal);
  try {
    const profile = { ...readProfile(host, name), protect };
    await addSlot(host, before, protect, passphrase);
    writeProfile(host, profile);
    await sealCachedTokensAnew(host, profile).catch(unlessExpected(host));
    await dropOtherSlots(host, profile);
  } finally {
    lock?.release();
  }
}

/** A cached token that is lost is fetched again. */
function unlessExpected(host: Host): (error: unknown) => void {
  return (error) => {
    if (!isTokenError(error)) throw error;
    host.say(`The cached token is not kept: ${error.message}.`);
  };
}
