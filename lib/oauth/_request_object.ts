/**
 * A request whose parameters are signed: a request object (RFC 9101 section 4, CIBA Core 1.0 section 7.1.1).
 *
 * @module
 */

import type { Client } from "./client.ts";
import type { Issuer } from "./issuer.ts";
import { type SigningKey, signJwt } from "./signing_key.ts";

/** How long a signed request is good, in seconds. */
const LIFETIME = 300;

/** A JWT of which every parameter is a claim, made out to the issuer. */
export function requestObject(
  issuer: Issuer,
  client: Client,
  parameters: URLSearchParams,
  key: SigningKey,
  header: { readonly typ?: string } = {},
): Promise<string> {
  const claims: Record<string, unknown> = {};
  for (const name of parameters.keys()) {
    const values = parameters.getAll(name);
    claims[name] = values.length > 1 ? values : asClaim(name, values[0]);
  }
  const now = Math.floor(issuer.http.clock.now() / 1000);
  return signJwt(key, header, {
    ...claims,
    iss: client.clientId,
    aud: issuer.issuer,
    iat: now,
    nbf: now,
    exp: now + LIFETIME,
    jti: crypto.randomUUID(),
  });
}

/** Numbers and JSON are claims of their own kind (RFC 9101 section 4, RFC 9396 section 3). */
function asClaim(name: string, value: string): unknown {
  if (!/^(max_age|requested_expiry|authorization_details|claims)$/.test(name)) return value;
  try {
    return JSON.parse(value);
  } catch {
    // the caller's own words, for the server to judge
    return value;
  }
}
