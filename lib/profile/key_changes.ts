/**
 * Changing what opens the master key of a profile: another slot, only one slot, none.
 *
 * @module
 */

import type { Host } from "../host/host.ts";
import { holdChosen, knownTo } from "./known_keys.ts";
import { readKeyRecord, readWholeKeyRecord, removeKeyRecord, writeKeyRecord } from "./key_record.ts";
import { isSlotOf, type KeptProtection, makeSlot, removeSlots } from "./key_slots.ts";
import { type KeyedProfile, openKey } from "./profile_key.ts";

/**
 * Puts a second slot beside the one of a profile. Nothing else changes: the profile still opens as it did.
 *
 * @returns whether there is a new slot; there is none where the key is kept in that way already
 */
export async function addSlot(
  host: Host,
  profile: KeyedProfile,
  protect: KeptProtection,
  passphrase?: string,
): Promise<boolean> {
  const master = await openKey(host, profile);
  const record = (await readKeyRecord(host, profile.name))!;
  const owner = { name: profile.name, id: record.id };
  // a passphrase may always become another one
  if (protect.kind !== "passphrase" && record.slots.some((slot) => isSlotOf(slot, protect))) return false;
  const slot = await makeSlot(host, owner, protect, master, passphrase);
  await writeKeyRecord(host, profile.name, { ...record, slots: [slot, ...record.slots] });
  if (slot.kind === "passphrase") await holdChosen(host, record.id, master);
  return true;
}

/** Leaves of the slots of a profile only the newest that its protection names. */
export async function dropOtherSlots(host: Host, { name, protect }: KeyedProfile): Promise<void> {
  const record = await readKeyRecord(host, name);
  const kept = record?.slots.find((slot) => isSlotOf(slot, protect));
  if (!record || !kept || record.slots.length === 1) return;
  await writeKeyRecord(host, name, { ...record, slots: [kept] });
  const others = record.slots.filter(({ kind }) => kind !== kept.kind);
  await removeSlots(host, { name, id: record.id }, others);
}

/** Forgets the key of a profile, and with it all that it opens. */
export async function dropKey(host: Host, name: string): Promise<void> {
  const record = await readWholeKeyRecord(host, name);
  removeKeyRecord(host, name);
  if (!record) return;
  const { opened, holder } = knownTo(host);
  opened.delete(record.id);
  await holder.forget(record.id);
  await removeSlots(host, { name, id: record.id }, record.slots);
}
