/**
 * The sign-in dialogue of a terminal, in plain English.
 *
 * @module
 */

import { TokenError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import type { Terminal } from "../host/terminal.ts";
import { isProfileName, type Profile } from "../profile/profile.ts";
import { profileNames } from "../profile/profile_files.ts";
import { signIn, type SignInRequest, type SignInResult } from "../profile/sign_in.ts";
import { type Flow, type Provider, providerNamed, providerOf, providers } from "../providers.ts";
import { chooseProtection } from "./protection.ts";
import { keptSecret, passwordFrom } from "./secret_input.ts";
import { celebrate } from "./welcome.ts";

/** How a server is reached, where the command line says more than the dialogue asks. */
export type Reach = Pick<SignInRequest, "caFile" | "allowInsecureLoopback">;

/**
 * Asks where to sign in, as which client and how; signs in, and says what comes next.
 *
 * @throws {TokenError} `sign_in_required` without a terminal
 */
export async function askAndSignIn(
  host: Host,
  reach: Reach = {},
  signal?: AbortSignal,
): Promise<SignInResult> {
  const terminal = terminalOf(host);
  const { name: suggested, issuer } = await askIssuer(host, signal);
  const clientId = await askClientId(host, issuer, signal);
  const how = await askFlow(terminal, signal);
  const protect = await chooseProtection(host, signal);
  const name = await askName(host, suggested, signal);
  const result = await signIn(host, { ...reach, ...how, name, issuer, clientId, protect, signal });
  celebrate(host, result);
  return result;
}

/** Signs in again with what the profile remembers. */
export async function signInAgain(host: Host, profile: Profile, signal?: AbortSignal): Promise<SignInResult> {
  const result = await signIn(host, {
    ...requestOf(profile),
    clientSecret: await keptSecret(host, profile),
    password: passwordFrom(host, undefined, signal),
    signal,
  });
  celebrate(host, result);
  return result;
}

/** The sign-in that made a profile, to be done again. */
export function requestOf(profile: Profile): SignInRequest {
  const { format: _format, audience: _audience, quirks: _quirks, ...request } = profile;
  return request;
}

/**
 * Where a person who is asked wants to sign in.
 *
 * @returns an issuer or the name of a preset, and a name for a profile of it
 * @throws {TokenError} `sign_in_required` without a terminal
 */
export async function askIssuer(
  host: Host,
  signal?: AbortSignal,
): Promise<{ name: string; issuer: string }> {
  const titles = [
    ...providers.map(({ title, issuer }) => `${title} (${issuer})`),
    "another issuer, by its URL",
  ];
  const choice = await terminalOf(host).choose("Where do you want to sign in?", titles, {
    default: 0,
    signal,
  });
  const provider = providers[choice];
  if (provider) return { name: provider.name, issuer: provider.name };
  const issuer = await askUntil(host, "The issuer's URL", { signal }, (text) => {
    if (/^https?:\/\/./i.test(text) && URL.canParse(text)) return undefined;
    return "Please give the whole URL, with the https:// in front.";
  });
  const name = new URL(issuer).hostname.replace(/[^A-Za-z0-9._-]/g, "").slice(0, 60);
  return { name: isProfileName(name) ? name : "profile", issuer };
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
  const options = { default: provider.clientId, signal };
  return await askUntil(host, "Client id", options, (text) => text ? undefined : "Please give a client id.");
}

async function askFlow(
  terminal: Terminal,
  signal?: AbortSignal,
): Promise<{ flow?: Flow; clientSecret?: string }> {
  const ways: readonly (readonly [string, Flow?])[] = [
    ["in the way that fits here"],
    ["with the browser of this machine", "browser"],
    ["with a code, to be entered on any device", "device"],
    ["as a service, with the client's secret", "client-credentials"],
  ];
  const titles = ways.map(([title]) => title);
  const [, flow] = ways[await terminal.choose("How do you want to sign in?", titles, { default: 0, signal })];
  if (flow !== "client-credentials") return { flow };
  return { flow, clientSecret: await terminal.askSecret("Client secret", { signal }) };
}

/** A name that is free is taken without a question. */
async function askName(host: Host, suggested: string, signal?: AbortSignal): Promise<string> {
  const taken = profileNames(host);
  if (!taken.includes(suggested)) return suggested;
  let free = 2;
  while (taken.includes(`${suggested}-${free}`)) free++;
  host.say(`There is a profile "${suggested}" already; the same name replaces it.`);
  const options = { default: `${suggested}-${free}`, signal };
  return await askUntil(host, "A name for the new one", options, (text) => {
    return isProfileName(text)
      ? undefined
      : "Please use letters of ASCII, digits, dots, hyphens and underscores, no dot or hyphen in front.";
  });
}

/** Asks until the answer is one that can be used. */
async function askUntil(
  host: Host,
  question: string,
  options: { readonly default?: string; readonly signal?: AbortSignal },
  complaint: (text: string) => string | undefined,
): Promise<string> {
  const terminal = terminalOf(host);
  for (;;) {
    const text = await terminal.ask(question, options);
    const wrong = complaint(text);
    if (wrong === undefined) return text;
    host.say(wrong);
  }
}

function terminalOf(host: Host): Terminal {
  if (host.terminal) return host.terminal;
  throw new TokenError("sign_in_required", "Nobody can be asked here: this is not a terminal", {
    nextStep: "Run: apex-token login NAME --issuer URL --client-id ID",
  });
}
