/**
 * The account files of this person as stores: an account lives in its file and nowhere else.
 *
 * | in the directory of oidc-agent | what |
 * | --- | --- |
 * | `NAME` | the account; its version is the fingerprint of the file, so that a write of the original changes it too |
 * | `.apex-token/attempts/NAME/` | what a renewal notes before it presents a refresh token, and the answer |
 * | `.apex-token/locks/NAME`, `.apex-token/writers/NAME` | the right to present, the right to replace the file |
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { rmSync } from "node:fs";
import { isTokenError, TokenError } from "../errors.ts";
import { type FileDriver, fileDriver } from "../host/file_driver.ts";
import { fileStore } from "../host/file_store.ts";
import type { Host } from "../host/host.ts";
import { createKeyFile, readKeyFile } from "../host/key_file.ts";
import { acquireLock } from "../host/lock.ts";
import { ensurePrivateDirectory } from "../host/private_files.ts";
import { readSharedFile, writeSharedFile } from "../host/shared_files.ts";
import { defaultKeyPath } from "../profile/session_home.ts";
import { safeText } from "../safe_text.ts";
import type { Store } from "../store/store.ts";
import type { AccountOpener, AccountProtection, AccountStore, OpenAccount } from "./account.ts";
import {
  type AccountSeal,
  formOf,
  type OpenedAccount,
  openWithGpg,
  openWithPassword,
  writeAccountText,
} from "./account_file.ts";
import { type AccountKey, accountKey, SALT_LENGTH } from "./account_key.ts";
import { recipientOf } from "./gpg.ts";
import { assignAccount, issuerSettings, unassignAccount } from "./issuer_config.ts";
import { withoutDoubles } from "./json_members.ts";
import { accountNames, accountPath, besideAccounts } from "./oidc_directory.ts";

/** The longest account file, in bytes. */
const LIMIT = 1024 * 1024;

/** What closes the file of a new account. */
export type AccountClosing =
  | { readonly password: string }
  | { readonly key: Uint8Array }
  | { readonly recipient: string };

/** {@linkcode AccountStore}, and what only the command lines do to the files. */
export interface AccountFiles extends AccountStore {
  /** Whether there is a file of that name. */
  has(name: string): boolean;
  /** The bytes of a file as they are. */
  raw(name: string): Uint8Array | undefined;
  /**
   * Writes an account in place of the one of that name, whatever is there: a new sign-in, or a new password. Waits for
   * a renewal that is under way.
   *
   * @param text its JSON
   * @returns what opens it again, as {@linkcode OpenAccount.key}
   */
  replace(name: string, text: string, closing: AccountClosing): Promise<Uint8Array | undefined>;
  /** Forgets an account: its file, what is beside it, and its place in `issuer.config`. Returns whether there was one. */
  remove(name: string): Promise<boolean>;
  /** For whom a file is that gpg closes. */
  recipient(name: string): string | undefined;
  /** Takes an account out of `issuer.config`. */
  unassign(account: string): void;
}

/** The account files in this person's directory of oidc-agent. */
export function accountFiles(host: Host): AccountFiles {
  const has = (name: string) => readRaw(host, name) !== undefined;
  return {
    names: () => accountNames(host),
    has,
    raw: (name) => readRaw(host, name),
    protection: (name) => protectionOf(host, name),
    open: (name, opener) => open(host, name, opener),
    issuers: () => issuerSettings(host),
    assign: (issuer, account) => assignAccount(host, issuer, account),
    recipient: (name) => {
      const bytes = readRaw(host, name);
      return bytes && recipientOf(textOf(bytes));
    },
    unassign: (account) => unassignAccount(host, account),
    replace: (name, text, closing) => replace(host, name, text, closing),
    remove: async (name) => {
      const there = has(name);
      await inTurn(host, name, async () => {
        await fileStore(`${besideAccounts(host)}/attempts`).remove(name);
        rmSync(accountPath(host, name), { force: true });
      });
      unassignAccount(host, name);
      return there;
    },
  };
}

function readRaw(host: Host, name: string): Uint8Array | undefined {
  return readSharedFile(accountPath(host, name), { limit: LIMIT });
}

function protectionOf(host: Host, name: string): AccountProtection | undefined {
  const bytes = readRaw(host, name);
  if (!bytes) return undefined;
  return formOf(textOf(bytes)) === "gpg" ? "gpg" : "password";
}

async function open(host: Host, name: string, opener: AccountOpener): Promise<OpenAccount> {
  const bytes = readRaw(host, name);
  if (!bytes) throw unknown(name);
  const { text, seal } = await opened(name, textOf(bytes), opener);
  // the password alone opens a file of before 2.1.0, and it is not kept
  if (formOf(textOf(bytes)) === "legacy") await write(host, name, text, seal);
  const { forget: _forget, ...driver } = driverOf(host, name, seal);
  return {
    ...driver,
    name,
    sessions: sessionsIn(host, name, seal),
    ...(seal.kind === "password" ? { key: packed(seal.key) } : {}),
  };
}

