/**
 * Where accounts are kept, as the agent sees it: who reads and writes the files is behind these types.
 *
 * @module
 */

import type { FileDriver } from "../host/file_driver.ts";

/** What opens an account file. */
export type AccountOpener =
  /** Asked of a person. The key is derived from it, and the password is not kept. */
  | { readonly password: string }
  /** An {@linkcode OpenAccount.key} of before. */
  | { readonly key: Uint8Array }
  /** A file for gpg: whatever gpg's own agent allows, without asking anybody here. */
  | { readonly gpg: true };

/** What protects an account file. */
export type AccountProtection = "password" | "gpg";

/**
 * An account file that has been opened. The refresh protocol stands on it:
 *
 * - `sessions` has one record, under the account's name: the JSON text of the account, from `accountJson`. Its version
 *   changes with each write, also with one by the original oidc-agent. A write goes to the account file itself, sealed
 *   with the key that is held, and is durable when it returns.
 * - `attempts` has the write-ahead record beside the file, sealed with the same key.
 * - `lock` is held by one process at a time.
 */
export interface OpenAccount extends Omit<FileDriver, "forget"> {
  /** The short name. */
  readonly name: string;
  /**
   * What opens the file again without the password: bytes that only the {@linkcode AccountStore} understands. Absent
   * for gpg, which needs nothing.
   */
  readonly key?: Uint8Array;
}

/** The account files of this person. */
export interface AccountStore {
  /** The short names, sorted by their bytes. */
  names(): string[];
  /** What protects a file; nothing when there is no such file. */
  protection(name: string): AccountProtection | undefined;
  /**
   * Opens a file.
   *
   * @throws {TokenError} `unknown_profile` when there is none, `key` when the password or the key is wrong, `storage`
   */
  open(name: string, opener: AccountOpener): Promise<OpenAccount>;
  /** What the configuration files say about issuers. */
  issuers(): IssuerSettings[];
  /** Makes it known that an account belongs to an issuer, in `issuer.config`. */
  assign(issuer: string, account: string): void;
}

/** What `issuer.config` and `pubclients.config` say about an issuer, all files merged. */
export interface IssuerSettings {
  readonly issuer: string;
  /** The accounts of that issuer, in the order of the file. */
  readonly accounts: readonly string[];
  readonly defaultAccount?: string;
  /** A client that everybody may use. */
  readonly publicClient?: PublicClient;
  readonly configurationEndpoint?: string;
  readonly deviceAuthorizationEndpoint?: string;
  readonly certPath?: string;
  /** Where a client can be registered by hand. */
  readonly registrationPage?: string;
  readonly contact?: string;
  readonly oauth?: boolean;
  /** Whether an audience is asked for with `audience`, not with `resource`. */
  readonly legacyAudience?: boolean;
}

/** A client that everybody may use. */
export interface PublicClient {
  readonly clientId: string;
  readonly clientSecret?: string;
  readonly scope?: string;
  readonly flows?: readonly string[];
}
