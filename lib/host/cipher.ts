/**
 * AES-256-GCM in one call, on this thread.
 *
 * Web Crypto hands its work to other threads. On Node, and on a busy machine everywhere, the way there and back takes
 * longer than a kilobyte takes to be encrypted, just between the server's answer and the disk.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createCipheriv } from "node:crypto";
import type { Cipher } from "../store/envelope.ts";

/** The cipher of the files of a workstation. What it returns encrypts once: a second time is an error of the runtime's. */
export const threadCipher: Cipher = (key, nonce, additionalData) => {
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  cipher.setAAD(additionalData);
  return (plaintext) => Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
};
