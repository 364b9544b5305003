/**
 * `apex-token exchange`: one token for another (RFC 8693).
 *
 * @module
 */

import { TokenError } from "../../errors.ts";
import type { Host } from "../../host/host.ts";
import { TOKEN_TYPES, tokenExchangeGrant } from "../../oauth/grants/token_exchange.ts";
import { profileToken } from "../../profile/profile_token.ts";
import { chooseProfile, signedIn } from "../../profile/signed_in.ts";
import { forms, type OutputForm } from "../output/forms.ts";
import { warnWhenBound } from "../output/warnings.ts";
import { readToken } from "../token_input.ts";

/** The kinds of token by the word that an option takes. */
export const TOKEN_TYPE_WORDS: Readonly<Record<string, string>> = {
  "access-token": TOKEN_TYPES.accessToken,
  "refresh-token": TOKEN_TYPES.refreshToken,
  "id-token": TOKEN_TYPES.idToken,
  jwt: TOKEN_TYPES.jwt,
  saml1: TOKEN_TYPES.saml1,
  saml2: TOKEN_TYPES.saml2,
};

/** The options of `exchange`. */
export interface ExchangeCommand {
  readonly scope?: string;
  readonly audience?: string;
  readonly resource?: string;
  readonly subjectTokenFile?: string;
  readonly subjectTokenType: string;
  readonly actorTokenFile?: string;
  readonly actorTokenType: string;
  readonly requestedTokenType?: string;
  readonly output: OutputForm;
}

/** Exchanges the profile's access token, or the one that is handed in, and prints the new one. It is not kept. */
export async function exchange(
  host: Host,
  name: string | undefined,
  options: ExchangeCommand,
): Promise<void> {
  const { signal, dispose } = host.interrupt();
  try {
    const profile = chooseProfile(host, name);
    const { issuer, client } = await signedIn(host, profile);
    const { scope, audience, resource, subjectTokenFile, actorTokenFile, requestedTokenType } = options;
    const subjectToken = subjectTokenFile === undefined
      ? (await profileToken(host, profile, { signal })).accessToken
      : await readToken(host, subjectTokenFile);
    const actorToken = actorTokenFile === undefined ? undefined : await readToken(host, actorTokenFile);
    const token = await tokenExchangeGrant(issuer, client, {
      scope,
      audience,
      resource,
      subjectToken,
      subjectTokenType: typeNamed(options.subjectTokenType),
      actorToken,
      actorTokenType: actorToken && typeNamed(options.actorTokenType),
      requestedTokenType: requestedTokenType && typeNamed(requestedTokenType),
    }, { signal });
    const { tokenType, issuedTokenType, expiresAt } = token;
    refuseUnfitHeader(tokenType, options.output);
    warnWhenBound(host, token);
    const answer = {
      token: token.accessToken,
      tokenType,
      issuedTokenType,
      expiresAt,
      scope: token.scope,
      issuer: issuer.issuer,
    };
    host.answer(forms[options.output]({ ...answer, profile: profile.name }));
  } finally {
    dispose();
  }
}

/** What is no access token has the type `N_A`, which no API knows (RFC 8693 section 2.2.1). */
function refuseUnfitHeader(tokenType: string, output: OutputForm): void {
  if (output !== "header" || tokenType !== "N_A") return;
  throw new TokenError(
    "unsupported",
    "Cannot put this token into a header: it is no access token (RFC 8693)",
    {
      nextStep: "Take it as it is: leave -o header out",
    },
  );
}

/** A word of ours, or the URI that a server has for a kind of its own. */
function typeNamed(word: string): string {
  return Object.hasOwn(TOKEN_TYPE_WORDS, word) ? TOKEN_TYPE_WORDS[word] : word;
}
