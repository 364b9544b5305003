/**
 * Where the session of a profile lives, and what opens it.
 *
 * @module
 */

import { isTokenError, TokenError } from "../errors.ts";
import { type FileDriver, fileDriver } from "../host/file_driver.ts";
import type { Host } from "../host/host.ts";
import { decodeSession, encodeSession, type Session } from "../session/session.ts";
import { processMemory } from "./_process_memory.ts";
import type { Profile } from "./profile.ts";
import { ensureKey, openKey, type OpenKeyOptions } from "./profile_key.ts";

/** A session with the version under which it was read. */
export interface KeptSession {
  readonly session: Session;
  readonly version: string;
}

/** The place of one profile's session, and what a renewal of its tokens stands on. */
export interface SessionHome extends Omit<FileDriver, "forget"> {
  /** Whether a session outlives the process; it does not with `--protect memory`. */
  readonly kept: boolean;
  /** The session, if there is one. */
  read(): Promise<KeptSession | undefined>;
  /**
   * Writes the session of a new sign-in, whatever is there: it is the newest. A key is made where there is none. The
   * caller holds the lock.
   */
  write(session: Session, expected: string | undefined): Promise<void>;
  /** Forgets the session, for which no key is needed. Returns whether there was one. */
  remove(): Promise<boolean>;
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
export function sessionHome(
  host: Host,
  profile: Pick<Profile, "name" | "protect">,
  options: OpenKeyOptions = {},
): SessionHome {
  return profile.protect.kind === "memory" ? inMemory(host, profile.name) : inFiles(host, profile, options);
}

/** The session of a profile, unless no key opens it any more: that is no hindrance to a new sign-in, or to forgetting it. */
export async function readableSession(
  host: Host,
  profile: Pick<Profile, "name" | "protect">,
): Promise<Session | undefined> {
  try {
    return (await sessionHome(host, profile).read())?.session;
  } catch (error) {
    if (isTokenError(error)) return undefined;
    throw error;
  }
}

function inFiles(
  host: Host,
  profile: Pick<Profile, "name" | "protect">,
  options: OpenKeyOptions,
): SessionHome {
  const { clock, directories } = host;
  const { name } = profile;
  const key = () => openKey(host, profile, options);
  const driver = fileDriver({ directory: directories.state, name, key, clock });
  const home = homeOn(driver, name, true);
  return {
    ...home,
    write: async (session, expected) => {
      await ensureKey(host, profile);
      await home.write(session, expected);
    },
  };
}

/** Writes nothing anywhere, so that it works where nothing can be written. */
function inMemory(host: Host, name: string): SessionHome {
  const { sessions, attempts, turns } = processMemory(host);
  const driver: FileDriver = {
    sessions,
    attempts,
    lock: async () => {
      const before = turns.get(name);
      let release = () => {};
      turns.set(name, new Promise<void>((resolve) => release = resolve));
      await before;
      return { release };
    },
    prepare: () => Promise.resolve(),
    relieve: () => Promise.resolve(),
    // what is in memory is lost with the process in any case
    hold: () => () => {},
    forget: async () => {
      await attempts.remove(name);
      return await sessions.remove(name);
    },
  };
  return homeOn(driver, name, false);
}

function homeOn({ forget, ...driver }: FileDriver, name: string, kept: boolean): SessionHome {
  const { sessions, attempts } = driver;
  return {
    ...driver,
    kept,
    read: async () => {
      const stored = await sessions.read(name);
      return stored && { session: decodeSession(stored.value), version: stored.version };
    },
    write: async (session, expected) => {
      const bytes = encodeSession(session);
      for (let tries = 0; tries < 100; tries++) {
        if (await sessions.compareAndSet(name, expected, bytes) !== undefined) {
          // of another sign-in: it would mean nothing, and need not lie about
          await attempts.remove(name);
          return;
        }
        expected = (await sessions.read(name))?.version;
      }
      throw new TokenError("storage", "Cannot keep the session: another process writes it all the time");
    },
    remove: forget,
  };
}
