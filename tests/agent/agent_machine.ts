/**
 * An agent in the test's own process, with account files in a home of its own and a server in memory.
 *
 * @module
 */

import type { Server } from "node:net";
import { join } from "node:path";
import type { AccountClosing, AccountFiles } from "../../lib/agent/account_files.ts";
import { accountFiles } from "../../lib/agent/account_files.ts";
import { accountJson, accountOf } from "../../lib/agent/account_config.ts";
import { type Agent, createAgent } from "../../lib/agent/agent.ts";
import type { AgentOptions } from "../../lib/agent/agent_options.ts";
import type { AgentReply, AgentRequest } from "../../lib/agent/requests.ts";
import { type Asker, serveAgent } from "../../lib/agent/server.ts";
import { type Clock, systemClock } from "../../lib/clock.ts";
import type { Host } from "../../lib/host/host.ts";
import {
  type AuthorizationServer,
  authorizationServer,
  type AuthorizationServerOptions,
} from "../../lib/testing/mod.ts";
import { type AccountMachine, accountMachine } from "./account_machine.ts";

/** An agent and what is around it. */
export interface AgentMachine {
  readonly machine: AccountMachine;
  readonly host: Host;
  readonly store: AccountFiles;
  readonly server: AuthorizationServer;
  readonly agent: Agent;
  /** Asks the agent, without a socket. */
  ask(request: AgentRequest, asker?: Partial<Asker>): Promise<AgentReply>;
  /** Makes an account file with a sign-in, and gives what opens it. */
  account(name: string, more?: Record<string, unknown>, closing?: AccountClosing): Promise<Uint8Array>;
  /** Makes an account and loads it. */
  load(name: string, more?: Record<string, unknown>): Promise<AgentReply>;
  /** The account in its file. */
  stored(name: string, key: Uint8Array): Promise<Record<string, unknown>>;
  /** The agent on a socket; gives its path. */
  listen(): Promise<string>;
  /** Another agent on the same files. */
  again(options?: AgentOptions): Agent;
  close(): void;
}

/** What can be different. */
export interface AgentMachineOptions {
  readonly agent?: AgentOptions;
  readonly server?: AuthorizationServerOptions;
  readonly host?: Partial<Host>;
}

/** Key derivations take time that most tests have no use for. */
export const KEY = { key: Uint8Array.from({ length: 80 }, (_, at) => at) };

/** Makes one, for its own server with a wall clock that stays within one second unless another is given; `close` it. */
export async function agentMachine(options: AgentMachineOptions = {}): Promise<AgentMachine> {
  // a server elsewhere has the time of the day, and so must have who talks to it
  const clock = options.host?.fetch ? systemClock : withinOneSecond();
  const server = await authorizationServer({ clock, ...options.server });
  const machine = accountMachine();
  const overrides: Partial<Host> = { clock, fetch: () => Promise.resolve(server.fetch), ...options.host };
  const host: Host = Object.create(
    machine.host,
    Object.fromEntries(Object.entries(overrides).map(([name, value]) => [name, { value }])),
  );
  const store = accountFiles(host);
  const agents: Agent[] = [];
  const again = (told: AgentOptions = options.agent ?? {}) => {
    const one = createAgent({ host, store, options: told });
    agents.push(one);
    return one;
  };
  const agent = again();
  const servers: Server[] = [];

  async function account(name: string, more: Record<string, unknown> = {}, closing: AccountClosing = KEY) {
    const { refresh_token } = await server.issue({ clientId: "app", scope: "openid offline_access" });
    const config = accountOf({
      name,
      issuer_url: server.issuer,
      client_id: "app",
      refresh_token,
      auth_scope: "openid offline_access",
      redirect_uris: [],
      ...more,
    });
    return (await store.replace(name, JSON.stringify(accountJson(config)), closing))!;
  }

  const gone = new AbortController().signal;
  const ask = (request: AgentRequest, asker: Partial<Asker> = {}) =>
    agent.answer(request, { gone, ...asker });
  return {
    machine,
    host,
    store,
    server,
    agent,
    again,
    ask,
    account,
    load: async (name, more) => {
      const key = await account(name, more);
      return await ask({ request: "add", account: name, key: btoa(String.fromCharCode(...key)) });
    },
    stored: async (name, key) => {
      const home = await store.open(name, { key });
      return JSON.parse(new TextDecoder().decode((await home.sessions.read(name))!.value));
    },
    listen: async () => {
      const path = join(machine.home, `agent-${servers.length}.sock`);
      const listening = serveAgent({ answer: agent.answer, permits: () => true });
      servers.push(listening);
      await new Promise<void>((done) => listening.listen(path, done));
      return path;
    },
    close: () => {
      for (const one of agents) one.close();
      for (const one of servers) one.close();
      machine.close();
    },
  };
}

/**
 * A wall clock that goes on with each look at it, but never to the next second: one that began between a request and its
 * answer would be seen in the token's end.
 */
function withinOneSecond(): Clock {
  const start = Math.floor(Date.now() / 1000) * 1000;
  let looks = 0;
  return { ...systemClock, now: () => start + looks++ / 1000 };
}
