/**
 * A source of tokens by a name: that of a profile, or that of an account of oidc-agent.
 *
 * @module
 */

import type { Host } from "../host/host.ts";
import { createHttp } from "../http/http.ts";
import type { Issuer } from "../oauth/issuer.ts";
import { transportOf } from "../profile/connection.ts";
import { isProfileName } from "../profile/profile.ts";
import { findProfile, readProfile } from "../profile/profile_files.ts";
import { profileSource, wishOf } from "../profile/profile_source.ts";
import { chosenName } from "../profile/signed_in.ts";
import { type TokenSource, tokenSource } from "../session/token_source.ts";

/**
 * The tokens of a profile, or of an account where no profile has that name, as `apex-token get` gives them. Nobody is
 * ever asked anything.
 *
 * @throws {TokenError} `unknown_profile`, `sign_in_required` when there is none, `invalid_argument` when several could be meant, `storage`
 */
export async function sourceNamed(host: Host, name?: string): Promise<TokenSource> {
  const chosen = chosenName(host, name);
  const found = isProfileName(chosen) ? findProfile(host, chosen) : undefined;
  if (found) return await profileSource(host, found);
  const { accountAnswer, knowsAccount } = await import("./account_answer.ts");
  if (!await knowsAccount(host, chosen)) return await profileSource(host, readProfile(host, chosen));
  const silent: Host = Object.create(host, { terminal: { value: undefined } });
  return tokenSource(await unreached(host), { clientId: "" }, {
    defaults: {},
    obtain: async (request) => (await accountAnswer(silent, chosen, wishOf(request))).token,
  });
}

/** A source asks its server by the grant alone; of an account only its file or its agent knows which that is. */
async function unreached(host: Host): Promise<Issuer> {
  const http = createHttp(await transportOf(host, {}));
  return { issuer: "", metadata: { issuer: "" }, http, quirks: { enabled: [], report: () => {} } };
}
