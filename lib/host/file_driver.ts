/**
 * The refresh protocol's ground on a workstation: encrypted files, a kernel's lock, room that is reserved, signals that
 * can wait.
 *
 * | in the state directory | what |
 * | --- | --- |
 * | `sessions/NAME/` | the session; each write is a new generation |
 * | `attempts/NAME/` | what a renewal notes: that it presents a refresh token, and the answer until it is committed |
 * | `locks/NAME` | an empty database whose lock is the right to present |
 * | `reserve` | 64 KiB that are given back when the disk is full at the worst moment |
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { storeEncryptedBy } from "../store/encrypted_store.ts";
import type { Store } from "../store/store.ts";
import { threadCipher } from "./cipher.ts";
import { fileStore } from "./file_store.ts";
import { onSignals } from "./interrupt.ts";
import { acquireLock, type FileLock } from "./lock.ts";
import { ensurePrivateDirectory } from "./private_files.ts";
import { ensureReserve, freeReserve } from "./reserve.ts";

/** Options of {@linkcode fileDriver}. */
export interface FileDriverOptions {
  /** The state directory. */
  readonly directory: string;
  /** The name of the sign-in: letters, digits, `.`, `_` and `-`. */
  readonly name: string;
  /** Gets the key that everything is encrypted with; asked once, when it is first needed. */
  readonly key: () => Uint8Array | Promise<Uint8Array>;
  readonly clock: Clock;
}

/** Where one sign-in is. */
export interface FileDriver {
  readonly sessions: Store;
  readonly attempts: Store;
  /**
   * Takes the lock.
   *
   * @returns nothing when `done` said between two tries that it is not needed any more
   * @throws {TokenError} `timeout`, `storage`, or the reason of `signal`
   */
  lock(done: () => boolean | Promise<boolean>, signal?: AbortSignal): Promise<FileLock | undefined>;
  /**
   * Reserves room.
   *
   * @throws {TokenError} `storage` when there is none
   */
  prepare(): Promise<void>;
  /** Gives the room back. */
  relieve(): Promise<void>;
  /**
   * Lets no signal that asks this process to end do so, until the returned function is called.
   *
   * @param heard told of each one
   */
  hold(heard: () => void): () => void;
  /** Forgets everything, for which no key is needed. Returns whether there was a session. */
  forget(): Promise<boolean>;
}

/** The files of one sign-in. */
export function fileDriver({ directory, name, key, clock }: FileDriverOptions): FileDriver {
  const places = { sessions: `${directory}/sessions`, attempts: `${directory}/attempts` };
  const reserve = `${directory}/reserve`;
  let known: Uint8Array | undefined;
  // kept from the first use on: a key that goes away between presentation and commit must not cost the answer
  const keyOnce = async () => known ??= await key();
  const open = (kind: keyof typeof places) =>
    storeEncryptedBy(threadCipher, fileStore(places[kind]), keyOnce, `apex-token/${kind}`);
  return {
    sessions: open("sessions"),
    attempts: open("attempts"),
    lock: async (done, signal) => {
      const locks = `${directory}/locks`;
      ensurePrivateDirectory(locks);
      return await acquireLock(`${locks}/${name}`, { clock, done, signal });
    },
    prepare: async () => {
      await keyOnce();
      ensurePrivateDirectory(directory);
      ensureReserve(reserve);
    },
    relieve: () => {
      freeReserve(reserve);
      return Promise.resolve();
    },
    hold: onSignals,
    forget: async () => {
      // the traces first: should it end in between, there is still a session to forget
      await fileStore(places.attempts).remove(name);
      return await fileStore(places.sessions).remove(name);
    },
  };
}
