/**
 * Somebody who holds opened keys from one command to the next, so that a passphrase is not asked for each time.
 *
 * @module
 */

/** How a key came to be known. */
export interface KeyOrigin {
  /** Whether a person has just typed what opens it. Default: false. */
  readonly typed?: boolean;
}

/** Holds keys of 32 bytes by the id of their key record. What it does not hold is asked for. */
export interface KeyHolder {
  /** The key, if it is held. */
  get(id: string): Promise<Uint8Array | undefined>;
  /** Holds a key that somebody has just opened. */
  put(id: string, key: Uint8Array, origin?: KeyOrigin): Promise<void>;
  /** Holds it no longer. */
  forget(id: string): Promise<void>;
}

/** Holds nothing: each command asks. */
export const noKeyHolder: KeyHolder = {
  get: () => Promise.resolve(undefined),
  put: () => Promise.resolve(),
  forget: () => Promise.resolve(),
};
