/**
 * One way to a master key: made, opened, forgotten.
 *
 * @module
 */

import { toBase64 } from "../bytes.ts";
import { isTokenError, TokenError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { createKeyFile, readKeyFile } from "../host/key_file.ts";
import { keyFromText, keyToText } from "../host/key_text.ts";
import { type Keyring, systemKeyring } from "../host/keyring.ts";
import { keyFromPassphrase, newDerivation } from "../host/passphrase_key.ts";
import { systemdCreds } from "../host/systemd_creds.ts";
import type { KeySlot } from "./key_record.ts";
import { newPassphrase } from "./passphrase.ts";
import { decoded, unwrapKey, wrapKey } from "./_wrapped_key.ts";
import type { Protection } from "./profile.ts";

/** What keeps something; `memory` keeps nothing. */
export type KeptProtection = Exclude<Protection, { kind: "memory" }>;

/** Whose key it is. */
export interface KeyOwner {
  /** The profile. */
  readonly name: string;
  /** The id of its key record. */
  readonly id: string;
}

/** Whoever keeps a secret for the kinds of protection that have somebody. */
export async function keeperOf(
  host: Host,
  kind: "keyring" | "systemd-creds",
  { ask = true }: OpenKeyOptions = {},
): Promise<Keyring> {
  const { platform, environment, clock, terminal } = host;
  const surroundings = { platform, environment, clock, terminal: ask ? terminal : undefined };
  return kind === "keyring" ? await systemKeyring(surroundings) : systemdCreds(surroundings);
}

/** How a key is opened. */
export interface OpenKeyOptions {
  /** Whether a person may be asked. Default: true. */
  readonly ask?: boolean;
  readonly signal?: AbortSignal;
}

/** Whether a slot belongs to a protection. */
export function isSlotOf(slot: KeySlot, protect: Protection): boolean {
  return slot.kind === "key-file"
    ? protect.kind === "key-file" && slot.path === protect.path
    : slot.kind === protect.kind;
}

/**
 * A slot that opens `master`.
 *
 * @param passphrase the new passphrase, where it was asked for already
 * @throws {TokenError} `key`, `storage`
 */
export async function makeSlot(
  host: Host,
  owner: KeyOwner,
  protect: KeptProtection,
  master: Uint8Array,
  passphrase?: string,
): Promise<KeySlot> {
  switch (protect.kind) {
    case "key-file": {
      const wrapped = await wrapKey(await createKeyFile(protect.path), owner.id, master);
      return { kind: "key-file", path: protect.path, wrapped };
    }
    case "passphrase": {
      const salt = crypto.getRandomValues(new Uint8Array(16));
      const derivation = await newDerivation();
      const chosen = passphrase ?? await newPassphrase(host, owner.name);
      const key = await keyFromPassphrase(chosen, salt, derivation);
      return {
        kind: "passphrase",
        derivation,
        salt: toBase64(salt),
        wrapped: await wrapKey(key, owner.id, master),
      };
    }
    default: {
      const keeper = await keeperOf(host, protect.kind);
      const key = crypto.getRandomValues(new Uint8Array(32));
      const note = await keeper.write(itemOf(owner), keyToText(key).trimEnd());
      const wrapped = await wrapKey(key, owner.id, master);
      return { kind: protect.kind, ...(note === undefined ? {} : { note }), wrapped };
    }
  }
}

/**
 * The master key by a slot that needs no passphrase.
 *
 * @throws {TokenError} `key` when the slot's own key is gone, locked away or another one
 */
export async function openSlot(
  host: Host,
  owner: KeyOwner,
  slot: Exclude<KeySlot, { kind: "passphrase" }>,
  options: OpenKeyOptions = {},
): Promise<Uint8Array> {
  if (slot.kind === "key-file") return await unwrap(keyInFile(slot.path, owner), owner, slot);
  const keeper = await keeperOf(host, slot.kind, options);
  const item = { ...itemOf(owner), note: slot.note };
  const text = await keeper.read(item, options.signal).catch((error) => {
    throw isTokenError(error) && error.code === "key" ? withWaysOut(error, owner) : error;
  });
  if (text === undefined) {
    throw new TokenError("key", `Cannot open the key of "${owner.name}": it is not in ${keeper.title}`, {
      nextStep: `Sign in again: apex-token login ${owner.name}`,
    });
  }
  return await unwrap(keyFromText(text, `the key of "${owner.name}" in ${keeper.title}`), owner, slot);
}

/** The key in a file; what is wrong with it is said with the command that makes another. */
function keyInFile(path: string, { name }: KeyOwner): Uint8Array {
  try {
    return readKeyFile(path);
  } catch (error) {
    if (!isTokenError(error)) throw error;
    const nextStep = error.nextStep?.replace("`apex-token login`", `\`apex-token login ${name}\``);
    throw new TokenError(error.code, error.message, { ...error, nextStep });
  }
}

/** A keeper that does not give the key away here may do so elsewhere; and there are other keepers. */
function withWaysOut(error: TokenError, { name }: KeyOwner): TokenError {
  const anew = `begin anew in another way: apex-token login ${name} --protect key-file`;
  return new TokenError("key", `Cannot open the key of "${name}". ${error.message}`, {
    ...error,
    nextStep: error.nextStep ? `${error.nextStep}; or ${anew}` : anew,
  });
}

/**
 * The master key by a passphrase.
 *
 * @returns nothing when the passphrase is wrong
 */
export async function openWithPassphrase(
  owner: KeyOwner,
  slot: KeySlot & { kind: "passphrase" },
  passphrase: string,
): Promise<Uint8Array | undefined> {
  const key = await keyFromPassphrase(passphrase, decoded(slot.salt), slot.derivation);
  try {
    return await unwrapKey(key, owner.id, slot.wrapped);
  } catch (error) {
    if (isTokenError(error) && error.code === "key") return undefined;
    throw error;
  }
}

/** Forgets what a slot left outside of the record. A key file may open other profiles too: it stays. */
async function removeSlot(host: Host, owner: KeyOwner, slot: KeySlot): Promise<void> {
  if (slot.kind === "keyring") await (await keeperOf(host, slot.kind)).remove(itemOf(owner));
}

/** What cannot be removed is worth nothing without the record, and is named. */
export async function removeSlots(host: Host, owner: KeyOwner, slots: readonly KeySlot[]): Promise<void> {
  for (const slot of slots) {
    try {
      await removeSlot(host, owner, slot);
    } catch (error) {
      if (!isTokenError(error)) throw error;
      host.say(
        `A key of "${owner.name}" that opens nothing any more stays in the ${slot.kind}: ${error.message}.`,
      );
    }
  }
}

function itemOf({ id, name }: KeyOwner): { id: string; label: string } {
  return { id, label: `apex-token: key of the profile ${name}` };
}

async function unwrap(
  key: Uint8Array,
  owner: KeyOwner,
  slot: KeySlot & { wrapped: string },
): Promise<Uint8Array> {
  try {
    return await unwrapKey(key, owner.id, slot.wrapped);
  } catch (error) {
    if (!isTokenError(error) || error.code !== "key") throw error;
    const where = slot.kind === "key-file" ? `in ${slot.path}` : `in the ${slot.kind}`;
    throw new TokenError("key", `Cannot open the key of "${owner.name}": the key ${where} is another one`, {
      nextStep: `Put the key back with which it was made, or sign in again: apex-token login ${owner.name}`,
    });
  }
}
