/**
 * A profile with its session, issuer and client, for commands that speak to the server about it.
 *
 * @module
 */

import { TokenError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import type { Client } from "../oauth/client.ts";
import type { Issuer } from "../oauth/issuer.ts";
import type { Session } from "../session/session.ts";
import { clientOf } from "./client_of.ts";
import { issuerOf } from "./connection.ts";
import type { Profile } from "./profile.ts";
import { defaultProfileName, profileNames, readProfile } from "./profile_files.ts";
import { sessionHome } from "./session_home.ts";

/** A profile that somebody has signed in to. */
export interface SignedIn {
  readonly profile: Profile;
  readonly session: Session;
  readonly issuer: Issuer;
  readonly client: Client;
}

/**
 * The profile that is meant: the one that is named, `APEX_TOKEN_PROFILE`, the default or the only one.
 *
 * @throws {TokenError} `unknown_profile`; as `chosenName`
 */
export function chooseProfile(host: Host, name?: string): Profile {
  return readProfile(host, chosenName(host, name));
}

/**
 * The name of the profile that is meant, whether or not there is one.
 *
 * @throws {TokenError} `sign_in_required` when there is no profile, `invalid_argument` when there are several and none is
 * the default
 */
export function chosenName(host: Host, name?: string): string {
  const chosen = name ?? host.environment("APEX_TOKEN_PROFILE") ?? defaultProfileName(host);
  if (chosen !== undefined) return chosen;
  const names = profileNames(host);
  if (names.length === 0) {
    throw new TokenError("sign_in_required", "Nobody has signed in here yet", {
      nextStep: "Run: apex-token login NAME --issuer URL --client-id ID",
    });
  }
  throw new TokenError("invalid_argument", "There are several profiles and none is the default", {
    nextStep: `Name one: ${names.join(", ")}`,
  });
}

/**
 * A profile with what its session holds.
 *
 * @throws {TokenError} `sign_in_required` when nobody has signed in; `key`, `storage`
 */
export async function signedIn(host: Host, profile: Profile): Promise<SignedIn> {
  const kept = await sessionHome(host, profile).read();
  if (!kept) {
    throw new TokenError("sign_in_required", `"${profile.name}" is not signed in`, {
      nextStep: `Run: apex-token login ${profile.name}`,
    });
  }
  const { session } = kept;
  const issuer = await issuerOf(host, profile, session.metadata);
  return { profile, session, issuer, client: await clientOf(profile, session) };
}
