/**
 * The master key of a profile: 32 random bytes under which everything that is kept of its sign-in is encrypted.
 *
 * @module
 */

import { toHex } from "../bytes.ts";
import { isTokenError, TokenError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { holdChosen, knownTo } from "./known_keys.ts";
import { type KeySlot, readKeyRecord, readWholeKeyRecord, writeKeyRecord } from "./key_record.ts";
import {
  isSlotOf,
  keeperOf,
  type KeyOwner,
  makeSlot,
  type OpenKeyOptions,
  openSlot,
  openWithPassphrase,
  removeSlots,
} from "./key_slots.ts";
import { filedPassphrase, newPassphrase, nobodyToAsk } from "./passphrase.ts";
import type { Profile } from "./profile.ts";

export type { OpenKeyOptions };

/** What of a profile leads to its key. */
export type KeyedProfile = Pick<Profile, "name" | "protect">;

const TRIES = 3;
/**
 * The master key of a profile.
 *
 * @throws {TokenError} `key` when it cannot be opened: its slot is gone, locked, or needs a passphrase that is not
 * given; `storage`
 */
export async function openKey(
  host: Host,
  profile: KeyedProfile,
  options: OpenKeyOptions = {},
): Promise<Uint8Array> {
  const { name, protect } = profile;
  const record = await readKeyRecord(host, name);
  if (!record) throw withoutRecord(name);
  const slots = record.slots.filter((slot) => isSlotOf(slot, protect));
  if (slots.length === 0) throw withoutSlot(profile);
  const { opened, holder } = knownTo(host);
  const owner = { name, id: record.id };
  const before = opened.get(record.id);
  // the file is cheap to read, and whoever takes it away means it
  if (before && protect.kind !== "key-file") return before;
  const key = slots[0].kind === "passphrase"
    ? await holder.get(record.id) ?? await byPassphrase(host, owner, slots, options)
    : await openSlot(host, owner, slots[0], options);
  opened.set(record.id, key);
  return key;
}

async function byPassphrase(
  host: Host,
  owner: KeyOwner,
  slots: readonly KeySlot[],
  { ask = true, signal }: OpenKeyOptions,
): Promise<Uint8Array> {
  const { holder, refused } = knownTo(host);
  const open = async (passphrase: string, typed: boolean) => {
    for (const slot of slots) {
      const key = slot.kind === "passphrase" && await openWithPassphrase(owner, slot, passphrase);
      if (!key) continue;
      await holder.put(owner.id, key, { typed });
      return key;
    }
  };
  if (!ask) throw nobodyToAsk(owner.name);
  const refusal = refused.get(owner.id);
  if (refusal) throw refusal;
  const filed = await filedPassphrase(host, "present");
  if (filed !== undefined) {
    const key = await open(filed, false);
    if (key) return key;
    throw wrongPassphrase(owner.name);
  }
  if (!host.terminal) throw nobodyToAsk(owner.name);
  for (let tries = 0; tries < TRIES; tries++) {
    if (tries > 0) host.say("That is not the passphrase.");
    const question = `The passphrase of "${owner.name}"`;
    const typed = await host.terminal.askSecret(question, { signal }).catch((error) => {
      // whoever would not say it is not asked again for the next thing that it opens
      if (isTokenError(error) && !signal?.aborted) refused.set(owner.id, error);
      throw error;
    });
    const key = await open(typed, true);
    if (key) return key;
  }
  const error = wrongPassphrase(owner.name);
  refused.set(owner.id, error);
  throw error;
}

/**
 * Makes sure, before anybody signs in, that the key which is to protect the sign-in can be opened or made; asks for a
 * new passphrase where one is needed. Writes nothing.
 *
 * @throws {TokenError} `key` when it is locked, when a passphrase is wrong, when something else is in its place
 */
export async function prepareKey(host: Host, profile: KeyedProfile, signal?: AbortSignal): Promise<void> {
  const { name, protect } = profile;
  if (protect.kind === "memory") return;
  const record = await readWholeKeyRecord(host, name);
  const slot = record?.slots.find((slot) => isSlotOf(slot, protect));
  if (protect.kind === "passphrase") {
    if (slot) await openKey(host, profile, { signal });
    else knownTo(host).chosen.set(name, await newPassphrase(host, name, signal));
  } else if (protect.kind !== "key-file") {
    const keeper = await keeperOf(host, protect.kind);
    const state = await keeper.state();
    if (state === "absent") throw noKeeper(protect.kind, keeper.title);
    if (state !== "locked") return;
    // whoever can be asked is asked now, and not after the sign-in
    if (slot) return void await openKey(host, profile, { signal });
    if (!host.terminal) throw lockedAway(keeper.title);
    const trial = { id: "0", label: "apex-token: a trial" };
    await keeper.write(trial, "a trial", signal);
    await keeper.remove(trial);
  }
}

/**
 * The key for a sign-in that is about to be kept: the one that is there, or a new one. The caller holds the lock.
 *
 * @param before the profile as it was, whose key is kept where it opens without asking
 */
export async function ensureKey(
  host: Host,
  profile: KeyedProfile,
  before?: KeyedProfile,
): Promise<Uint8Array> {
  const { name, protect } = profile;
  if (protect.kind === "memory") throw new TokenError("internal", "Nothing is kept, so there is no key");
  const { opened, chosen } = knownTo(host);
  const record = await readWholeKeyRecord(host, name);
  const usable = record && (record.slots.some((slot) => isSlotOf(slot, protect)) ? profile : before);
  const key = usable && await openKey(host, usable, { ask: usable === profile }).catch(unlessUnusable);
  if (key && usable === profile) return key;
  const id = key ? record.id : toHex(crypto.getRandomValues(new Uint8Array(16)));
  const master = key ?? crypto.getRandomValues(new Uint8Array(32));
  const slot = await makeSlot(host, { name, id }, protect, master, chosen.get(name));
  await writeKeyRecord(host, name, { id, slots: key ? [slot, ...record.slots] : [slot] });
  if (record && !key) await removeSlots(host, { name, id: record.id }, record.slots);
  opened.set(id, master);
  chosen.delete(name);
  if (slot.kind === "passphrase") await holdChosen(host, id, master);
  return master;
}

/** A key that does not open any more is replaced by a new one; one that is only locked away is not. */
function unlessUnusable(error: unknown): undefined {
  if (!isTokenError(error) || error.code !== "key") throw error;
}

function withoutRecord(name: string): TokenError {
  return new TokenError("key", `Cannot open the key of "${name}": its key record is gone`, {
    nextStep: `Put it back from a backup, or sign in again: apex-token login ${name}`,
  });
}

function withoutSlot({ name, protect }: KeyedProfile): TokenError {
  return new TokenError(
    "key",
    `Cannot open the key of "${name}": nothing in its record is for ${protect.kind}`,
    {
      nextStep: `Sign in again: apex-token login ${name}`,
    },
  );
}

function wrongPassphrase(name: string): TokenError {
  return new TokenError("key", `Cannot open the key of "${name}": the passphrase is wrong`, {
    nextStep:
      `Try again; if it is lost, forget the sign-in and begin anew: apex-token logout ${name}, apex-token login ${name}`,
  });
}

function noKeeper(kind: "keyring" | "systemd-creds", title: string): TokenError {
  const remedy = kind === "keyring"
    ? "run it where one is logged in to a desktop"
    : "see what this machine has: systemd-creds --version (256 or newer is needed, and a running systemd)";
  return new TokenError(
    "key",
    `Cannot protect a sign-in with --protect ${kind}: ${title} does not answer here`,
    { nextStep: `Use --protect key-file or --protect passphrase, or ${remedy}` },
  );
}

function lockedAway(title: string): TokenError {
  return new TokenError(
    "key",
    `Cannot protect a sign-in: ${title} is locked, and nobody can unlock it here`,
    {
      nextStep: "Unlock it and try again, or choose: --protect key-file, --protect passphrase",
    },
  );
}
