/**
 * Keys that sign: client assertions, request objects, DPoP proofs.
 *
 * @module
 */

import { TokenError } from "../errors.ts";
import { fromBase64, sha256, toBase64Url } from "./_base64.ts";

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

type ImportAlgorithm = { name: string; namedCurve?: string; hash?: string };

const IMPORT: Readonly<Record<SigningAlgorithm, ImportAlgorithm>> = {
  ES256: { name: "ECDSA", namedCurve: "P-256" },
  ES384: { name: "ECDSA", namedCurve: "P-384" },
  EdDSA: { name: "Ed25519" },
  Ed25519: { name: "Ed25519" },
  RS256: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  PS256: { name: "RSA-PSS", hash: "SHA-256" },
  HS256: { name: "HMAC", hash: "SHA-256" },
  HS384: { name: "HMAC", hash: "SHA-384" },
  HS512: { name: "HMAC", hash: "SHA-512" },
};

/**
 * A private key from a PEM (PKCS #8), a JWK, or its JSON.
 *
 * @throws {TokenError} `invalid_argument` when it is not a private key of a supported kind
 */
export async function signingKey(
  source: string | JsonWebKey,
  options: SigningKeyOptions = {},
): Promise<SigningKey> {
  if (typeof source === "string" && source.includes("-----BEGIN")) return await fromPem(source, options);
  return await fromJwk(typeof source === "string" ? parseJwk(source) : source, options);
}

/** A new key pair; `export` gives the private JWK, so that it can be kept with the tokens that are bound to it. */
export async function generateSigningKey(
  algorithm: "ES256" | "ES384" | "EdDSA" | "Ed25519" = "ES256",
): Promise<SigningKey & { readonly export: () => Promise<JsonWebKey> }> {
  const pair = await crypto.subtle.generateKey(IMPORT[algorithm], true, ["sign", "verify"]) as CryptoKeyPair;
  const privateJwk = async () => ({
    ...await crypto.subtle.exportKey("jwk", pair.privateKey),
    alg: algorithm,
  });
  return { ...signer(pair.privateKey, algorithm, publicHalf(await privateJwk())), export: privateJwk };
}

/** A shared secret as a key, for `client_secret_jwt`. */
export async function secretKey(secret: string, algorithm: "HS256" | "HS384" | "HS512"): Promise<SigningKey> {
  const bytes = new TextEncoder().encode(secret);
  const key = await crypto.subtle.importKey("raw", bytes, IMPORT[algorithm], false, ["sign"]);
  return signer(key, algorithm);
}

function signer(
  key: CryptoKey,
  algorithm: SigningAlgorithm,
  publicJwk?: JsonWebKey,
  keyId?: string,
): SigningKey {
  const { name } = IMPORT[algorithm];
  const hash = algorithm === "ES384" ? "SHA-384" : "SHA-256";
  const parameters = { name, hash, saltLength: 32 };
  return {
    algorithm,
    ...(keyId ? { keyId } : {}),
    ...(publicJwk ? { publicJwk } : {}),
    sign: async (data) => new Uint8Array(await crypto.subtle.sign(parameters, key, data as BufferSource)),
  };
}

async function fromJwk(jwk: JsonWebKey & { kid?: string }, options: SigningKeyOptions): Promise<SigningKey> {
  if (typeof jwk?.d !== "string") throw unusable("it is not a private key");
  const algorithm = options.algorithm ?? jwk.alg as SigningAlgorithm ?? usual(jwk);
  const { kty, crv, x, y, d, n, e, p, q, dp, dq, qi } = jwk;
  const bare = Object.fromEntries(
    Object.entries({ kty, crv, x, y, d, n, e, p, q, dp, dq, qi }).filter(([, value]) => value !== undefined),
  );
  try {
    // Deno takes a key of another curve
    if (crv !== (IMPORT[algorithm].namedCurve ?? crv)) throw undefined;
    const key = await crypto.subtle.importKey("jwk", bare, IMPORT[algorithm], false, ["sign"]);
    return signer(key, algorithm, publicHalf(bare), options.keyId ?? jwk.kid);
  } catch {
    throw unusable(`it is no key for ${algorithm}`);
  }
}

function usual({ kty, crv }: JsonWebKey): SigningAlgorithm {
  if (kty === "RSA") return "RS256";
  return crv === "P-384" ? "ES384" : crv === "Ed25519" ? "EdDSA" : "ES256";
}

// The object identifiers in the first bytes of a PKCS #8 key (RFC 5208), as hex.
const KINDS: readonly [string, SigningAlgorithm][] = [
  ["06032b6570", "EdDSA"],
  ["06082a8648ce3d030107", "ES256"],
  ["06052b81040022", "ES384"],
  ["06092a864886f70d010101", "RS256"],
];

async function fromPem(pem: string, options: SigningKeyOptions): Promise<SigningKey> {
  const body = /-----BEGIN PRIVATE KEY-----([\sA-Za-z0-9+/=]+)-----END PRIVATE KEY-----/.exec(pem)?.[1];
  if (!body) {
    throw unusable(
      /BEGIN (\w+ )*PRIVATE/.test(pem)
        ? "it is not a PKCS #8 PEM; convert it with: openssl pkcs8 -topk8 -nocrypt"
        : "it is not a private key",
    );
  }
  let algorithm = options.algorithm;
  try {
    const bytes = fromBase64(body.replace(/\s/g, ""));
    algorithm ??= kindOf(bytes);
    const { subtle } = crypto;
    const key = await subtle.importKey("pkcs8", bytes as BufferSource, IMPORT[algorithm!], true, ["sign"]);
    return signer(key, algorithm!, publicHalf(await subtle.exportKey("jwk", key)), options.keyId);
  } catch {
    throw unusable(algorithm ? `it is no key for ${algorithm}` : "use EC P-256, P-384, Ed25519 or RSA");
  }
}

function kindOf(bytes: Uint8Array): SigningAlgorithm | undefined {
  const start = Array.from(bytes.subarray(0, 48), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return KINDS.find(([identifier]) => start.includes(identifier))?.[1];
}

function publicHalf({ kty, crv, x, y, n, e }: JsonWebKey): JsonWebKey {
  return kty === "RSA" ? { kty, n, e } : y === undefined ? { kty, crv, x } : { kty, crv, x, y };
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
  const full = { alg: key.algorithm, ...(key.keyId ? { kid: key.keyId } : {}), ...header };
  const encode = (part: unknown) => toBase64Url(new TextEncoder().encode(JSON.stringify(part)));
  const input = `${encode(full)}.${encode(claims)}`;
  return `${input}.${toBase64Url(await key.sign(new TextEncoder().encode(input)))}`;
}

/** The thumbprint of a public key (RFC 7638), as `jkt` has it. */
export async function thumbprint({ crv, e, kty, n, x, y }: JsonWebKey): Promise<string> {
  // the members in the order of the alphabet, as section 3.2 asks; undefined ones drop out
  return await sha256(JSON.stringify({ crv, e, kty, n, x, y }));
}
