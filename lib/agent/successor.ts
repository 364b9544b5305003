/**
 * The newest state of an account whose file this agent cannot write, because whoever loaded it did not say what opens
 * it. It is kept beside the account files, sealed with a key made of the refresh token that is in the file: whoever
 * opens the file next can open it, too, and nobody else.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { isTokenError } from "../errors.ts";
import { fileStore } from "../host/file_store.ts";
import type { Host } from "../host/host.ts";
import { encryptedStore } from "../store/encrypted_store.ts";
import type { AccountConfig } from "./account_config.ts";
import { accountOfBytes } from "./account_session.ts";
import { besideAccounts } from "./oidc_directory.ts";

/** What followed the state of an account that is in its file. */
export interface Successor {
  /** The newest state; nothing when the file has it. */
  read(): Promise<AccountConfig | undefined>;
  /** Keeps the text of a newer state. */
  write(text: string): Promise<void>;
  /** The file has it now. */
  remove(): Promise<void>;
}

/** @param filed the account as its file has it */
export function successorOf(host: Host, { name, refreshToken = "" }: AccountConfig): Successor {
  const files = fileStore(`${besideAccounts(host)}/successors`);
  const key = new Uint8Array(createHash("sha256").update(`apex-token successor\n${refreshToken}`).digest());
  const store = encryptedStore(files, () => Promise.resolve(key), "apex-token/successors");

  async function stored() {
    try {
      return await store.read(name);
    } catch (error) {
      // of another sign-in, whose file has been replaced
      if (!isTokenError(error)) throw error;
      await files.remove(name);
      return undefined;
    }
  }

  return {
    read: async () => {
      const found = await stored();
      return found && accountOfBytes(found.value);
    },
    write: async (text) => {
      const value = new TextEncoder().encode(text);
      for (let tries = 0; tries < 100; tries++) {
        if (await store.compareAndSet(name, (await stored())?.version, value) !== undefined) return;
      }
    },
    remove: async () => void await files.remove(name),
  };
}
