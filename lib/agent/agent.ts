/**
 * The agent: answers every request that a client of oidc-agent sends.
 *
 * @module
 */

import type { Host } from "../host/host.ts";
import { useKeyHolder } from "../profile/known_keys.ts";
import type { AccountStore } from "./account.ts";
import { accountRequests, loadedNames } from "./account_requests.ts";
import { accountServers } from "./account_server.ts";
import type { AgentOptions } from "./agent_options.ts";
import { type HeldKeys, heldKeys } from "./held_keys.ts";
import { holdings as makeHoldings } from "./holdings.ts";
import { agentLock } from "./lock_requests.ts";
import { pendingSignIns } from "./pending.ts";
import { person as makePerson } from "./person.ts";
import { registrationRequests } from "./registration_requests.ts";
import { failure, success, WORDS } from "./replies.ts";
import type { AgentReply, AgentRequest } from "./requests.ts";
import { scratchRequests } from "./scratch.ts";
import type { Asker } from "./server.ts";
import { signInRequests } from "./sign_in_requests.ts";
import { statusJson, statusText } from "./status.ts";
import { tokenRequests } from "./token_requests.ts";

/** What an agent stands on. */
export interface AgentContext {
  readonly host: Host;
  readonly store: AccountStore;
  readonly options: AgentOptions;
}

/** An agent without a socket. */
export interface Agent {
  /** Answers one request. What goes wrong is in the reply. */
  answer(request: AgentRequest, asker: Asker): Promise<AgentReply>;
  /** Keys of profiles, on a socket of their own. */
  readonly keys: HeldKeys;
  /** Drops what has outlived its time. */
  sweep(): void;
  /** Whether it holds nothing, and nobody is in the middle of a sign-in. */
  isEmpty(): boolean;
  /** Ends the sign-ins that wait for a person: an agent that asks a server on does not end. */
  close(): void;
}

type Answer = (request: AgentRequest, asker: Asker) => Promise<AgentReply> | AgentReply;

/** Makes an agent. */
export function createAgent({ host, store, options }: AgentContext): Agent {
  const servers = accountServers(host, options.certPath);
  const holdings = makeHoldings(host, store, servers, options.lifetime);
  const person = makePerson({ host, store, servers, holdings });
  const lock = agentLock(holdings, host.clock);
  const tokens = tokenRequests({ host, store, holdings, person, options });
  const keys = heldKeys(() => lock.isLocked, host.clock);
  useKeyHolder(host, keys);
  const pending = pendingSignIns(host.clock);
  const info = () => ({ options, loaded: loadedNames(host, holdings) });
  const answers: Readonly<Record<string, Answer>> = {
    access_token: tokens,
    id_token: tokens,
    ...accountRequests({ host, store, servers, holdings }),
    ...signInRequests({ host, servers, holdings, options, pending }),
    ...registrationRequests(servers),
    ...scratchRequests(host.clock),
    check: () => success(),
    status: () => success({ info: statusText(info()) }),
    status_json: () => success({ info: statusJson(info()) }),
    lock: async (request) => {
      const reply = await lock.lock(request);
      // they are opened again by whoever knows the passphrase
      if (lock.isLocked) keys.clear();
      return reply;
    },
    unlock: lock.unlock,
  };
  return {
    keys,
    answer: async (request, asker) => {
      const answer = Object.hasOwn(answers, request.request) ? answers[request.request] : undefined;
      if (lock.isLocked && answer && !WHILE_LOCKED.includes(request.request)) return failure(WORDS.locked);
      return answer ? await answer(request, asker) : failure(WORDS.unknownRequest);
    },
    sweep: () => {
      holdings.all();
      pending.sweep();
      keys.sweep();
    },
    // a locked one has put away what it holds
    isEmpty: () => !lock.isLocked && keys.isEmpty() && holdings.all().length === 0 && pending.isEmpty(),
    close: pending.close,
  };
}

const WHILE_LOCKED: readonly string[] = ["check", "lock", "unlock"];
