/**
 * Demonstrating proof of possession (RFC 9449).
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { toBase64Url } from "./_base64.ts";
import { generateSigningKey, type SigningKey, signingKey, signJwt, thumbprint } from "./signing_key.ts";

/** What a proof is for. */
export interface ProofRequest {
  readonly method: string;
  readonly url: string;
  readonly clock: Pick<Clock, "now">;
  /** The token that goes with it, to an API (RFC 9449 section 7). */
  readonly accessToken?: string;
}

/** A key that tokens are bound to, with the nonces of the servers that it met. The private half stays inside. */
export interface DpopKey {
  /** The `jkt` of the key (RFC 7638). */
  readonly thumbprint: string;
  /** Makes a proof (RFC 9449 section 4.2). */
  readonly proof: (request: ProofRequest) => Promise<string>;
  /** Takes the nonce of an answer, good or bad (RFC 9449 section 8.2). */
  readonly remember: (url: string, headers: Headers) => void;
  /** The private key as a JWK, to be kept encrypted with the tokens that are bound to it. */
  readonly export: () => Promise<JsonWebKey>;
}

/** How many origins' nonces are remembered. */
const MOST_ORIGINS = 100;

/**
 * A DPoP key: a new one, or one that was exported.
 *
 * @param jwk a private JWK from `export`; default: a new ES256 key
 * @throws {TokenError} `invalid_argument` when the JWK is not a private key
 */
export async function dpopKey(jwk?: JsonWebKey): Promise<DpopKey> {
  const key: SigningKey = jwk ? await signingKey(jwk) : await generateSigningKey();
  const exported = jwk
    ? () => Promise.resolve(jwk)
    : (key as Awaited<ReturnType<typeof generateSigningKey>>).export;
  const nonces = new Map<string, string>();
  return {
    thumbprint: await thumbprint(key.publicJwk!),
    proof: async ({ method, url, clock, accessToken }) => {
      const { origin, pathname } = new URL(url);
      const claims = {
        jti: crypto.randomUUID(),
        htm: method,
        htu: origin + pathname,
        iat: Math.floor(clock.now() / 1000),
        nonce: nonces.get(origin),
        ath: accessToken === undefined ? undefined : await hash(accessToken),
      };
      return await signJwt(key, { typ: "dpop+jwt", jwk: key.publicJwk, kid: undefined }, claims);
    },
    remember: (url, headers) => {
      const nonce = headers.get("dpop-nonce");
      // two headers arrive joined by a comma, which no nonce may hold (RFC 9449 section 8.1)
      if (!nonce || !/^[\x21\x23-\x2b\x2d-\x5b\x5d-\x7e]+$/.test(nonce)) return;
      if (nonces.size >= MOST_ORIGINS) nonces.delete(nonces.keys().next().value!);
      nonces.set(new URL(url).origin, nonce);
    },
    export: exported,
  };
}

async function hash(accessToken: string): Promise<string> {
  return toBase64Url(
    new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(accessToken))),
  );
}
