/**
 * The client's own records, as they come and go: which refresh tokens have been durable in the store, committed or in
 * the log of an attempt.
 *
 * @module
 */

import { watch } from "node:fs";
import { ensurePrivateDirectory } from "../../lib/host/private_files.ts";
import type { Host } from "../../lib/host/host.ts";
import { readProfile } from "../../lib/profile/profile_files.ts";
import { sessionHome } from "../../lib/profile/session_home.ts";
import { decodeAttempt } from "../../lib/session/refresh_attempt.ts";
import { decodeSession } from "../../lib/session/session.ts";
import { nameOf } from "./server_events.ts";

/** What was seen in the store. */
export interface StoreJournal {
  /** The names of the refresh tokens that were durable at some time. */
  readonly durable: ReadonlySet<string>;
  /** Looks now, besides at every change. */
  look(): Promise<void>;
  close(): void;
}

/** Watches the session of a profile. */
export function watchStore(host: Host, profile: string): StoreJournal {
  const home = sessionHome(host, readProfile(host, profile));
  const durable = new Set<string>();
  const watchers = ["sessions", "attempts"].map((kind) => {
    const place = `${host.directories.state}/${kind}/${profile}`;
    ensurePrivateDirectory(place);
    return watch(place, () => void look().catch(() => {}));
  });

  async function look(): Promise<void> {
    const [session, attempt] = await Promise.all([
      home.sessions.read(profile),
      home.attempts.read(profile),
    ]);
    if (session) {
      const { refreshToken, alternatives = [] } = decodeSession(session.value);
      for (const token of [refreshToken, ...alternatives]) if (token) durable.add(nameOf(token));
    }
    const { raw } = attempt ? decodeAttempt(attempt.value) : {};
    const logged = raw && /"refresh_token"\s*:\s*"([^"]+)"/.exec(new TextDecoder().decode(raw));
    if (logged) durable.add(nameOf(logged[1]));
  }

  return {
    durable,
    look,
    close: () => {
      for (const watcher of watchers) watcher.close();
    },
  };
}
