/**
 * Demonstrating proof of possession (RFC 9449).
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { sha256 } from "./_encodings.ts";
import type { JsonWebKey } from "./json_web_key.ts";
import { generateSigningKey, signingKey, signJwt, thumbprint } from "./signing_key.ts";

/** What a proof is for. */
export interface ProofRequest {
  /** The method of the request. */
  readonly method: string;
  /** Where the request goes; its query is left out of the proof. */
  readonly url: string;
  /** Where the time comes from. */
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
  /**
   * Sends a request with a proof. A demand for a nonce is met once (RFC 9449 sections 8 and 9).
   *
   * @param send sends it with one more header
   * @param errorOf the `error` of an answer
   */
  readonly send: <T extends { readonly status: number; readonly headers: Headers }>(
    request: ProofRequest,
    send: (header: { readonly dpop: string }) => Promise<T>,
    errorOf: (answer: T) => string | undefined,
  ) => Promise<T>;
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
  const key = jwk
    ? { ...await signingKey(jwk), export: () => Promise.resolve(jwk) }
    : await generateSigningKey();
  const nonces = new Map<string, string>();
  const dpop: DpopKey = {
    thumbprint: await thumbprint(key.publicJwk!),
    proof: async ({ method, url, clock, accessToken }) => {
      const { origin, pathname } = new URL(url);
      const claims = {
        jti: crypto.randomUUID(),
        // `fetch` writes the usual methods so, however they were given
        htm: method.toUpperCase(),
        htu: origin + pathname,
        iat: Math.floor(clock.now() / 1000),
        nonce: nonces.get(origin),
        ath: accessToken === undefined ? undefined : await sha256(accessToken),
      };
      return await signJwt(key, { typ: "dpop+jwt", jwk: key.publicJwk, kid: undefined }, claims);
    },
    remember: (url, headers) => {
      const nonce = headers.get("dpop-nonce");
      // two headers arrive joined by a blank, which no nonce may hold (RFC 9449 section 8.1)
      if (!nonce || !/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(nonce)) return;
      const { origin } = new URL(url);
      nonces.delete(origin);
      if (nonces.size >= MOST_ORIGINS) nonces.delete(nonces.keys().next().value!);
      nonces.set(origin, nonce);
    },
    send: async (request, send, errorOf) => {
      const once = async () => {
        const answer = await send({ dpop: await dpop.proof(request) });
        dpop.remember(request.url, answer.headers);
        return answer;
      };
      const answer = await once();
      const refused = answer.status === 400 || answer.status === 401;
      const wantsNonce = refused && answer.headers.has("dpop-nonce") && errorOf(answer) === "use_dpop_nonce";
      return wantsNonce ? await once() : answer;
    },
    export: key.export,
  };
  return dpop;
}
