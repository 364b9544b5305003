/**
 * `apex-token revoke`: a token is no longer needed (RFC 7009).
 *
 * @module
 */

import type { Host } from "../../host/host.ts";
import { revokeToken } from "../../oauth/revocation.ts";
import { readCachedToken, removeCachedTokens } from "../../profile/token_cache.ts";
import { chooseProfile, signedIn } from "../../profile/signed_in.ts";
import { readToken } from "../token_input.ts";

/** The options of `revoke`. */
export interface RevokeCommand {
  readonly tokenFile?: string;
}

/** Revokes the token that is handed in, or the access token of the profile. The sign-in itself stays: see `logout`. */
export async function revoke(
  host: Host,
  name: string | undefined,
  { tokenFile }: RevokeCommand,
): Promise<void> {
  const { signal, dispose } = host.interrupt();
  try {
    const profile = chooseProfile(host, name);
    const { issuer, client } = await signedIn(host, profile);
    if (tokenFile !== undefined) {
      await revokeToken(issuer, client, await readToken(host, tokenFile), { signal });
      return host.say("The token has been revoked.");
    }
    const token = await readCachedToken(host, profile, "");
    if (!token) {
      return host.say(`"${profile.name}" has no access token at the moment: there is nothing to revoke.`);
    }
    // the copy here goes in any case: what the server could not be told is no use to anybody either
    removeCachedTokens(host, profile.name);
    await revokeToken(issuer, client, token.accessToken, { hint: "access_token", signal });
    host.say(
      `The access token of "${profile.name}" has been revoked; the sign-in stays (apex-token logout ends it).`,
    );
  } finally {
    dispose();
  }
}
