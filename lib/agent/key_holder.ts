/**
 * The agent of this person as the holder of opened keys, for the command line. Where none runs, nothing is held; but
 * whoever typed a passphrase at a terminal gets one, so that it is not asked for again.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { fromBase64, toBase64 } from "../bytes.ts";
import { isTokenError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import type { KeyHolder } from "../host/key_holder.ts";
import type { AgentReply, AgentRequest } from "./requests.ts";

/** A holder that asks the agent. What goes wrong there is no fault of the command: the passphrase is asked for. */
export interface AgentKeyHolder extends KeyHolder {
  /**
   * Starts an agent where a person has typed a passphrase and none was there to hold its key, and says so. To be called
   * when the command has given its answer: it takes a moment. It never fails.
   */
  settle(): Promise<void>;
}

/** The holder of this person. */
export function agentKeyHolder(host: Host): AgentKeyHolder {
  /** What waits for an agent. */
  const waiting = new Map<string, Uint8Array>();

  /** @returns nothing when it did not answer, and `nobody` when there is none */
  async function ask(request: AgentRequest): Promise<AgentReply | "nobody" | undefined> {
    try {
      const { defaultSocket, keysSocket } = await import("./default_socket.ts");
      const socket = keysSocket(defaultSocket(host));
      if (!existsSync(socket)) return "nobody";
      const { exchangeMessages } = await import("./exchange.ts");
      return await exchangeMessages(socket, request, { encrypted: true, timeout: 10_000 });
    } catch (error) {
      if (!isTokenError(error)) throw error;
      return error.code === "unavailable" && error.sent === false ? "nobody" : undefined;
    }
  }

  async function give(id: string, key: Uint8Array): Promise<AgentReply | "nobody" | undefined> {
    return await ask({ request: "key_put", id, key: toBase64(key) });
  }

  return {
    get: async (id) => {
      const reply = await ask({ request: "key_get", id });
      return reply !== "nobody" && typeof reply?.key === "string" ? fromBase64(reply.key) : undefined;
    },
    put: async (id, key, { typed = false } = {}) => {
      if (await give(id, key) === "nobody" && typed && mayStart(host)) waiting.set(id, key);
    },
    forget: async (id) => {
      waiting.delete(id);
      await ask({ request: "key_forget", id });
    },
    settle: async () => {
      if (waiting.size === 0) return;
      try {
        const { startAgent } = await import("./daemon.ts");
        await startAgent(host, { temporary: true, link: false, patience: PATIENCE });
        for (const [id, key] of waiting) {
          const reply = await give(id, key);
          if (reply === "nobody" || reply?.status !== "success") throw new Error("it takes no key");
        }
        host.say(await notice());
      } catch (error) {
        const why = isTokenError(error) ? error.message : "Cannot start an agent that keeps the key";
        host.say(`${why}. The passphrase will be asked for again (with ${NO_AGENT}=1 no agent is started).`);
      }
      waiting.clear();
    },
  };
}

/** How long the agent may take to be there, in milliseconds: the token has been printed, and somebody waits for the prompt. */
const PATIENCE = 20_000;
const NO_AGENT = "APEX_TOKEN_NO_AGENT";

/** Only for a person who is there to see it, who has not said no, and where there are sockets. */
function mayStart(host: Host): boolean {
  return host.terminal !== undefined && host.environment(NO_AGENT) === undefined &&
    host.platform !== "windows";
}

async function notice(): Promise<string> {
  const { KEY_PATIENCE } = await import("./held_keys.ts");
  return `An agent keeps the key from now on, until nobody has used it for ${
    KEY_PATIENCE / 3_600_000
  } hours. ` +
    `End it: apex-token agent stop (to start none: ${NO_AGENT}=1)`;
}
