/**
 * The resource owner password credentials grant (RFC 6749 section 4.3).
 *
 * @module
 */

import type { Client } from "../client.ts";
import { idTokenValidation } from "../id_token.ts";
import type { Issuer } from "../issuer.ts";
import {
  formOf,
  narrowing,
  type RequestOptions,
  requestToken,
  type TokenParameters,
} from "../token_request.ts";
import type { TokenSet } from "../token_set.ts";

/** What the password grant sends. */
export interface PasswordParameters extends TokenParameters {
  /** The name of the account. */
  username: string;
  /** Its password; sent once and kept nowhere. */
  password: string;
}

/**
 * A token for a person whose password the program was given.
 *
 * @deprecated RFC 9700 section 2.4 forbids this grant: it hands the password to the client and knows no second
 * factor. It is here for INDIGO IAM set-ups that still ask for it; use the device code grant instead.
 * @throws {TokenError} `server_refused` (`invalid_grant`: wrong name or password), and as every token request
 * @see RFC 6749 section 4.3
 */
export async function passwordGrant(
  issuer: Issuer,
  client: Client,
  parameters: PasswordParameters,
  options: RequestOptions = {},
): Promise<TokenSet> {
  return await requestToken(issuer, client, {
    grantType: "password",
    parameters: formOf({
      ...narrowing(parameters),
      username: parameters.username,
      password: parameters.password,
    }),
    validate: idTokenValidation(),
    ...options,
  });
}
