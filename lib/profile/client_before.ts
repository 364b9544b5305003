/**
 * The client that this program registered for a profile at an earlier sign-in: whether it is still one, and its end.
 *
 * @module
 */

import type { Host } from "../host/host.ts";
import type { Session } from "../session/session.ts";
import { issuerOf } from "./connection.ts";
import type { Profile } from "./profile.ts";
import { findProfile } from "./profile_files.ts";
import { checkRegistration, hasEnded, unregister } from "./register.ts";
import { readableSession } from "./session_home.ts";
import type { SignInRequest } from "./sign_in.ts";

/** A profile that somebody has signed in to, with a client that was registered for it. */
export interface ClientBefore {
  readonly profile: Profile;
  readonly session: Session;
}

/** The registered client of the profile of that name, if there is one. */
export async function clientBefore(host: Host, name: string): Promise<ClientBefore | undefined> {
  const profile = findProfile(host, name);
  const session = profile && await readableSession(host, profile);
  return session?.registration && { profile: profile!, session };
}

/**
 * A client whose secret has ended is no client any more: with `register` a new one is made.
 *
 * @throws {TokenError} `sign_in_required` without
 */
export function withoutEndedClient(
  host: Host,
  request: SignInRequest,
  { session }: ClientBefore,
): SignInRequest {
  const now = host.clock.now() / 1000;
  const { clientId, clientSecret, authentication: _ofTheOldClient, ...rest } = request;
  const isUsed = clientId === session.clientId && clientSecret === session.clientSecret;
  if (!isUsed || !hasEnded(session, now)) return request;
  if (!request.register) checkRegistration(request, session, now);
  return rest;
}

/** Deletes the client of a profile that has another one now, where that can be done. */
export async function unregisterBefore(host: Host, { profile, session }: ClientBefore): Promise<void> {
  await unregister(host, await issuerOf(host, profile, session.metadata), session.registration!);
}
