/**
 * An agent with its socket, in this process, until it is told to end.
 *
 * @module
 */

import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import type { Server } from "node:net";
import process from "node:process";
import { isTokenError, TokenError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { acquireLock } from "../host/lock.ts";
import { safeText } from "../safe_text.ts";
import type { AccountStore } from "./account.ts";
import { createAgent } from "./agent.ts";
import type { AgentOptions } from "./agent_options.ts";
import { exchangeMessages } from "./exchange.ts";
import { keysSocket } from "./default_socket.ts";
import { lifetime } from "./lifetime.ts";
import { loadPeerCredentials, type Peer } from "./peer.ts";
import { success } from "./replies.ts";
import type { AgentReply } from "./requests.ts";
import { serveAgent } from "./server.ts";
import { groupId, prepareSocketDirectory } from "./socket_directory.ts";
import { ownUid, serviceDirectory } from "./sockets.ts";

/** What to run. */
export interface RunOptions {
  readonly socket: string;
  readonly options: AgentOptions;
  readonly store: AccountStore;
  /** Whether a link is put where the C tools look. Default: false. */
  readonly link?: boolean;
  /** A file to write the process id to. */
  readonly pidFile?: string;
  /** A process whose end is the agent's end too. */
  readonly watch?: number;
  /**
   * Whether it ends by itself when it has held nothing for a minute: one that nobody asked for is not left behind.
   * Default: false.
   */
  readonly temporary?: boolean;
  /** Told when it listens. */
  readonly onReady?: () => void;
}

/** How long one that has the lock may take until it answers, or is gone, in milliseconds. */
const HANDOVER = 10_000;

/**
 * Runs an agent.
 *
 * @throws {TokenError} `unavailable` when one is at that socket already, `storage` when the place cannot be trusted
 */
export async function runAgent(host: Host, run: RunOptions): Promise<void> {
  const { socket, options, store } = run;
  loadPeerCredentials();
  prepareSocketDirectory(socket, options.group);
  const lock = await onlyOne(host, socket);
  const agent = createAgent({ host: silent(host), store, options });
  const server = serveAgent({
    answer: agent.answer,
    permits: (peer) => options.group !== undefined || isOwn(peer),
  });
  const told = toldToEnd();
  const left: (() => void)[] = [told.dispose, () => lock.release()];
  const life = lifetime({
    clock: host.clock,
    agent,
    socket,
    isAlone: () => run.watch !== undefined && !isAlive(run.watch),
    temporary: run.temporary ?? false,
  });
  /** Somebody wants this agent for more than its keys. */
  function stay(): AgentReply {
    if (life.stay()) left.push(linkForOthers(host, socket));
    return success();
  }
  const keys = serveAgent({
    answer: async (request) => request.request === "stay" ? stay() : await agent.keys.answer(request),
    permits: isOwn,
  });
  try {
    // before anybody is answered: who finds an agent there finds its process id too
    left.push(writePid(pidPath(socket)));
    await listen(server, socket, options.group);
    left.push(() => rmSync(socket, { force: true }));
    await listen(keys, keysSocket(socket));
    left.push(() => rmSync(keysSocket(socket), { force: true }));
    if (run.link) left.push(linkForOthers(host, socket));
    if (run.pidFile) left.push(writePid(run.pidFile));
    run.onReady?.();
    await life.untilTheEnd(told.signal);
  } finally {
    agent.close();
    server.close();
    keys.close();
    for (const undo of left.reverse()) undo();
  }
}

/** Where an agent writes its process id. */
export function pidPath(socket: string): string {
  return `${socket}.pid`;
}

/** The kernel's lock beside the socket: a socket that is left over belongs to nobody who lives. */
async function onlyOne(host: Host, socket: string) {
  const isAnswered = () =>
    exchangeMessages(socket, { request: "check" }, { encrypted: false, timeout: 5_000 })
      .then(() => true, () => false);
  try {
    const options = { clock: host.clock, timeout: HANDOVER, done: isAnswered };
    const lock = await acquireLock(`${socket}.lock`, options);
    if (lock && !await isAnswered()) {
      for (const path of [socket, keysSocket(socket)]) rmSync(path, { force: true });
      return lock;
    }
    lock?.release();
  } catch (error) {
    if (!isTokenError(error) || error.code !== "timeout") throw error;
  }
  throw new TokenError("unavailable", `An agent is running already at ${safeText(socket, 400)}`, {
    nextStep: "End it first: apex-token agent stop",
  });
}

async function listen(server: Server, socket: string, group?: string): Promise<void> {
  const mask = process.umask(0o177);
  try {
    await new Promise<void>((done, fail) => server.once("error", fail).listen(socket, done));
  } catch {
    throw new TokenError("storage", `Cannot listen at ${safeText(socket, 400)}`);
  } finally {
    process.umask(mask);
  }
  const state = lstatSync(socket);
  if (!state.isSocket() || (ownUid() !== undefined && state.uid !== ownUid())) {
    throw new TokenError(
      "storage",
      `Cannot trust ${safeText(socket, 400)}: somebody put something else there`,
    );
  }
  if (group !== undefined) chownSync(socket, state.uid, groupId(group));
  chmodSync(socket, group === undefined ? 0o600 : 0o660);
}

function isOwn(peer: Peer | undefined): boolean {
  return peer === undefined || peer.uid === ownUid();
}

/** A link at the place that the C tools know; where that is somebody else's, they need `OIDC_SOCK`. */
function linkForOthers(host: Host, socket: string): () => void {
  const link = `${serviceDirectory({ environment: host.environment, uid: ownUid() })}/oidc-agent.sock`;
  if (link === socket) return () => {};
  try {
    prepareSocketDirectory(link);
    // an agent that answers there is another one's, and stays
    if (isLink(link) || !existsSync(link)) {
      rmSync(link, { force: true });
      symlinkSync(socket, link);
    }
  } catch {
    return () => {};
  }
  return () => {
    if (isLink(link) && readlinkSync(link) === socket) rmSync(link, { force: true });
  };
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}

function writePid(path: string): () => void {
  writeFileSync(path, `${process.pid}\n`, { mode: 0o600 });
  return () => rmSync(path, { force: true });
}

/** Aborts when this process is told to end. */
function toldToEnd(): { readonly signal: AbortSignal; dispose(): void } {
  const told = new AbortController();
  const end = () => told.abort();
  // the end of the terminal that started it is not its own
  const handlers = [["SIGTERM", end], ["SIGINT", end], ["SIGHUP", () => {}]] as const;
  for (const [signal, handler] of handlers) process.on(signal, handler);
  return {
    signal: told.signal,
    dispose: () => {
      for (const [signal, handler] of handlers) process.off(signal, handler);
    },
  };
}

/** Whether a process lives. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: string }).code === "EPERM";
  }
}

/** The agent has nobody in front of it: what it would say is for whoever asked, in the reply. */
function silent(host: Host): Host {
  return Object.create(host, {
    say: { value: () => {} },
    status: { value: () => {} },
    terminal: { value: undefined },
    isErrorTerminal: { value: false },
    browser: { value: () => ({ available: false, reason: "the agent opens none" }) },
  });
}
