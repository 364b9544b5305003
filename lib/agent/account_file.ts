/**
 * The text of an account file of oidc-agent: every form is read, today's is written, so that the original can read it.
 *
 * ```
 * 1  the length of the secretbox, in bytes
 * 2  the nonce                                                     base64
 * 3  the salt                                                      base64
 * 4  24:16:16:32:1:2:67108864:2
 * 5  the secretbox                                                 base64
 * 6  the second half of the derived bytes, to check the password   base64
 * 7  Generated using version: 5.3.3
 * ```
 *
 * Before 2.1.0: `length:salt:nonce:box` in one line of hexadecimal. With gpg: a PGP message, and the seventh line.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { toBase64 } from "../bytes.ts";
import { TokenError } from "../errors.ts";
import {
  type AccountKey,
  accountKey,
  legacyKeys,
  NONCE_LENGTH,
  PARAMETERS,
  SALT_LENGTH,
  seal,
  unseal,
} from "./account_key.ts";
import { FILE_VERSION } from "./file_version.ts";
import { isPgpMessage, openPgpMessage, recipientOf, sealPgpMessage } from "./gpg.ts";

/** What closes an account's file. */
export type AccountSeal =
  | { readonly kind: "password"; readonly key: AccountKey }
  | { readonly kind: "gpg"; readonly recipient: string };

/** What opens an account's file: a password, or the key that a password was made into. */
export type AccountOpener = { readonly password: string } | { readonly key: AccountKey };

/** An account's file, opened. */
export interface OpenedAccount {
  /** JSON, as it was written. */
  readonly text: string;
  /** What closes it again. */
  readonly seal: AccountSeal;
}

/** How a file is closed, as far as its text shows. */
export type AccountFileForm = "password" | "legacy" | "gpg" | "plain" | "unknown";

const LEGACY = /^(\d{1,7}):([0-9a-f]{32}):([0-9a-f]{48}):((?:[0-9a-f]{2})+)$/;

/** Which of the forms a text has. */
export function formOf(text: string): AccountFileForm {
  if (isPgpMessage(text)) return "gpg";
  const start = text.trimStart();
  if (start.startsWith("{")) return "plain";
  if (LEGACY.test(text.trim().split("\n")[0].trim())) return "legacy";
  return text.split("\n").length >= 7 ? "password" : "unknown";
}

/**
 * Opens an account's file that a password closes.
 *
 * @returns nothing when the password is wrong
 * @throws {TokenError} `storage` when the file is broken or of no known form
 */
export async function openWithPassword(
  text: string,
  opener: AccountOpener,
): Promise<OpenedAccount | undefined> {
  switch (formOf(text)) {
    case "password":
      return await openCurrent(text, opener);
    case "legacy":
      return "password" in opener ? await openLegacy(text, opener.password) : undefined;
    default:
      throw broken();
  }
}

/**
 * Opens an account's file that gpg closes.
 *
 * @throws {TokenError} `key` when gpg does not, `storage` when it cannot be said for whom it would be closed again
 */
export async function openWithGpg(text: string): Promise<OpenedAccount> {
  const recipient = recipientOf(text);
  if (!recipient) throw broken();
  return { text: await openPgpMessage(text), seal: { kind: "gpg", recipient } };
}

/** The text of a file in today's form. */
export async function writeAccountText(text: string, closing: AccountSeal): Promise<string> {
  const version = `Generated using version: ${FILE_VERSION}`;
  if (closing.kind === "gpg") return `${await sealPgpMessage(text, closing.recipient)}\n${version}`;
  const { salt, cipher, check } = closing.key;
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_LENGTH));
  const box = seal(text, cipher, nonce);
  return [
    box.length,
    toBase64(nonce),
    toBase64(salt),
    PARAMETERS,
    toBase64(box),
    toBase64(check),
    version,
  ].join("\n");
}

async function openCurrent(text: string, opener: AccountOpener): Promise<OpenedAccount | undefined> {
  const [length, nonce, salt, , box, check] = text.split("\n").map((line) => line.trim());
  const parts = { nonce: bytesOf(nonce), salt: bytesOf(salt), box: bytesOf(box), check: bytesOf(check) };
  const isWhole = parts.nonce.length === NONCE_LENGTH && parts.salt.length === SALT_LENGTH &&
    parts.check.length === 32 && parts.box.length === Number(length) && parts.box.length > 16;
  if (!isWhole) throw broken();
  const key = "key" in opener ? opener.key : await accountKey(opener.password, parts.salt);
  if (!same(key.salt, parts.salt) || !same(key.check, parts.check)) return undefined;
  const plain = unseal(parts.box, key.cipher, parts.nonce);
  if (plain === undefined) throw broken();
  return { text: plain, seal: { kind: "password", key } };
}

async function openLegacy(text: string, password: string): Promise<OpenedAccount | undefined> {
  const [, , salt, nonce, box] = LEGACY.exec(text.trim().split("\n")[0].trim())!;
  const hex = (digits: string) => new Uint8Array(Buffer.from(digits, "hex"));
  for await (const key of legacyKeys(password, hex(salt))) {
    const plain = unseal(hex(box), key, hex(nonce));
    // what is written next is in today's form, under a salt of its own
    if (plain !== undefined) {
      return { text: plain, seal: { kind: "password", key: await accountKey(password) } };
    }
  }
  return undefined;
}

function bytesOf(text = ""): Uint8Array {
  return new Uint8Array(Buffer.from(text, "base64"));
}

/** No secret is compared: whoever reads the file reads both. */
function same(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}

function broken(): TokenError {
  return new TokenError("storage", "Cannot read the account: its file is broken or of an unknown form", {
    nextStep: "Put it back from a backup, or make the account again with oidc-gen",
  });
}
