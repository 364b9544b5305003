/**
 * The key of a profile that a passphrase protects, where the agent holds it: for a cached `get`.
 *
 * It is asked for in the clear, by its id: whoever can read along at this person's own socket can ask there as well.
 *
 * @module
 */

import { fromBase64 } from "../bytes.ts";
import type { FastIo } from "../host/fast_io.ts";
import { defaultSocket, keysSocket } from "./default_socket.ts";
import { quickExchange } from "./quick_exchange.ts";

/** How long the agent may take, in milliseconds. */
const PATIENCE = 5000;

/** The key; nothing where no agent holds it, or where there are no quick sockets. Throws where the reply is nonsense. */
export async function quickKey(io: FastIo, id: string): Promise<Uint8Array | undefined> {
  if (!io.sockets) return undefined;
  const base = io.environment("XDG_RUNTIME_DIR");
  const runtime = base?.startsWith("/") ? `${base}/apex-token` : undefined;
  const socket = keysSocket(defaultSocket({ directories: { runtime, state: io.state } }));
  const text = await quickExchange(io.sockets, socket, JSON.stringify({ request: "key_get", id }), PATIENCE);
  const { key } = JSON.parse(text || "{}") as { key?: string };
  return key === undefined ? undefined : fromBase64(key);
}
