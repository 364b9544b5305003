/**
 * `lock` and `unlock`: while the agent is locked, what it holds is sealed with a password that it does not know.
 *
 * @module
 */

import { randomBytes, scrypt } from "node:crypto";
import type { Clock } from "../clock.ts";
import type { Holdings } from "./holdings.ts";
import { badRequest, failure, success, WORDS } from "./replies.ts";
import type { AgentReply, AgentRequest } from "./requests.ts";
import { freshNonce, openMessage, sealMessage } from "./wire_crypto.ts";

/** A lock on all that is held. */
export interface AgentLock {
  readonly isLocked: boolean;
  lock(request: AgentRequest): Promise<AgentReply>;
  unlock(request: AgentRequest): Promise<AgentReply>;
}

interface Sealed {
  readonly salt: Uint8Array;
  readonly nonce: Uint8Array;
  readonly sealed: Uint8Array;
}

/** After the first wrong password it takes this long to try again, then 4, 9, 16 … times as long, in milliseconds. */
const DELAY = 100;
const LONGEST_DELAY = 10_000;
/** About 0.1 s and 32 MiB for each try. */
const COST = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 };

/** Makes the lock. */
export function agentLock(holdings: Holdings, clock: Clock): AgentLock {
  let sealed: Sealed | undefined;
  let failures = 0;
  let turn: Promise<unknown> = Promise.resolve();

  /** One at a time: guesses in parallel would not have to wait. */
  function inTurn(work: () => Promise<AgentReply>): Promise<AgentReply> {
    const mine = turn.then(work);
    turn = mine.catch(() => {});
    return mine;
  }

  async function lock(password: string): Promise<AgentReply> {
    if (sealed) return failure(WORDS.locked);
    const [salt, nonce] = [new Uint8Array(randomBytes(16)), freshNonce()];
    const key = await keyOf(password, salt);
    const text = new TextEncoder().encode(await holdings.packUp());
    sealed = { salt, nonce, sealed: sealMessage(key, nonce, text) };
    return success({ info: "Agent locked" });
  }

  async function unlock(password: string): Promise<AgentReply> {
    if (!sealed) return failure(WORDS.notLocked);
    const opened = openMessage(await keyOf(password, sealed.salt), sealed.nonce, sealed.sealed);
    if (!opened) {
      failures++;
      await clock.sleep(Math.min(DELAY * failures ** 2, LONGEST_DELAY));
      return failure(WORDS.wrongPassword);
    }
    await holdings.unpack(new TextDecoder().decode(opened));
    [sealed, failures] = [undefined, 0];
    return success({ info: "Agent unlocked" });
  }

  const withPassword =
    (work: (password: string) => Promise<AgentReply>) => async ({ password }: AgentRequest) =>
      typeof password === "string" ? await inTurn(() => work(password)) : badRequest("password");

  return {
    get isLocked() {
      return sealed !== undefined;
    },
    lock: withPassword(lock),
    unlock: withPassword(unlock),
  };
}

function keyOf(password: string, salt: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, 32, COST, (error, key) => error ? reject(error) : resolve(new Uint8Array(key)));
  });
}
