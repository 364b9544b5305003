/**
 * What keeps bytes between two runs.
 *
 * @module
 */

/** What a {@linkcode Store} promises. A rotating refresh token needs `compareAndSet`, `durable` and `strongRead`. */
export interface StoreCapabilities {
  /** A write succeeds only if nobody wrote since the version that the writer had read. */
  readonly compareAndSet: boolean;
  /** It can hand out a lease, so that one of many does the work. */
  readonly lease: boolean;
  /** What was written survives the end of the process and of the machine's power. */
  readonly durable: boolean;
  /** A read sees the last write that was acknowledged. */
  readonly strongRead: boolean;
}

/** Bytes with the version under which they were written. */
export interface StoredValue {
  /** Which version it is: what `compareAndSet` expects. */
  readonly version: string;
  /** The bytes. */
  readonly value: Uint8Array;
}

/** The right to do one thing alone, until `release` or until it ends by itself. */
export interface Lease {
  /** When it ends by itself, in milliseconds since the epoch. */
  readonly expiresAt: number;
  /**
   * Makes it last `milliseconds` from now.
   *
   * @returns when it ends now, or `undefined` when it had ended before: then somebody else may have it
   * @throws {TokenError} `storage` when the store does not answer
   */
  renew(milliseconds: number): Promise<number | undefined>;
  /** Gives it back. Safe to call after it ended. */
  release(): Promise<void>;
}

/** Keeps versioned bytes under names. It knows nothing of sessions or tokens. */
export interface Store {
  /** What this store promises. */
  readonly capabilities: StoreCapabilities;
  /**
   * The newest bytes under `key`, or nothing.
   *
   * @throws {TokenError} `storage` when the store cannot be read
   */
  read(key: string): Promise<StoredValue | undefined>;
  /**
   * Writes `value` if the newest version under `key` is still `expected` (`undefined`: nothing is there).
   *
   * @returns the new version, or `undefined` when somebody else wrote first
   * @throws {TokenError} `storage` when the store cannot be written
   */
  compareAndSet(key: string, expected: string | undefined, value: Uint8Array): Promise<string | undefined>;
  /**
   * Makes ready whatever a write of `key` over `expected` needs besides its bytes, so that the write itself is quick.
   * A hint: a write does without it, and nothing is lost when it fails. Present where it helps.
   *
   * @returns what takes back what no write has used
   */
  prepare?(key: string, expected: string | undefined): Promise<() => void>;
  /** Forgets `key`. With `expected`, only if that is still its version. Returns whether something was removed. */
  remove(key: string, expected?: string): Promise<boolean>;
  /**
   * Asks for the lease of `key` for `milliseconds`; present where `capabilities.lease` is true.
   *
   * @returns the lease, or `undefined` while somebody else has it
   */
  lease?(key: string, milliseconds: number): Promise<Lease | undefined>;
}
