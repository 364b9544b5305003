/**
 * Where the session of a profile lives, and what opens it.
 *
 * @module
 */

import { TokenError } from "../errors.ts";
import { fileStore } from "../host/file_store.ts";
import type { Host } from "../host/host.ts";
import { readKeyFile } from "../host/key_file.ts";
import { ensurePrivateDirectory } from "../host/private_files.ts";
import { acquireLock, type FileLock } from "../host/lock.ts";
import { decodeSession, encodeSession, type Session } from "../session/session.ts";
import { encryptedStore } from "../store/envelope.ts";
import type { Store } from "../store/store.ts";
import { processMemory } from "./_process_memory.ts";
import type { Profile } from "./profile.ts";

const STORE_ID = "apex-token/sessions";

/** A session with the version under which it was read. */
export interface KeptSession {
  readonly session: Session;
  readonly version: string;
}

/** The place of one profile's session. */
export interface SessionHome {
  /** Whether a session outlives the process; it does not with `--protect memory`. */
  readonly kept: boolean;
  /** The session, if there is one. */
  read(): Promise<KeptSession | undefined>;
  /**
   * Writes a session that was received after the one of version `expected`. If somebody wrote in between, ours is the
   * newer one: it is never thrown away.
   */
  write(session: Session, expected: string | undefined): Promise<string>;
  /** Forgets the session, for which no key is needed. Returns whether there was one. */
  remove(): Promise<boolean>;
  /** The right to spend this session's refresh token; `undefined` when `done` says that nothing is left to do. */
  lock(done: () => boolean, signal?: AbortSignal): Promise<FileLock | undefined>;
}

/** The file with the key of a workstation, unless `--protect key-file=PATH` names another. */
export function defaultKeyPath(host: Host): string {
  return `${host.directories.data}/store.key`;
}

/** The directory of the access tokens that are kept for a quick answer. */
export function cacheDirectory(host: Host): string {
  return `${host.directories.state}/tokens`;
}

/** The home of a profile's session. */
export function sessionHome(host: Host, { name, protect }: Pick<Profile, "name" | "protect">): SessionHome {
  return protect.kind === "memory" ? inMemory(host, name) : inFiles(host, name, protect.path);
}

function inFiles(host: Host, name: string, keyPath: string): SessionHome {
  const directory = `${host.directories.state}/sessions`;
  let opened: Store | undefined;
  const store = () => opened ??= encryptedStore(fileStore(directory), readKeyFile(keyPath), STORE_ID);
  return {
    kept: true,
    read: async () => {
      const stored = await store().read(name);
      return stored && { session: decodeSession(stored.value), version: stored.version };
    },
    write: async (session, expected) => {
      const bytes = encodeSession(session);
      for (let tries = 0; tries < 100; tries++) {
        const version = await store().compareAndSet(name, expected, bytes);
        if (version !== undefined) return version;
        expected = (await store().read(name))?.version;
      }
      throw new TokenError("storage", "Cannot keep the session: another process writes it all the time");
    },
    remove: () => fileStore(directory).remove(name),
    lock: async (done, signal) => {
      const locks = `${host.directories.state}/locks`;
      ensurePrivateDirectory(locks);
      return await acquireLock(`${locks}/${name}`, { clock: host.clock, done, signal });
    },
  };
}

/** Writes nothing anywhere, so that it works where nothing can be written. */
function inMemory(host: Host, name: string): SessionHome {
  const { sessions, turns } = processMemory(host);
  return {
    kept: false,
    read: () => {
      const session = sessions.get(name);
      return Promise.resolve(session && { session, version: "memory" });
    },
    write: (session) => {
      sessions.set(name, session);
      return Promise.resolve("memory");
    },
    remove: () => Promise.resolve(sessions.delete(name)),
    lock: async () => {
      const before = turns.get(name);
      let release = () => {};
      turns.set(name, new Promise<void>((resolve) => release = resolve));
      await before;
      return { release };
    },
  };
}
