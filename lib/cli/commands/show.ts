/**
 * `apex-token show NAME`: what a profile is and how it stands. Never a secret.
 *
 * @module
 */

import { isTokenError } from "../../errors.ts";
import type { Host } from "../../host/host.ts";
import type { Profile } from "../../profile/profile.ts";
import { readProfile } from "../../profile/profile_files.ts";
import { sessionHome } from "../../profile/session_home.ts";
import { readCachedToken } from "../../profile/token_cache.ts";
import { safeText } from "../../safe_text.ts";
import type { Session } from "../../session/session.ts";
import { escapeControls } from "../output/json.ts";
import { person } from "../person.ts";
import { protectionWords } from "../protection.ts";
import { duration, timestamp } from "../times.ts";

/** Shows one profile. Its session is shown as far as it can be opened; what hinders that is said. */
export async function show(host: Host, name: string, { json }: { readonly json?: boolean }): Promise<void> {
  const profile = readProfile(host, name);
  const { session, hindrance } = await sessionOf(host, profile);
  const token = await readCachedToken(host, profile, "");
  const facts = factsOf(profile, session, token?.expiresAt);
  if (hindrance) host.say(hindrance);
  if (json) return host.answer(escapeControls(JSON.stringify({ format_version: 1, ...facts })) + "\n");
  const now = host.clock.now() / 1000;
  const rows: [string, string | undefined][] = [
    ["profile", profile.name],
    ["issuer", profile.issuer],
    ["client", `${profile.clientId} (${words(profile.authentication)})`],
    ["signed in as", session?.claims && person(session.claims)],
    ["signed in", session && timestamp(session.signedInAt)],
    ["flow", profile.flow],
    ["scopes", facts.scope ?? undefined],
    ["access token", token && expiry(token.expiresAt, now)],
    ["sign-in ends", session?.refreshExpiresAt ? expiry(session.refreshExpiresAt, now) : undefined],
    ["renewed by", session && renewal(profile, session)],
    ["protected by", protectionWords(profile.protect)],
    ["secret from", profile.secretFile ?? profile.privateKeyFile ?? profile.assertionFile],
  ];
  const lines = rows.filter(([, value]) => value).map(([label, value]) =>
    `${(label + ":").padEnd(14)} ${safeText(value!, 1000)}`
  );
  host.answer(lines.join("\n") + "\n");
}

async function sessionOf(host: Host, profile: Profile): Promise<{ session?: Session; hindrance?: string }> {
  try {
    return { session: (await sessionHome(host, profile).read())?.session };
  } catch (error) {
    if (!isTokenError(error)) throw error;
    return { hindrance: `${error.message}. ${error.nextStep ?? ""}` };
  }
}

function factsOf(profile: Profile, session: Session | undefined, tokenExpiresAt: number | undefined) {
  return {
    name: profile.name,
    issuer: profile.issuer,
    client_id: profile.clientId,
    client_authentication: profile.authentication,
    flow: profile.flow,
    scope: session?.scope ?? profile.scope ?? null,
    subject: session?.claims?.sub ?? null,
    signed_in_at: session?.signedInAt ?? null,
    access_token_expires_at: tokenExpiresAt ?? null,
    sign_in_expires_at: session?.refreshExpiresAt ?? null,
    renewable: session !== undefined && !session.dead &&
      (session.refreshToken !== undefined || profile.flow === "client-credentials"),
    protect: profile.protect.kind,
  };
}

function words(authentication: Profile["authentication"]): string {
  return authentication === "none" ? "public, without a secret" : authentication;
}

function expiry(at: number, now: number): string {
  return at > now ? `until ${timestamp(at)}, ${duration(at - now)}` : `ended ${timestamp(at)}`;
}

function renewal(profile: Profile, session: Session): string {
  if (profile.flow === "client-credentials") return "the client's own secret";
  if (session.dead) return "a new sign-in: the server has ended this one";
  return session.refreshToken ? "a refresh token" : "a new sign-in: there is no refresh token";
}
