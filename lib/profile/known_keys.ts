/**
 * What this process knows of keys, so that nobody is asked twice.
 *
 * @module
 */

import type { TokenError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { type KeyHolder, noKeyHolder } from "../host/key_holder.ts";
import { filedPassphrase } from "./passphrase.ts";

/** What this process knows of keys. */
export interface Known {
  holder: KeyHolder;
  /** Keys that took somebody's effort to open, by the id of their record. */
  readonly opened: Map<string, Uint8Array>;
  /** Keys that nobody could open although they were asked. */
  readonly refused: Map<string, TokenError>;
  /** Passphrases that were chosen before a sign-in began, by the name of the profile. */
  readonly chosen: Map<string, string>;
}

const known = new WeakMap<Host, Known>();

/** Of one host. */
export function knownTo(host: Host): Known {
  let found = known.get(host);
  if (!found) {
    known.set(
      host,
      found = { holder: noKeyHolder, opened: new Map(), refused: new Map(), chosen: new Map() },
    );
  }
  return found;
}

/** Keys that somebody had to be asked for are held by `holder` from now on. */
export function useKeyHolder(host: Host, holder: KeyHolder): void {
  knownTo(host).holder = holder;
}

/** A key under a new passphrase is held like one that an old passphrase has opened. */
export async function holdChosen(host: Host, id: string, key: Uint8Array): Promise<void> {
  const typed = await filedPassphrase(host, "fresh") === undefined;
  await knownTo(host).holder.put(id, key, { typed });
}
