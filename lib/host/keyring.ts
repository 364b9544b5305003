/**
 * The keyring of this system: the Secret Service on Linux, the keychain on macOS, DPAPI on Windows.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Environment, Platform } from "./directories.ts";

/** What a keyring is asked about. */
export interface KeyringItem {
  /** Hexadecimal digits: which secret it is. */
  readonly id: string;
  /** What a person sees in a list of secrets. */
  readonly label: string;
  /** What {@linkcode Keyring.write} gave back. */
  readonly note?: string;
}

/** Whether a keyring answers, and if so, whether it needs somebody to unlock it. */
export type KeyringState = "ready" | "locked" | "absent";

/** Somebody who keeps short secrets for a person who is logged in. */
export interface Keyring {
  /** What it is called, for the middle of a sentence. */
  readonly title: string;
  /** How it stands. It never asks anybody, and answers within seconds. */
  state(): Promise<KeyringState>;
  /**
   * Keeps a secret in place of the one with the same id.
   *
   * @returns a note without which it cannot be read, where there is one: it is no secret
   * @throws {TokenError} `key` when it is locked and nobody can unlock it here, or does not answer
   */
  write(item: KeyringItem, secret: string, signal?: AbortSignal): Promise<string | undefined>;
  /**
   * The secret, or nothing when there is none with this id.
   *
   * @throws {TokenError} `key` as `write`
   */
  read(item: KeyringItem, signal?: AbortSignal): Promise<string | undefined>;
  /**
   * Forgets it.
   *
   * @throws {TokenError} `key` as `write`
   */
  remove(item: KeyringItem): Promise<void>;
}

/** What a keyring needs to know of the machine. */
export interface KeyringSurroundings {
  readonly platform: Platform;
  readonly environment: Environment;
  readonly clock: Clock;
  /** Who can be asked; a keyring that is locked opens a window only then. */
  readonly terminal?: unknown;
}

/** The keyring of this system; each is loaded when it is used. */
export async function systemKeyring(surroundings: KeyringSurroundings): Promise<Keyring> {
  switch (surroundings.platform) {
    case "darwin":
      return (await import("./keychain.ts")).keychain(surroundings);
    case "windows":
      return (await import("./dpapi.ts")).dpapi(surroundings);
    default:
      return (await import("./secret_service.ts")).secretService(surroundings);
  }
}
