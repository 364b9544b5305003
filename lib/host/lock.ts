/**
 * One process at a time: a lock that the kernel releases when its holder dies.
 *
 * An empty SQLite database is nothing but its lock: it works the same on Deno, Bun and Node, between them too, and no
 * file has to be judged stale. Nothing is ever stored in it.
 *
 * @module
 */

import { closeSync, openSync } from "node:fs";
import process from "node:process";
import type { Clock } from "../clock.ts";
import { TokenError } from "../errors.ts";
import { storageError } from "./_file_errors.ts";

/** A lock that is held. */
export interface FileLock {
  /** Gives it back. Safe to call twice. */
  release(): void;
}

/** Options of {@linkcode acquireLock}. */
export interface LockOptions {
  readonly clock: Clock;
  /** How long to wait for another holder, in milliseconds. Default: 60 000. */
  readonly timeout?: number;
  /** Ends the wait. */
  readonly signal?: AbortSignal;
  /** Asked between two tries: true ends the wait, because what the lock was wanted for has been done. */
  readonly done?: () => boolean | Promise<boolean>;
}

interface Database {
  exec(sql: string): void;
  close(): void;
}

// Bun drops the lock of a database object that is garbage-collected: what is held here is not.
const held = new Set<Database>();

/**
 * Takes the lock of `path`, a file in a private directory on a local disk.
 *
 * @returns the lock, or `undefined` when `done` said that it is not needed any more
 * @throws {TokenError} `timeout` when another process kept it, `storage` when the file cannot be used, or the reason of
 * `signal`
 */
export async function acquireLock(path: string, options: LockOptions): Promise<FileLock | undefined> {
  const { clock, timeout = 60_000, signal, done } = options;
  const database = await openDatabase(path);
  const deadline = clock.monotonic() + timeout;
  try {
    while (!begin(database, path)) {
      if (await done?.()) {
        database.close();
        return undefined;
      }
      if (clock.monotonic() >= deadline) {
        throw new TokenError("timeout", "Another process has been renewing this sign-in for too long", {
          nextStep: "Look for a stopped apex-token process, or try again",
        });
      }
      await clock.sleep(3 + Math.random() * 5, signal);
    }
  } catch (error) {
    database.close();
    throw error;
  }
  held.add(database);
  return {
    release: () => {
      if (!held.delete(database)) return;
      database.exec("ROLLBACK");
      database.close();
    },
  };
}

async function openDatabase(path: string): Promise<Database> {
  const { DatabaseSync } = await quietly(() => import("node:sqlite"));
  try {
    create(path);
    const database = new DatabaseSync(path);
    // no journal on the disk: taking the lock needs no room there
    database.exec("PRAGMA busy_timeout = 0; PRAGMA journal_mode = MEMORY");
    return database;
  } catch (error) {
    throw unusable(path, error);
  }
}

/**
 * Makes the file where it is missing, private from the start. One that is there is never opened here: closing it would
 * drop every lock that this process has on it (POSIX, `fcntl`).
 */
function create(path: string): void {
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    if ((error as { code?: string }).code !== "EEXIST") throw storageError("write", path, error);
  }
}

function begin(database: Database, path: string): boolean {
  try {
    database.exec("BEGIN IMMEDIATE");
    return true;
  } catch (error) {
    if (/locked|busy/i.test(String((error as Error).message))) return false;
    throw unusable(path, error);
  }
}

function unusable(path: string, error: unknown): TokenError {
  if (error instanceof TokenError) return error;
  const reason = /\b(?:readonly|full|I\/O|not a database|unable to open)\b/i.exec(
    String((error as Error).message),
  )?.[0];
  return new TokenError("storage", `Cannot use the lock ${path}${reason ? `: ${reason}` : ""}`, {
    nextStep: "Check the directory, or delete that file",
  });
}

// Node announces the module as experimental on stderr, where a person would read it as a fault.
async function quietly<T>(load: () => Promise<T>): Promise<T> {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return await load();
  } finally {
    process.emitWarning = emitWarning;
  }
}
