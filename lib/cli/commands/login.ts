/**
 * `apex-token login`: makes a profile and signs in.
 *
 * @module
 */

import { resolve } from "node:path";
import { TokenError } from "../../errors.ts";
import type { Host } from "../../host/host.ts";
import { sameButForSlash } from "../../oauth/quirks.ts";
import { checkRedirectUri } from "../../profile/browser_sign_in.ts";
import { usePassphraseFiles } from "../../profile/passphrase.ts";
import { findProfile, readProfile } from "../../profile/profile_files.ts";
import { checkProfileName, type Profile } from "../../profile/profile.ts";
import { readSecretFile } from "../../profile/secret_file.ts";
import { readableSession } from "../../profile/session_home.ts";
import { signIn, type SignInRequest } from "../../profile/sign_in.ts";
import { type Flow, providerNamed } from "../../providers.ts";
import { askAndSignIn, askClientId, askIssuer, type Reach, requestOf } from "../dialogue.ts";
import { chooseProtection, parseProtection } from "../protection.ts";
import { clientSecretFrom, passwordFrom } from "../secret_input.ts";
import { celebrate } from "../welcome.ts";

/** The options of `login`. */
export interface LoginCommand {
  readonly issuer?: string;
  readonly clientId?: string;
  readonly scope?: string;
  readonly flow?: Flow;
  readonly secretFile?: string;
  readonly authMethod?: Profile["authentication"];
  readonly privateKeyFile?: string;
  readonly keyId?: string;
  readonly assertionFile?: string;
  readonly register?: boolean;
  readonly dpop?: boolean;
  readonly par?: boolean;
  readonly redirectUri?: string;
  readonly open: boolean;
  readonly offline?: boolean;
  readonly protect?: string;
  readonly passphraseFile?: string;
  readonly fastCache?: boolean;
  readonly username?: string;
  readonly passwordFile?: string;
  readonly caFile?: string;
  readonly allowInsecureLoopback?: boolean;
}

/** Signs in; a profile that is there already is signed in again, with what the options change. */
export async function login(host: Host, name: string | undefined, options: LoginCommand): Promise<void> {
  const { signal, dispose } = host.interrupt();
  usePassphraseFiles(host, { present: options.passphraseFile });
  try {
    if (name === undefined && options.issuer === undefined && host.terminal) {
      await askAndSignIn(host, reachOf(options), signal);
      return;
    }
    // a preset's own name will do for its first profile
    const chosen = name ?? providerNamed(options.issuer ?? "")?.name;
    celebrate(host, await signIn(host, await requestFrom(host, chosen, options, signal)));
  } finally {
    dispose();
  }
}

async function requestFrom(
  host: Host,
  name: string | undefined,
  options: LoginCommand,
  signal: AbortSignal,
): Promise<SignInRequest> {
  if (name === undefined) {
    throw new TokenError("invalid_argument", "A name for the profile is needed", {
      nextStep: "For example: apex-token login apex --client-id ID",
    });
  }
  checkProfileName(name);
  const before = findProfile(host, name);
  const issuer = options.issuer ?? before?.issuer ?? await missingIssuer(host, name, signal);
  const again = before && isSameIssuer(before.issuer, issuer) ? before : undefined;
  // what opens the registration went with the sign-in, and the client with it: there has to be another one
  const isOver = again?.registered === true && options.clientId === undefined &&
    again.protect.kind !== "memory" && !await readableSession(host, again);
  const kept = again ? keptOf(again, options, isOver) : {};
  const asked: Partial<SignInRequest> = {
    scope: options.scope,
    flow: options.flow,
    authentication: options.authMethod,
    privateKeyFile: options.privateKeyFile === undefined
      ? undefined
      : readableFile(options.privateKeyFile, "private key"),
    keyId: options.keyId,
    assertionFile: options.assertionFile === undefined
      ? undefined
      : readableFile(options.assertionFile, "client assertion"),
    register: options.register ?? (isOver || undefined),
    dpop: options.dpop,
    pushed: options.par,
    redirectUri: options.redirectUri === undefined ? undefined : checkRedirectUri(options.redirectUri),
    offline: options.offline,
    username: options.username,
    fastCache: options.fastCache,
    ...reachOf(options),
  };
  const known = options.clientId ?? kept.clientId;
  const clientId = known ?? (asked.register ? undefined : await askClientId(host, issuer, signal));
  const flow = options.flow ?? kept.flow;
  return {
    ...kept,
    ...defined(asked),
    ...await clientSecretFrom(host, {
      clientId,
      before: again?.clientId === clientId ? again : undefined,
      // a client that is yet to be registered brings its own
      isService: flow === "client-credentials" && clientId !== undefined,
      secretFile: options.secretFile,
      signal,
    }),
    name,
    issuer,
    clientId,
    openBrowser: options.open,
    protect: options.protect !== undefined
      ? parseProtection(host, options.protect)
      : before?.protect ?? await chooseProtection(host, signal),
    ...await account(host, flow, options.username ?? kept.username, options.passwordFile, signal),
    signal,
  };
}

/** What a profile remembers, as far as the options do not make it another client's or another proof's. */
function keptOf(before: Profile, options: LoginCommand, isOver: boolean): Partial<SignInRequest> {
  const { clientId, registered, redirectUri, ...others } = requestOf(before);
  const { authentication, secretFile, privateKeyFile, keyId, assertionFile, ...kept } = others;
  if (isOver || (options.clientId !== undefined && options.clientId !== clientId)) return kept;
  const client = { clientId, registered, redirectUri };
  const newProof = (options.secretFile ?? options.privateKeyFile ?? options.assertionFile) !== undefined;
  return newProof
    ? { ...kept, ...client }
    : { ...kept, ...client, authentication, secretFile, privateKeyFile, keyId, assertionFile };
}

function isSameIssuer(before: string, asked: string): boolean {
  return sameButForSlash(before, providerNamed(asked)?.issuer ?? asked);
}

/** How the server is reached, as the options say it. */
function reachOf(options: LoginCommand): Reach {
  return defined({
    caFile: options.caFile === undefined ? undefined : resolve(options.caFile),
    allowInsecureLoopback: options.allowInsecureLoopback,
  });
}

/** Who signs in by the password grant; without a name, the person at the terminal is asked. */
async function account(
  host: Host,
  flow: Flow | undefined,
  username: string | undefined,
  passwordFile: string | undefined,
  signal: AbortSignal,
): Promise<Pick<SignInRequest, "username" | "password">> {
  if (flow !== "password") return {};
  const name = username ?? await host.terminal?.ask("User name", { signal });
  return { username: name, password: passwordFrom(host, passwordFile, signal) };
}

function defined<T extends object>(members: T): Partial<T> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Partial<T>;
}

/** The absolute path of a file that can be read; what is wrong with it is said before anybody signs in. */
function readableFile(file: string, what: string): string {
  const path = resolve(file);
  readSecretFile(path, what);
  return path;
}

/** `login apex` needs no issuer: a new profile with the name of a preset is for that one. */
async function missingIssuer(host: Host, name: string, signal: AbortSignal): Promise<string> {
  if (providerNamed(name)) return name;
  if (host.terminal) return (await askIssuer(host, signal)).issuer;
  return readProfile(host, name).issuer; // says that there is no such profile, and which there are
}
