/**
 * `apex-token login`: makes a profile and signs in.
 *
 * @module
 */

import { resolve } from "node:path";
import { TokenError } from "../../errors.ts";
import type { Host } from "../../host/host.ts";
import { checkRedirectUri } from "../../profile/browser_sign_in.ts";
import { findProfile, readProfile } from "../../profile/profile_files.ts";
import { checkProfileName, type Profile } from "../../profile/profile.ts";
import { readSecretFile, secretOf } from "../../profile/secret_file.ts";
import { signIn, type SignInRequest } from "../../profile/sign_in.ts";
import type { Flow } from "../../providers.ts";
import { askAndSignIn, askClientId, askIssuer, passwordPrompt, requestOf } from "../dialogue.ts";
import { chooseProtection, parseProtection } from "../protection.ts";
import { celebrate } from "../welcome.ts";

/** The options of `login`. */
export interface LoginCommand {
  readonly issuer?: string;
  readonly clientId?: string;
  readonly scope?: string;
  readonly flow?: Flow;
  readonly secretFile?: string;
  readonly redirectUri?: string;
  readonly open: boolean;
  readonly offline: boolean;
  readonly protect?: string;
  readonly username?: string;
  readonly passwordFile?: string;
  readonly caFile?: string;
  readonly allowInsecureLoopback?: boolean;
}

/** Signs in; a profile that is there already is signed in again, with what the options change. */
export async function login(host: Host, name: string | undefined, options: LoginCommand): Promise<void> {
  const { signal, dispose } = host.interrupt();
  try {
    if (name === undefined && options.issuer === undefined && host.terminal) {
      await askAndSignIn(host, signal);
      return;
    }
    const request = await requestFrom(host, name, options, signal);
    if (request.flow === "password") warnOfPasswordGrant(host);
    celebrate(host, await signIn(host, request));
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
      nextStep: "For example: apex-token login apex --issuer apex --client-id ID",
    });
  }
  checkProfileName(name);
  const before = findProfile(host, name);
  const issuer = options.issuer ?? before?.issuer ?? await missingIssuer(host, name, signal);
  const sameIssuer = before !== undefined && options.issuer === undefined;
  const kept: Partial<SignInRequest> = sameIssuer ? requestOf(before) : {};
  const secret = await secretFrom(host, options, before, signal);
  const asked: Partial<SignInRequest> = {
    scope: options.scope,
    flow: options.flow,
    redirectUri: options.redirectUri === undefined ? undefined : checkRedirectUri(options.redirectUri),
    username: options.username,
    caFile: options.caFile === undefined ? undefined : resolve(options.caFile),
    allowInsecureLoopback: options.allowInsecureLoopback,
    ...secret,
  };
  const clientId = options.clientId ?? kept.clientId ?? await askClientId(host, issuer, signal);
  return {
    ...kept,
    ...Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined)),
    name,
    issuer,
    clientId,
    openBrowser: options.open,
    offline: options.offline,
    protect: options.protect !== undefined
      ? parseProtection(host, options.protect)
      : before?.protect ?? await chooseProtection(host, signal),
    password: await passwordFrom(host, options, signal),
    signal,
  };
}

async function missingIssuer(host: Host, name: string, signal: AbortSignal): Promise<string> {
  if (host.terminal) return (await askIssuer(host.terminal, signal)).issuer;
  readProfile(host, name); // says that there is no such profile, and which there are
  throw new TokenError("invalid_argument", "An issuer is needed: give it with --issuer URL");
}

async function secretFrom(
  host: Host,
  options: LoginCommand,
  before: Profile | undefined,
  signal: AbortSignal,
): Promise<Pick<SignInRequest, "secretFile" | "clientSecret">> {
  if (options.secretFile === "-") return { clientSecret: secretOf(await host.readInput(), "client secret") };
  if (options.secretFile !== undefined) {
    const secretFile = resolve(options.secretFile);
    readSecretFile(secretFile, "client secret");
    return { secretFile };
  }
  if ((options.flow ?? before?.flow) !== "client-credentials" || before?.secretFile) return {};
  const fromEnvironment = host.environment("APEX_CLIENT_SECRET");
  if (fromEnvironment) return { clientSecret: fromEnvironment };
  if (!host.terminal) return {};
  return { clientSecret: await host.terminal.askSecret("Client secret", { signal }) };
}

async function passwordFrom(
  host: Host,
  options: LoginCommand,
  signal: AbortSignal,
): Promise<() => Promise<string>> {
  const { passwordFile } = options;
  if (passwordFile === undefined) return passwordPrompt(host, signal);
  const password = passwordFile === "-"
    ? secretOf(await host.readInput(), "password")
    : readSecretFile(resolve(passwordFile), "password");
  return () => Promise.resolve(password);
}

function warnOfPasswordGrant(host: Host): void {
  host.say(
    "The password grant is deprecated (RFC 9700 section 2.4): it hands your password to this program and knows no second factor.\n" +
      "Where the server offers it, use --flow device instead. The password is sent once and not kept.",
  );
}
