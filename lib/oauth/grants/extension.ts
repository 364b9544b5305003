/**
 * Any other grant, by its URI (RFC 6749 section 4.5).
 *
 * @module
 */

import { TokenError } from "../../errors.ts";
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

/** What an extension grant sends: its own parameters go into `extra`. */
export interface ExtensionParameters extends TokenParameters {
  /** The grant type: an absolute URI. */
  grantType: string;
}

/**
 * A token by a grant that this package does not know.
 *
 * @throws {TokenError} `invalid_argument` when the grant type is no absolute URI, and as every token request
 * @see RFC 6749 section 4.5
 */
export async function extensionGrant(
  issuer: Issuer,
  client: Client,
  parameters: ExtensionParameters,
  options: RequestOptions = {},
): Promise<TokenSet> {
  const { grantType } = parameters;
  if (!URL.canParse(grantType)) {
    throw new TokenError(
      "invalid_argument",
      "Cannot use this grant type: it must be an absolute URI",
    );
  }
  return await requestToken(issuer, client, {
    grantType,
    parameters: formOf(narrowing(parameters)),
    validate: idTokenValidation(),
    ...options,
  });
}
