/**
 * The agent's socket: connections in, each with one request and one reply.
 *
 * No connection waits for another: a client that stalls costs one socket until its time is up, and a request that takes
 * long is a promise among others.
 *
 * @module
 */

import { createServer, type Server, type Socket } from "node:net";
import { isTokenError } from "../errors.ts";
import { type Peer, peerOf } from "./peer.ts";
import type { AgentReply, AgentRequest } from "./requests.ts";
import { serverDialogue } from "./server_dialogue.ts";
import { type WireKeys, wireKeys } from "./wire_crypto.ts";

/** Who asks, as far as it is known. */
export interface Asker {
  /** The process at the other end; absent where the runtime cannot tell. */
  readonly peer?: Peer;
  /** Aborts when the client has gone. */
  readonly gone: AbortSignal;
}

/** Options of {@linkcode serveAgent}. */
export interface ServeOptions {
  /** Answers a request. What it throws is a fault of this program. */
  readonly answer: (request: AgentRequest, asker: Asker) => Promise<AgentReply>;
  /** Whether that process may ask at all. */
  readonly permits: (peer: Peer | undefined) => boolean;
  /** How long a client may take to say what it wants, in milliseconds. Default: 30,000. */
  readonly patience?: number;
}

/** How many clients may be in the middle of saying what they want; when there are more, the oldest is dropped. */
const MOST_UNDECIDED = 512;

/** A socket that is being served. It does not listen yet. */
export function serveAgent({ answer, permits, patience = 30_000 }: ServeOptions): Server {
  const undecided = new Set<Socket>();
  const keys = keysAhead();

  function serve(socket: Socket): void {
    const dialogue = serverDialogue(keys);
    const gone = new AbortController();
    let timer = setTimeout(() => socket.destroy(), patience);
    undecided.add(socket);
    if (undecided.size > MOST_UNDECIDED) undecided.values().next().value?.destroy();
    const decided = () => {
      clearTimeout(timer);
      undecided.delete(socket);
    };
    let isWorking = false;

    async function work(request: AgentRequest): Promise<void> {
      isWorking = true;
      decided();
      const peer = peerOf(socket);
      const reply = permits(peer) ? await answered(request, { peer, gone: gone.signal }) : FORBIDDEN;
      if (socket.destroyed) return;
      socket.end(dialogue.reply(reply));
      // a client that does not read must not keep the socket
      timer = setTimeout(() => socket.destroy(), patience);
    }

    async function answered(request: AgentRequest, asker: Asker): Promise<AgentReply> {
      try {
        return await answer(request, asker);
      } catch (error) {
        const words = isTokenError(error) ? error.message : "internal error";
        return { status: "failure", error: words };
      }
    }

    socket.on("data", (piece: Uint8Array) => {
      const { send, request, over } = dialogue.heard(piece);
      if (over) decided();
      if (send && over && !request) socket.end(send);
      else if (send) socket.write(send);
      else if (over && !request) socket.destroy();
      if (request) void work(request);
    });
    // half a connection is enough for an answer, but nobody sits at a question any more
    socket.on("end", () => {
      gone.abort();
      if (!isWorking) socket.end();
    });
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      decided();
      gone.abort();
    });
  }

  return createServer({ allowHalfOpen: true }, serve);
}

const FORBIDDEN: AgentReply = {
  status: "failure",
  error: "permission denied: this agent is somebody else's",
};

/** Makes the keys of the next connection while nobody waits for them. */
function keysAhead(): () => WireKeys {
  let next: WireKeys | undefined;
  const prepare = () => {
    next ??= wireKeys();
  };
  return () => {
    const keys = next ?? wireKeys();
    next = undefined;
    setTimeout(prepare, 1).unref();
    return keys;
  };
}