async function opened(name: string, text: string, opener: AccountOpener): Promise<OpenedAccount> {
  const isGpg = formOf(text) === "gpg";
  if ("gpg" in opener) {
    if (isGpg) return await openWithGpg(text);
    throw new TokenError("key", `The account "${safeText(name, 80)}" is protected by a password`, {
      nextStep: `Run: oidc-add ${name}`,
    });
  }
  if (isGpg) return await openWithGpg(text);
  const found = await openWithPassword(text, "key" in opener ? { key: unpacked(opener.key) } : opener);
  if (found) return found;
  throw new TokenError("key", `Cannot open the account "${safeText(name, 80)}": the password is wrong`, {
    nextStep: `Try again, or make the account again: oidc-gen ${name}`,
  });
}

/** The file as a store of one record. */
function sessionsIn(host: Host, name: string, seal: AccountSeal): Store {
  const opener: AccountOpener = seal.kind === "gpg" ? { gpg: true } : { key: packed(seal.key) };
  const read = async () => {
    const bytes = readRaw(host, name);
    if (!bytes) return undefined;
    const { text } = await opened(name, textOf(bytes), opener).catch((error) => {
      throw isTokenError(error) && error.code === "key" ? changed(name) : error;
    });
    return { version: fingerprintOf(bytes), value: new TextEncoder().encode(withoutDoubles(text)) };
  };
  return {
    capabilities: { compareAndSet: true, lease: false, durable: true, strongRead: true },
    read,
    compareAndSet: async (_name, expected, value) => {
      const text = await writeAccountText(textOf(value), seal);
      return await inTurn(host, name, () => {
        const bytes = readRaw(host, name);
        if ((bytes && fingerprintOf(bytes)) !== expected) return Promise.resolve(undefined);
        const written = new TextEncoder().encode(text);
        writeSharedFile(accountPath(host, name), written);
        return Promise.resolve(fingerprintOf(written));
      });
    },
    remove: async (_name, expected) =>
      await inTurn(host, name, () => {
        const bytes = readRaw(host, name);
        if (!bytes || (expected !== undefined && fingerprintOf(bytes) !== expected)) {
          return Promise.resolve(false);
        }
        rmSync(accountPath(host, name), { force: true });
        return Promise.resolve(true);
      }),
  };
}

async function replace(
  host: Host,
  name: string,
  text: string,
  closing: AccountClosing,
): Promise<Uint8Array | undefined> {
  const seal: AccountSeal = "recipient" in closing ? { kind: "gpg", recipient: closing.recipient } : {
    kind: "password",
    key: "key" in closing ? unpacked(closing.key) : await accountKey(closing.password),
  };
  await write(host, name, text, seal);
  return seal.kind === "password" ? packed(seal.key) : undefined;
}

async function write(host: Host, name: string, text: string, seal: AccountSeal): Promise<void> {
  const path = accountPath(host, name);
  const written = new TextEncoder().encode(await writeAccountText(text, seal));
  const { lock, sessions: _sessions } = driverOf(host, name, seal);
  const held = await lock(() => false);
  try {
    // what was noted of the sign-in before means nothing to the new one
    await fileStore(`${besideAccounts(host)}/attempts`).remove(name);
    await inTurn(host, name, () => Promise.resolve(writeSharedFile(path, written)));
  } finally {
    held?.release();
  }
}

function driverOf(host: Host, name: string, seal: AccountSeal): FileDriver {
  const { clock } = host;
  const key = () => {
    if (seal.kind === "password") return seal.key.cipher;
    return readKeyFile(defaultKeyPath(host));
  };
  const driver = fileDriver({ directory: besideAccounts(host), name, key, clock });
  if (seal.kind === "password") return driver;
  // gpg gives no key to seal a record with: this machine's own does
  const prepare = async () => {
    await createKeyFile(defaultKeyPath(host));
    await driver.prepare();
  };
  return { ...driver, prepare };
}

/** One writer of a file at a time: what compare-and-set needs where a name is given by `rename`. */
async function inTurn<T>(host: Host, name: string, work: () => Promise<T>): Promise<T> {
  const writers = `${besideAccounts(host)}/writers`;
  ensurePrivateDirectory(writers);
  const lock = await acquireLock(`${writers}/${name}`, { clock: host.clock });
  try {
    return await work();
  } finally {
    lock?.release();
  }
}

function packed({ salt, cipher, check }: AccountKey): Uint8Array {
  return new Uint8Array(Buffer.concat([salt, cipher, check]));
}

function unpacked(bytes: Uint8Array): AccountKey {
  if (bytes.length !== SALT_LENGTH + 64) throw new TokenError("key", "Cannot use the key of the account");
  return {
    salt: bytes.slice(0, SALT_LENGTH),
    cipher: bytes.slice(SALT_LENGTH, SALT_LENGTH + 32),
    check: bytes.slice(SALT_LENGTH + 32),
  };
}

function fingerprintOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function unknown(name: string): TokenError {
  return new TokenError("unknown_profile", `There is no account "${safeText(name, 80)}"`, {
    nextStep: `Make it: oidc-gen ${name}`,
  });
}

function changed(name: string): TokenError {
  return new TokenError("key", `The account "${safeText(name, 80)}" was written with another password`, {
    nextStep: `Load it again: oidc-add ${name}`,
  });
}
