/**
 * The sign-in dialogue of a terminal, in plain English.
 *
 * @module
 */

import { TokenError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import type { Terminal } from "../host/terminal.ts";
import type { Profile } from "../profile/profile.ts";
import { signIn, type SignInRequest, type SignInResult } from "../profile/sign_in.ts";
import { type Provider, providerNamed, providerOf, providers } from "../providers.ts";
import { chooseProtection } from "./protection.ts";
import { celebrate } from "./welcome.ts";

/** Asks where to sign in and as which client, signs in, and says what comes next. */
export async function askAndSignIn(host: Host, signal?: AbortSignal): Promise<SignInResult> {
  const terminal = terminalOf(host);
  const { name, issuer } = await askIssuer(terminal, signal);
  const clientId = await askClientId(host, issuer, signal);
  const protect = await chooseProtection(host, signal);
  const result = await signIn(host, { name, issuer, clientId, protect, signal });
  celebrate(host, result);
  return result;
}

/** Signs in again with what the profile remembers. */
export async function signInAgain(host: Host, profile: Profile, signal?: AbortSignal): Promise<SignInResult> {
  const result = await signIn(host, {
    ...requestOf(profile),
    password: passwordPrompt(host, signal),
    signal,
  });
  celebrate(host, result);
  return result;
}

/** The sign-in that made a profile, to be done again. */
export function requestOf(profile: Profile): SignInRequest {
  const { name, issuer, clientId, scope, flow, secretFile, redirectUri, protect, username, caFile } = profile;
  const { allowInsecureLoopback } = profile;
  return {
    name,
    issuer,
    clientId,
    scope,
    flow,
    secretFile,
    redirectUri,
    protect,
    username,
    caFile,
    allowInsecureLoopback,
  };
}

/** Where a person who is asked wants to sign in. */
export async function askIssuer(
  terminal: Terminal,
  signal?: AbortSignal,
): Promise<{ name: string; issuer: string }> {
  const titles = [
    ...providers.map(({ title, issuer }) => `${title} (${issuer})`),
    "another issuer, by its URL",
  ];
  const choice = await terminal.choose("Where do you want to sign in?", titles, { default: 0, signal });
  const provider = providers[choice];
  if (provider) return { name: provider.name, issuer: provider.name };
  const issuer = await terminal.ask("The issuer's URL", { signal });
  return { name: URL.canParse(issuer) ? new URL(issuer).hostname : "profile", issuer };
}

/**
 * The client id that a person gives, or the preset's own.
 *
 * @throws {TokenError} `invalid_argument` without a terminal
 */
export async function askClientId(host: Host, issuer: string, signal?: AbortSignal): Promise<string> {
  const provider: Provider = providerNamed(issuer) ?? providerOf(issuer);
  if (!host.terminal) {
    if (provider.clientId) return provider.clientId;
    throw new TokenError("invalid_argument", `A client id is needed: ${provider.clientHint}`, {
      nextStep: "Give it with --client-id ID",
    });
  }
  host.say(`Which client are you? A client id is needed: ${provider.clientHint}.`);
  return await host.terminal.ask("Client id", { default: provider.clientId, signal });
}

/** Asks for a password when it is needed. */
export function passwordPrompt(host: Host, signal?: AbortSignal): () => Promise<string> {
  return async () => {
    if (!host.terminal) {
      throw new TokenError("invalid_argument", "A password is needed and nobody can be asked here", {
        nextStep: "Give it with --password-file FILE, or - for standard input",
      });
    }
    return await host.terminal.askSecret("Password (it is sent once and not kept)", { signal });
  };
}

function terminalOf(host: Host): Terminal {
  if (host.terminal) return host.terminal;
  throw new TokenError("sign_in_required", "Nobody can be asked here: this is not a terminal", {
    nextStep: "Run: apex-token login NAME --issuer URL --client-id ID",
  });
}
