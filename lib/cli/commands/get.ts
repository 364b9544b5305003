/**
 * `apex-token get`: the token on stdout.
 *
 * @module
 */

import { resolve } from "node:path";
import { isTokenError, TokenError } from "../../errors.ts";
import type { Host } from "../../host/host.ts";
import type { CachedToken } from "../../profile/cached_token.ts";
import { environmentToken } from "../../profile/environment_token.ts";
import { usePassphraseFiles } from "../../profile/passphrase.ts";
import { isProfileName, type Profile } from "../../profile/profile.ts";
import { defaultProfileName, findProfile, profileNames, readProfile } from "../../profile/profile_files.ts";
import { profileToken, type ProfileTokenOptions } from "../../profile/profile_token.ts";
import { safeText } from "../../safe_text.ts";
import type { AccessToken } from "../../session/token_source.ts";
import { askAndSignIn, type Reach, signInAgain } from "../dialogue.ts";
import { forms, type OutputForm } from "../output/forms.ts";
import { warnWhenBound } from "../output/warnings.ts";

/** The options of `get`. */
export interface GetCommand {
  readonly scope?: string;
  readonly aud?: string;
  readonly minValidity?: number;
  readonly force?: boolean;
  readonly idToken?: boolean;
  readonly output: OutputForm;
  readonly passphraseFile?: string;
  readonly caFile?: string;
  readonly allowInsecureLoopback?: boolean;
}

/** Finds the profile, gets its token, prints it. */
export async function get(host: Host, name: string | undefined, options: GetCommand): Promise<void> {
  const { signal, dispose } = host.interrupt();
  usePassphraseFiles(host, { present: options.passphraseFile });
  try {
    const wanted: ProfileTokenOptions = { ...options, audience: options.aud, signal };
    const { token, issuer, profile } = await find(host, name, wanted, reachOf(options));
    const answer = {
      token: options.idToken ? idTokenOf(token) : token.accessToken,
      isIdToken: options.idToken,
      tokenType: token.tokenType,
      expiresAt: options.idToken ? token.claims!.exp : token.expiresAt,
      scope: token.scope,
      issuer,
      profile,
    };
    warnWhenShort(host, answer.expiresAt, options);
    warnWhenNarrower(host, token, options);
    warnWhenBound(host, token);
    host.answer(forms[options.output](answer));
  } finally {
    dispose();
  }
}

function reachOf({ caFile, allowInsecureLoopback }: GetCommand): Reach {
  return {
    ...(caFile === undefined ? {} : { caFile: resolve(caFile) }),
    ...(allowInsecureLoopback ? { allowInsecureLoopback } : {}),
  };
}

interface Found {
  readonly token: AccessToken;
  readonly issuer: string;
  readonly profile?: string;
}

async function find(
  host: Host,
  name: string | undefined,
  options: ProfileTokenOptions,
  reach: Reach,
): Promise<Found> {
  const ofNamed = async (name: string) => {
    if (!isProfileName(name) || !findProfile(host, name)) {
      const { accountAnswer, knowsAccount } = await import("../../agent/account_answer.ts");
      if (await knowsAccount(host, name)) {
        return { ...await accountAnswer(host, name, options), profile: name };
      }
    }
    return await ofProfile(host, { ...readProfile(host, name), ...reach }, options);
  };
  const chosen = name ?? host.environment("APEX_TOKEN_PROFILE");
  if (chosen !== undefined) return await ofNamed(chosen);
  const fromEnvironment = await environmentToken(host, options, reach);
  if (fromEnvironment) return fromEnvironment;
  const standard = defaultProfileName(host);
  if (standard !== undefined) return await ofNamed(standard);
  const names = profileNames(host);
  if (names.length > 0) {
    throw new TokenError("invalid_argument", "There are several profiles and none is the default", {
      nextStep: `Name one: ${names.map((one) => `apex-token get ${one}`).join(", ")}`,
    });
  }
  if (!host.terminal) {
    throw new TokenError("sign_in_required", "Nobody has signed in here yet", {
      nextStep: "Run: apex-token login NAME --issuer URL --client-id ID",
    });
  }
  const { profile } = await askAndSignIn(host, reach, options.signal);
  return await ofProfile(host, profile, { ...options, force: false });
}

function foundIn(token: CachedToken): Found {
  return { token, issuer: token.issuer, profile: token.profile };
}

async function ofProfile(host: Host, profile: Profile, options: ProfileTokenOptions): Promise<Found> {
  try {
    return foundIn(await profileToken(host, profile, options));
  } catch (error) {
    if (!isTokenError(error) || error.code !== "sign_in_required" || !host.terminal) throw error;
    host.say(`${error.message}.`);
    const again = await signInAgain(host, profile, options.signal);
    return foundIn(await profileToken(host, again.profile, { ...options, force: false }));
  }
}

function idTokenOf(token: AccessToken): string {
  if (token.idToken) return token.idToken;
  throw new TokenError("unsupported", "The server gave no ID token", {
    nextStep: "Sign in with the scope openid: apex-token login NAME --scope openid",
  });
}

/** A server may leave out what it does not grant (RFC 6749 section 3.3); who asked for it should know. */
function warnWhenNarrower(host: Host, token: AccessToken, { scope }: GetCommand): void {
  const granted = token.scope?.split(/\s+/) ?? [];
  const missing = scope?.split(/\s+/).filter((one) => one !== "" && !granted.includes(one)) ?? [];
  if (missing.length > 0) host.say(`The server did not grant ${safeText(missing.join(" "), 400)}.`);
}

function warnWhenShort(host: Host, expiresAt: number, { minValidity = 0 }: GetCommand): void {
  const left = Math.floor(expiresAt - host.clock.now() / 1000);
  if (left < minValidity) {
    host.say(
      `The server gives tokens for less than the ${minValidity} s asked for: this one is valid for ${left} s.`,
    );
  }
}
