/**
 * What is said after a sign-in: who you are, how long it lasts, which command comes next.
 *
 * @module
 */

import type { Host } from "../host/host.ts";
import type { SignInResult } from "../profile/sign_in.ts";
import { safeText } from "../safe_text.ts";
import { person } from "./person.ts";
import { explainProtection, protectionWords } from "./protection.ts";
import { duration } from "./times.ts";

/** Says on stderr what a sign-in has brought. */
export function celebrate(host: Host, { profile, session, tokens, provider }: SignInResult): void {
  explainProtection(host, profile.protect);
  const who = session.claims ? person(session.claims) : `the client ${safeText(profile.clientId, 80)}`;
  const where = provider.issuer ? provider.title : new URL(profile.issuer).host;
  const lines = [`Signed in to ${safeText(where, 80)} as ${who}.`];
  if (tokens.scope) lines.push(`Granted: ${safeText(tokens.scope, 400)}.`);
  const { protect } = profile;
  if (protect.kind !== "memory" || profile.flow === "client-credentials") {
    lines.push(lasting(host, { profile, session, tokens }));
  }
  if (protect.kind !== "memory") {
    const key = protect.kind === "key-file"
      ? `its key is in ${safeText(protect.path, 1000)}`
      : protect.kind === "passphrase"
      ? "its key needs your passphrase"
      : `its key is kept by ${protectionWords(protect)}`;
    lines.push(`The sign-in is kept encrypted as "${profile.name}"; ${key} (--protect ${protect.kind}).`);
  } else {
    lines.push(
      `The profile "${profile.name}" is kept, the sign-in is not: each command asks for it (--protect memory).`,
    );
  }
  lines.push("", `Next: apex-token get ${profile.name}`);
  host.say(lines.join("\n"));
}

function lasting(
  host: Host,
  { profile, session, tokens }: Pick<SignInResult, "profile" | "session" | "tokens">,
): string {
  const now = host.clock.now() / 1000;
  if (profile.flow === "client-credentials") {
    return "New tokens are fetched with the client's secret whenever they are needed.";
  }
  if (!session.refreshToken) {
    return `The server gave no refresh token: the sign-in lasts ${duration(tokens.expiresAt - now)}.`;
  }
  if (session.refreshExpiresAt) {
    return `The sign-in lasts ${duration(session.refreshExpiresAt - now)}, and longer each time it is used.`;
  }
  const offline = tokens.scope?.split(" ").includes("offline_access");
  return offline
    ? "The sign-in lasts until the server ends it; tokens are renewed by themselves."
    : "Tokens are renewed by themselves for as long as the server's session lasts.";
}
