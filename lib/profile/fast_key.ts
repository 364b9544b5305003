/**
 * The master key of a profile that the keyring or a passphrase protects, for a cached `get`: without what the careful way
 * loads to say what is wrong. Whatever is not plain and well gives nothing, and is left to that way.
 *
 * @module
 */

import type { FastIo } from "../host/fast_io.ts";
import { keyFromText } from "../host/key_text.ts";
import { unwrapKey } from "./_wrapped_key.ts";
import type { KeyRecord } from "./key_record.ts";

/**
 * The key, where there is one way to it and that is open. Throws, or returns nothing, where it is not.
 *
 * @param held asks whoever holds opened keys for one, by the id of its record
 */
export async function fastKey(
  io: FastIo,
  name: string,
  held: (id: string) => Promise<Uint8Array | undefined>,
): Promise<Uint8Array | undefined> {
  const bytes = io.read(`${io.data}/keys/${name}`);
  if (!bytes) return undefined;
  const text = new TextDecoder().decode(bytes);
  // the line before it has a digest, which tells what is wrong; that it is right, the envelope tells
  const { id, slots } = JSON.parse(text.slice(text.indexOf("\n") + 1)) as KeyRecord;
  const [slot] = slots;
  if (slots.length !== 1) return undefined;
  if (slot.kind === "passphrase") return await held(id);
  const secret = slot.kind === "keyring" ? await io.secret?.(id) : undefined;
  return secret === undefined ? undefined : await unwrapKey(keyFromText(secret), id, slot.wrapped);
}
