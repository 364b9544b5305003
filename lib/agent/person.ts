/**
 * What the agent does when only a person can help: it asks on the terminal of whoever asked, or not at all.
 *
 * @module
 */

import { isTokenError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { signInWithDevice } from "../profile/device_sign_in.ts";
import { safeText } from "../safe_text.ts";
import type { AccountStore } from "./account.ts";
import type { AccountServers } from "./account_server.ts";
import type { Holding, Holdings } from "./holdings.ts";
import type { PeerTerminal } from "./peer_terminal.ts";
import { renewedSignIn } from "./renewed_sign_in.ts";

/** What asks. */
export interface PersonOptions {
  readonly host: Host;
  readonly store: AccountStore;
  readonly servers: AccountServers;
  readonly holdings: Holdings;
}

/** Questions, one at a time for each account: whoever comes meanwhile waits for the same answer. */
export interface Person {
  /** Asks for the password of an account file and loads the account. Nothing when nobody knows it. */
  unlockFile(name: string, terminal: PeerTerminal, gone: AbortSignal): Promise<Holding | undefined>;
  /** Signs in anew with a device code. Throws as the sign-in. */
  signInAgain(holding: Holding, terminal: PeerTerminal, gone: AbortSignal): Promise<void>;
}

/** How often a password is asked for. */
const TRIES = 3;
/** How long a sign-in may take, in milliseconds. */
const SIGN_IN_TIME = 300_000;

/** Makes the one who asks. */
export function person({ host, store, servers, holdings }: PersonOptions): Person {
  const asking = new Map<string, Promise<unknown>>();

  async function once<T>(what: string, work: () => Promise<T>): Promise<T> {
    const running = asking.get(what) ?? work().finally(() => asking.delete(what));
    asking.set(what, running);
    return await running as T;
  }

  async function askForPassword(
    name: string,
    terminal: PeerTerminal,
    gone: AbortSignal,
  ): Promise<Holding | undefined> {
    for (let tries = 0; tries < TRIES; tries++) {
      const question = `Enter decryption password for account config '${safeText(name, 80)}'`;
      const password = await terminal.askSecret(question, gone);
      if (password === undefined) return undefined;
      try {
        return await holdings.load(await store.open(name, { password }), {});
      } catch (error) {
        if (!isTokenError(error) || error.code !== "key") throw error;
        terminal.say("That is not the password.");
      }
    }
    return undefined;
  }

  async function signInAgain(holding: Holding, terminal: PeerTerminal, gone: AbortSignal): Promise<void> {
    const { account, issuer, client, keep } = await renewedSignIn(host, servers, holding);
    terminal.say(`The sign-in of '${safeText(account.name, 80)}' has ended.`);
    const signal = AbortSignal.any([gone, AbortSignal.timeout(SIGN_IN_TIME)]);
    const tokens = await signInWithDevice(onTerminal(host, terminal), {
      issuer,
      client,
      scope: account.scope,
      title: new URL(issuer.issuer).host,
      openBrowser: false,
      signal,
    });
    await keep(tokens);
    terminal.say("Signed in.");
  }

  return {
    unlockFile: (name, terminal, gone) => once(`file ${name}`, () => askForPassword(name, terminal, gone)),
    signInAgain: (holding, terminal, gone) =>
      once(`sign-in ${holding.name}`, () => signInAgain(holding, terminal, gone)),
  };
}

/** The host with somebody else's terminal for what people read. */
function onTerminal(host: Host, terminal: PeerTerminal): Host {
  return Object.create(host, {
    say: { value: terminal.say },
    status: { value: () => {} },
    isErrorTerminal: { value: false },
    terminal: { value: undefined },
  });
}
