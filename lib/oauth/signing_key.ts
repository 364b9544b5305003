/**
 * Keys that sign: client assertions, request objects, DPoP proofs.
 *
 * @module
 */

import { TokenError } from "../errors.ts";
import { defined } from "./_defined.ts";
import { fromBase64, sha256, toBase64Url, utf8 } from "./_encodings.ts";
import type { JsonWebKey } from "./json_web_key.ts";

/** A signature algorithm of RFC 7518 section 3.1 or RFC 8037 section 3.1. */
export type SigningAlgorithm =
  | "ES256"
  | "ES384"
  | "EdDSA"
  | "Ed25519"
  | "RS256"
  | "PS256"
  | "HS256"
  | "HS384"
  | "HS512";

/** A key that signs. The key itself stays inside. */
export interface SigningKey {
  /** The `alg` of what it signs. */
  readonly algorithm: SigningAlgorithm;
  /** The `kid` of the JWT header, where the server needs one to find the key. */
  readonly keyId?: string;
  /** Signs bytes. */
  readonly sign: (data: Uint8Array) => Promise<Uint8Array>;
  /** The public half as a JWK (RFC 7517); absent for a shared secret. */
  readonly publicJwk?: JsonWebKey;
}

/** Options of {@linkcode signingKey}. */
export interface SigningKeyOptions {
  /** Default: the `alg` of a JWK; for a PEM what its kind suggests: ES256, ES384, EdDSA or RS256. */
  algorithm?: SigningAlgorithm;
  /** Default: the `kid` of a JWK. */
  keyId?: string;
}

const NAMES: Readonly<Record<string, string>> = {
  ES: "ECDSA",
  Ed: "Ed25519",
  RS: "RSASSA-PKCS1-v1_5",
  PS: "RSA-PSS",
  HS: "HMAC",
};

/** What Web Crypto calls an algorithm, to import a key and to sign with it; each takes of it what it needs. */
function parametersOf(algorithm: SigningAlgorithm): Parameters {
  const bits = algorithm.slice(2);
  return {
    name: NAMES[algorithm.slice(0, 2)],
    namedCurve: `P-${bits}`,
    hash: `SHA-${bits}`,
    saltLength: Number(bits) / 8,
  };
}

type Parameters = { name: string; namedCurve: string; hash: string; saltLength: number };

/** What a key is tried for when nobody says: no two of them take the same key. */
const USUAL: readonly SigningAlgorithm[] = ["ES256", "ES384", "EdDSA", "RS256"];

/**
 * A private key from a PEM (PKCS #8), a JWK, or its JSON.
 *
 * @throws {TokenError} `invalid_argument` when it is not a private key of a supported kind
 */
export async function signingKey(
  source: string | JsonWebKey,
  { algorithm, keyId }: SigningKeyOptions = {},
): Promise<SigningKey> {
  if (typeof source === "string" && source.includes("-----BEGIN")) {
    return await imported("pkcs8", pemBytes(source), algorithm, keyId);
  }
  const jwk = typeof source === "string" ? parseJwk(source) : source;
  if (typeof jwk?.d !== "string") throw unusable("it is not a private key");
  // what it may be used for is for the caller to know
  const { alg, kid, use: _use, key_ops: _operations, ext: _exportable, ...bare } = jwk as NamedJsonWebKey;
  return await imported("jwk", bare, algorithm ?? alg as SigningAlgorithm, keyId ?? kid);
}

type NamedJsonWebKey = JsonWebKey & { kid?: string };

