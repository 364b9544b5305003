/**
 * Keeping what a sign-in has brought: key, session, profile, first access token.
 *
 * @module
 */

import { isTokenError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { createKeyFile } from "../host/key_file.ts";
import type { TokenSet } from "../oauth/token_set.ts";
import type { Session } from "../session/session.ts";
import { cachedToken } from "./cached_token.ts";
import type { Profile } from "./profile.ts";
import { defaultProfileName, profileNames, writeDefaultProfile, writeProfile } from "./profile_files.ts";
import { sessionHome } from "./session_home.ts";
import { removeCachedTokens, writeCachedToken } from "./token_cache.ts";

/** Keeps a sign-in. The first profile of a person becomes the default one. */
export async function saveSignIn(
  host: Host,
  profile: Profile,
  session: Session,
  tokens: TokenSet,
): Promise<void> {
  const isFirst = profileNames(host).length === 0 && defaultProfileName(host) === undefined;
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
    await home.write(session, before?.version);
    writeProfile(host, profile);
    removeCachedTokens(host, profile.name);
    const { refreshToken: _kept, ...token } = tokens;
    const from = { issuer: profile.issuer, profile: profile.name, asked: "" };
    if (token.expiresAt > token.issuedAt) await writeCachedToken(host, profile, cachedToken(token, from));
  } finally {
    lock?.release();
  }
  if (isFirst) writeDefaultProfile(host, profile.name);
}
