/**
 * The keys that the server signs with.
 *
 * @module
 */

import { isSignedBy, type JsonObject, type Jwt, newKeyPair, signJwt } from "./jwt.ts";
import type { JsonWebKey } from "../oauth/json_web_key.ts";

/** A public key of a {@linkcode JsonWebKeySet}, with the members that RFC 7517 adds. */
export interface PublicJsonWebKey extends JsonWebKey {
  /** The name of the key. */
  readonly kid?: string;
}

/** A JWK set (RFC 7517 section 5). */
export interface JsonWebKeySet {
  /** The public keys. */
  readonly keys: readonly PublicJsonWebKey[];
}

/** The server's keys: one signs, all that it ever had verify. */
export interface KeyRing {
  readonly algorithm: string;
  /** What the JWKS endpoint publishes: the key that signs now. */
  jwks(): JsonWebKeySet;
  /** Signs with the current key; members of `header` win over `alg` and `kid`. */
  sign(header: JsonObject, claims: JsonObject): Promise<string>;
  /** Signs with a key that is nowhere published, under the `kid` of the current one. */
  signAsStranger(header: JsonObject, claims: JsonObject): Promise<string>;
  /** Whether this server signed `jwt`, also with a key that it no longer publishes. */
  isOurs(jwt: Jwt): Promise<boolean>;
  /** Signs with a new key from now on and publishes only that one. */
  rotate(): Promise<void>;
}

interface SigningKey {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly publicJwk: PublicJsonWebKey;
}

/** Makes a key ring with one key for `algorithm`. */
export async function keyRing(algorithm: string): Promise<KeyRing> {
  const keys: SigningKey[] = [await signingKey(algorithm, "key-1")];
  const current = (): SigningKey => keys[keys.length - 1];
  return {
    algorithm,
    jwks: () => ({ keys: [current().publicJwk] }),
    sign: (header, claims) =>
      signJwt({ alg: algorithm, kid: current().kid, ...header }, claims, current().privateKey),
    signAsStranger: async (header, claims) => {
      const stranger = await newKeyPair(algorithm);
      return signJwt({ alg: algorithm, kid: current().kid, ...header }, claims, stranger.privateKey);
    },
    isOurs: async (jwt) => {
      for (const key of keys) if (await isSignedBy(jwt, key.publicJwk)) return true;
      return false;
    },
    rotate: async () => {
      keys.push(await signingKey(algorithm, `key-${keys.length + 1}`));
    },
  };
}

async function signingKey(alg: string, kid: string): Promise<SigningKey> {
  const pair = await newKeyPair(alg);
  const { kty, crv, n, e, x, y } = await crypto.subtle.exportKey("jwk", pair.publicKey);
  const material = kty === "RSA" ? { n, e } : kty === "EC" ? { crv, x, y } : { crv, x };
  return { kid, privateKey: pair.privateKey, publicJwk: { kty, ...material, alg, use: "sig", kid } };
}