async function imported(
  format: "pkcs8" | "jwk",
  data: BufferSource | JsonWebKey,
  wanted: SigningAlgorithm | undefined,
  keyId: string | undefined,
): Promise<SigningKey> {
  const { subtle } = crypto;
  const { crv } = data as JsonWebKey;
  for (const algorithm of wanted ? [wanted] : USUAL) {
    try {
      const parameters = parametersOf(algorithm);
      // Deno takes a JWK of another curve
      if (parameters.name === "ECDSA" && crv && crv !== parameters.namedCurve) continue;
      const key = await subtle.importKey(format as "jwk", data as JsonWebKey, parameters, true, ["sign"]);
      const publicJwk = publicHalf(await subtle.exportKey("jwk", key));
      // workerd takes a PEM for X25519 as one for Ed25519, and calls it so; it signs nothing
      await subtle.sign(parameters, key, new Uint8Array());
      return signer(key, algorithm, publicJwk, keyId);
    } catch {
      // not for this one
    }
  }
  throw unusable(wanted ? `it is no key for ${wanted}` : "it must be EC P-256, P-384, Ed25519 or RSA");
}

/** A new key pair; `export` gives the private JWK, so that it can be kept with the tokens that are bound to it. */
export async function generateSigningKey(
  algorithm: "ES256" | "ES384" | "EdDSA" | "Ed25519" = "ES256",
): Promise<SigningKey & { readonly export: () => Promise<JsonWebKey> }> {
  const pair = await crypto.subtle.generateKey(parametersOf(algorithm), true, [
    "sign",
    "verify",
  ]) as CryptoKeyPair;
  const privateJwk = async () => ({
    ...await crypto.subtle.exportKey("jwk", pair.privateKey),
    alg: algorithm,
  });
  return { ...signer(pair.privateKey, algorithm, publicHalf(await privateJwk())), export: privateJwk };
}

/** A shared secret as a key, for `client_secret_jwt`. */
export async function secretKey(secret: string, algorithm: "HS256" | "HS384" | "HS512"): Promise<SigningKey> {
  const bytes = utf8(secret);
  const key = await crypto.subtle.importKey("raw", bytes, parametersOf(algorithm), false, ["sign"]);
  return signer(key, algorithm);
}

function signer(
  key: CryptoKey,
  algorithm: SigningAlgorithm,
  publicJwk?: JsonWebKey,
  keyId?: string,
): SigningKey {
  const parameters = parametersOf(algorithm);
  return defined<SigningKey>({
    algorithm,
    keyId,
    publicJwk,
    sign: async (data) => new Uint8Array(await crypto.subtle.sign(parameters, key, data as BufferSource)),
  });
}

function pemBytes(pem: string): BufferSource {
  const body = /-----BEGIN PRIVATE KEY-----([\sA-Za-z0-9+/]+={0,2}\s*)-----END/.exec(pem)?.[1].replace(
    /\s/g,
    "",
  );
  // `atob` throws at a length that base64 cannot have
  if (body && body.length % 4 === 0) return fromBase64(body) as BufferSource;
  throw unusable(
    /BEGIN (\w+ )*PRIVATE/.test(pem)
      ? "it is not a PKCS #8 PEM; convert it with: openssl pkcs8 -topk8 -nocrypt"
      : "it is not a private key",
  );
}

/** What makes a key, without what makes it private: the members in the order of RFC 7638 section 3.2. */
function publicHalf({ crv, e, kty, n, x, y }: JsonWebKey): JsonWebKey {
  return defined({ crv, e, kty, n, x, y });
}

function parseJwk(text: string): JsonWebKey {
  try {
    return JSON.parse(text) as JsonWebKey;
  } catch {
    throw unusable("it is neither a PEM nor a JWK");
  }
}

function unusable(why: string): TokenError {
  return new TokenError("invalid_argument", `Cannot use the private key: ${why}`);
}

/** Signs a JWT (RFC 7519). */
export async function signJwt(
  key: SigningKey,
  header: Readonly<Record<string, unknown>>,
  claims: Readonly<Record<string, unknown>>,
): Promise<string> {
  const full = { alg: key.algorithm, kid: key.keyId, ...header };
  const encode = (part: unknown) => toBase64Url(utf8(JSON.stringify(part)));
  const input = `${encode(full)}.${encode(claims)}`;
  return `${input}.${toBase64Url(await key.sign(utf8(input)))}`;
}

/** The thumbprint of a public key (RFC 7638), as `jkt` has it. */
export async function thumbprint(key: JsonWebKey): Promise<string> {
  return await sha256(JSON.stringify(publicHalf(key)));
}
