/**
 * `apex-token userinfo`: what the server says about the person (OpenID Connect Core 1.0 section 5.3).
 *
 * @module
 */

import type { Host } from "../../host/host.ts";
import { userInfo } from "../../oauth/user_info.ts";
import { profileToken } from "../../profile/profile_token.ts";
import { chooseProfile, signedIn } from "../../profile/signed_in.ts";
import { escapeControls } from "../output/json.ts";

/** Prints the server's answer as JSON. */
export async function userinfo(host: Host, name: string | undefined): Promise<void> {
  const { signal, dispose } = host.interrupt();
  try {
    const profile = chooseProfile(host, name);
    const { issuer, client, session } = await signedIn(host, profile);
    const { accessToken } = await profileToken(host, profile, { signal });
    const answer = await userInfo(issuer, client, accessToken, { subject: session.claims?.sub, signal });
    host.answer(escapeControls(JSON.stringify(answer)) + "\n");
  } finally {
    dispose();
  }
}
