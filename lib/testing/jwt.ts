/**
 * Signed JWTs (RFC 7515, RFC 7519) with Web Crypto.
 *
 * @module
 */

import { base64url, type Bytes, fromBase64url, utf8 } from "./bytes.ts";

/** A JSON object of which nothing is known yet. */
export type JsonObject = Record<string, unknown>;

/** A JWT taken apart; nothing of it is verified. */
export interface Jwt {
  readonly header: JsonObject;
  readonly claims: JsonObject;
  readonly signed: Bytes;
  readonly signature: Bytes;
}

interface Algorithms {
  readonly key: RsaHashedImportParams | EcKeyImportParams | HmacImportParams | Algorithm;
  readonly signature: RsaPssParams | EcdsaParams | Algorithm;
}

const rsa = (hash: string): Algorithms => ({
  key: { name: "RSASSA-PKCS1-v1_5", hash },
  signature: { name: "RSASSA-PKCS1-v1_5" },
});
const pss = (hash: string, saltLength: number): Algorithms => ({
  key: { name: "RSA-PSS", hash },
  signature: { name: "RSA-PSS", saltLength },
});
const ecdsa = (namedCurve: string, hash: string): Algorithms => ({
  key: { name: "ECDSA", namedCurve },
  signature: { name: "ECDSA", hash },
});
const hmac = (hash: string): Algorithms => ({ key: { name: "HMAC", hash }, signature: { name: "HMAC" } });
const ed25519: Algorithms = { key: { name: "Ed25519" }, signature: { name: "Ed25519" } };

const ALGORITHMS: ReadonlyMap<string, Algorithms> = new Map([
  ["RS256", rsa("SHA-256")],
  ["RS384", rsa("SHA-384")],
  ["RS512", rsa("SHA-512")],
  ["PS256", pss("SHA-256", 32)],
  ["PS384", pss("SHA-384", 48)],
  ["PS512", pss("SHA-512", 64)],
  ["ES256", ecdsa("P-256", "SHA-256")],
  ["ES384", ecdsa("P-384", "SHA-384")],
  ["ES512", ecdsa("P-521", "SHA-512")],
  ["EdDSA", ed25519],
  ["Ed25519", ed25519],
  ["HS256", hmac("SHA-256")],
  ["HS384", hmac("SHA-384")],
  ["HS512", hmac("SHA-512")],
]);

/** The `alg` values for which there are public keys. */
export const ASYMMETRIC_ALGORITHMS: readonly string[] = [...ALGORITHMS.keys()].filter((name) =>
  !name.startsWith("HS")
);

/** The `alg` values of a shared secret. */
export const SECRET_ALGORITHMS: readonly string[] = ["HS256", "HS384", "HS512"];

/** Takes a compact JWT apart; nothing when it is not one. */
export function parseJwt(text: string): Jwt | undefined {
  const parts = text.split(".");
  if (parts.length !== 3) return undefined;
  const [header, claims, signature] = parts.map((part) => fromBase64url(part));
  if (header === undefined || claims === undefined || signature === undefined) return undefined;
  const parsedHeader = parseObject(new TextDecoder().decode(header));
  const parsedClaims = parseObject(new TextDecoder().decode(claims));
  if (parsedHeader === undefined || parsedClaims === undefined) return undefined;
  return {
    header: parsedHeader,
    claims: parsedClaims,
    signed: utf8(`${parts[0]}.${parts[1]}`),
    signature,
  };
}

/** The JSON object that `text` is; nothing when it is anything else. */
export function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Whether `value` is a JSON object. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Signs a JWT; `header.alg` says how. */
export async function signJwt(header: JsonObject, claims: JsonObject, key: CryptoKey): Promise<string> {
  const signed = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(claims))}`;
  const signature = await crypto.subtle.sign(algorithms(header.alg).signature, key, utf8(signed));
  return `${signed}.${base64url(new Uint8Array(signature))}`;
}

/** Whether `jwt` was signed with the private half of `jwk`. */
export async function isSignedBy(jwt: Jwt, jwk: JsonWebKey): Promise<boolean> {
  const name = String(jwt.header.alg);
  if (!ASYMMETRIC_ALGORITHMS.includes(name)) return false;
  try {
    const { kty, crv, n, e, x, y } = jwk;
    const material = { kty, ...(kty === "RSA" ? { n, e } : kty === "EC" ? { crv, x, y } : { crv, x }) };
    const key = await crypto.subtle.importKey("jwk", material, algorithms(name).key, false, ["verify"]);
    return await verify(jwt, name, key);
  } catch {
    // The key does not fit the algorithm.
    return false;
  }
}

/** Whether `jwt` was made with the shared `secret`. */
export async function isMadeWith(jwt: Jwt, secret: string): Promise<boolean> {
  const name = String(jwt.header.alg);
  return SECRET_ALGORITHMS.includes(name) && await verify(jwt, name, await secretKey(name, secret));
}

/** A shared secret as a key for `algorithm`. */
export function secretKey(algorithm: string, secret: string): Promise<CryptoKey> {
  const { key } = algorithms(algorithm);
  return crypto.subtle.importKey("raw", utf8(secret), key, false, ["sign", "verify"]);
}

/** A new key pair for `algorithm`, one of the asymmetric ones. */
export async function newKeyPair(algorithm: string): Promise<CryptoKeyPair> {
  const { key } = algorithms(algorithm);
  const parameters = key.name.startsWith("RSA")
    ? { ...key, modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) }
    : key;
  return await crypto.subtle.generateKey(parameters, true, ["sign", "verify"]) as CryptoKeyPair;
}

async function verify(jwt: Jwt, name: string, key: CryptoKey): Promise<boolean> {
  return await crypto.subtle.verify(algorithms(name).signature, key, jwt.signature, jwt.signed);
}

function algorithms(name: unknown): Algorithms {
  const found = ALGORITHMS.get(String(name));
  if (found === undefined) throw new Error(`Cannot sign or verify with "${name}"`);
  return found;
}
