/**
 * Keys as JSON (RFC 7517).
 *
 * @module
 */

/** A key as Web Crypto takes and gives it (RFC 7517 section 4, RFC 7518 section 6). Only the DOM's types have a global of this name. */
export interface JsonWebKey {
  /** The key type. */
  kty?: string;
  /** The curve of an elliptic-curve key. */
  crv?: string;
  /** The x coordinate, or the public key. */
  x?: string;
  /** The y coordinate. */
  y?: string;
  /** The modulus of an RSA key. */
  n?: string;
  /** The exponent of an RSA key. */
  e?: string;
  /** The private key, or the private exponent. */
  d?: string;
  /** The first prime of an RSA key. */
  p?: string;
  /** The second prime of an RSA key. */
  q?: string;
  /** The exponent of the first prime. */
  dp?: string;
  /** The exponent of the second prime. */
  dq?: string;
  /** The coefficient. */
  qi?: string;
  /** The further primes. */
  oth?: { d?: string; r?: string; t?: string }[];
  /** A symmetric key. */
  k?: string;
  /** The algorithm that it is for. */
  alg?: string;
  /** What it is for. */
  use?: string;
  /** What may be done with it. */
  key_ops?: string[];
  /** Whether Web Crypto gave it away. */
  ext?: boolean;
}
