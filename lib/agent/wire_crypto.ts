/**
 * The encryption of the oidc-agent wire, that of NaCl's box: X25519, HSalsa20, XSalsa20-Poly1305.
 *
 * It keeps out who only reads along. It proves nothing about either side: that is what the socket's directory is for.
 *
 * @module
 */

import { hsalsa, xsalsa20poly1305 } from "@noble/ciphers/salsa.js";
import {
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from "node:crypto";

/** A pair of keys for one connection. */
export interface WireKeys {
  /** 32 bytes, for the other side. */
  readonly publicKey: Uint8Array;
  /**
   * The key that both sides come to (`crypto_box_beforenm`).
   *
   * @returns nothing for a public key of small order, with which anybody could come to it
   */
  sharedKey(peer: Uint8Array): Uint8Array | undefined;
}

/** Bytes of a public key. */
export const PUBLIC_KEY = 32;
/** Bytes of a nonce. */
export const NONCE = 24;
/** By how many bytes a message is longer when it is sealed. */
export const TAG = 16;

/** What stands before the 32 bytes of an X25519 public key in a SubjectPublicKeyInfo (RFC 8410). */
const SPKI = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x03, 0x21, 0x00];
/** "expand 32-byte k", as little-endian words. */
const SIGMA = new Uint32Array([0x61707865, 0x3320646e, 0x79622d32, 0x6b206574]);

/** Makes a pair of keys. The runtime's own X25519 takes a tenth of a millisecond; one in JavaScript takes ten times that. */
export function wireKeys(): WireKeys {
  const { publicKey, privateKey } = generateKeyPairSync("x25519");
  return keysOf(privateKey, publicKey);
}

/** The pair of an existing private key. */
export function keysOf(privateKey: KeyObject, publicKey: KeyObject = createPublicKey(privateKey)): WireKeys {
  const spki = publicKey.export({ type: "spki", format: "der" });
  return {
    publicKey: new Uint8Array(spki.subarray(SPKI.length)),
    sharedKey: (peer) => {
      const point = sharedPoint(privateKey, peer);
      return point && hashed(point);
    },
  };
}

function sharedPoint(privateKey: KeyObject, peer: Uint8Array): Uint8Array | undefined {
  const key = new Uint8Array([...SPKI, ...peer]) as Uint8Array & { toString(): string };
  try {
    const publicKey = createPublicKey({ key: key as never, format: "der", type: "spki" });
    const point = new Uint8Array(diffieHellman({ privateKey, publicKey }));
    // some runtimes refuse a point of small order, others give zeros
    return point.some((byte) => byte !== 0) ? point : undefined;
  } catch {
    return undefined;
  }
}

/** HSalsa20 of the point with a nonce of zeros. */
function hashed(point: Uint8Array): Uint8Array {
  const view = new DataView(point.buffer, point.byteOffset, point.byteLength);
  const words = new Uint32Array(8).map((_, index) => view.getUint32(4 * index, true));
  const out = new Uint32Array(8);
  hsalsa(SIGMA, words, new Uint32Array(4), out);
  const bytes = new Uint8Array(32);
  const target = new DataView(bytes.buffer);
  out.forEach((word, index) => target.setUint32(4 * index, word, true));
  return bytes;
}

/** Seals a message (`crypto_secretbox_easy`). */
export function sealMessage(key: Uint8Array, nonce: Uint8Array, message: Uint8Array): Uint8Array {
  return xsalsa20poly1305(key, nonce).encrypt(message);
}

/** Opens a message; nothing when it was not sealed with that key. */
export function openMessage(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
  try {
    return xsalsa20poly1305(key, nonce).decrypt(sealed);
  } catch {
    return undefined;
  }
}

/** A nonce that was never used. */
export function freshNonce(): Uint8Array {
  return new Uint8Array(randomBytes(NONCE));
}
