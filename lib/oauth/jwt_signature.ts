/**
 * The signature of any JWT of an issuer, for those who want to look at it; its times and its audience are not judged.
 *
 * @module
 */

import { clockTolerance, processUserInfoResponse, skipSubjectCheck } from "oauth4webapi";
import { TokenError } from "../errors.ts";
import { safeText } from "../safe_text.ts";
import { JWT_TYPE, verified } from "./_keys.ts";
import { asServer, type Issuer } from "./issuer.ts";
import { unverifiedClaims, unverifiedHeader } from "./jwt.ts";

/** Longer than any token lives, in seconds: an expired token's signature can be looked at too. */
const ANY_TIME = 1e10;

/**
 * Checks that the issuer signed a JWT. It takes the way of a signed UserInfo answer, the one that asks the least of a
 * JWT's claims: an issuer and a subject.
 *
 * @throws {TokenError} `invalid_response` when the issuer did not sign it, or in a way that cannot be checked
 */
export async function verifyJwtSignature(issuer: Issuer, jwt: string): Promise<void> {
  const audience = [unverifiedClaims(jwt)?.aud].flat()[0];
  const client = { client_id: typeof audience === "string" ? audience : "-", [clockTolerance]: ANY_TIME };
  // what an issuer lists is for its UserInfo answers; here the token's own algorithm is good, if a public key can check it
  const { alg } = unverifiedHeader(jwt) ?? {};
  if (typeof alg !== "string" || !/^(?:RS|PS|ES|Ed)/.test(alg)) {
    throw new TokenError(
      "invalid_response",
      `its algorithm, ${safeText(String(alg), 20)}, needs no key of the issuer`,
    );
  }
  const server = { ...asServer(issuer), userinfo_signing_alg_values_supported: [alg] };
  const step = (response: Response) => processUserInfoResponse(server, client, skipSubjectCheck, response);
  await verified(issuer, jwt, JWT_TYPE, step);
}
