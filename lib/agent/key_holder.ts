/**
 * The agent of this person as the holder of opened keys, for the command line. Where none runs, nothing is held.
 *
 * @module
 */

import { fromBase64, toBase64 } from "../bytes.ts";
import { existsSync } from "node:fs";
import { isTokenError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import type { KeyHolder } from "../host/key_holder.ts";
import type { AgentReply, AgentRequest } from "./requests.ts";

/** A holder that asks the agent. What goes wrong there is no fault of the command: the passphrase is asked for. */
export function agentKeyHolder(host: Host): KeyHolder {
  async function ask(request: AgentRequest): Promise<AgentReply | undefined> {
    try {
      const { defaultSocket } = await import("./default_socket.ts");
      const { keysSocket } = await import("./held_keys.ts");
      const socket = keysSocket(defaultSocket(host));
      if (!existsSync(socket)) return undefined;
      const { exchangeMessages } = await import("./exchange.ts");
      return await exchangeMessages(socket, request, { encrypted: true, timeout: 10_000 });
    } catch (error) {
      if (isTokenError(error)) return undefined;
      throw error;
    }
  }

  return {
    get: async (id) => {
      const reply = await ask({ request: "key_get", id });
      return typeof reply?.key === "string" ? fromBase64(reply.key) : undefined;
    },
    put: async (id, key) => {
      await ask({ request: "key_put", id, key: toBase64(key) });
    },
    forget: async (id) => {
      await ask({ request: "key_forget", id });
    },
  };
}
