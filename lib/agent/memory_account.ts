/**
 * An account without a file that this agent could write: one of a sign-in that is not saved yet, or one that another
 * program's `oidc-add` opened and handed over without the key.
 *
 * @module
 */

import { memoryStore } from "../store/memory.ts";
import type { OpenAccount } from "./account.ts";
import type { AccountConfig } from "./account_config.ts";
import { accountText } from "./account_session.ts";

/** Told each text that a renewal has made of the account. */
export type OnRenewed = (text: string) => void | Promise<void>;

/** Holds an account in memory. */
export async function memoryAccount(account: AccountConfig, onRenewed?: OnRenewed): Promise<OpenAccount> {
  const { name } = account;
  const kept = memoryStore();
  await kept.compareAndSet(name, undefined, new TextEncoder().encode(accountText(account)));
  let turn: Promise<void> = Promise.resolve();
  return {
    name,
    sessions: {
      ...kept,
      compareAndSet: async (key, expected, value) => {
        const version = await kept.compareAndSet(key, expected, value);
        if (version !== undefined) await onRenewed?.(new TextDecoder().decode(value));
        return version;
      },
    },
    attempts: memoryStore(),
    lock: async (done) => {
      const before = turn;
      let release = () => {};
      turn = new Promise<void>((resolve) => release = resolve);
      await before;
      if (!await done()) return { release };
      release();
      return undefined;
    },
    prepare: () => Promise.resolve(),
    relieve: () => Promise.resolve(),
    // what is in memory is lost with the process in any case
    hold: () => () => {},
  };
}
