/**
 * The agent's side of one connection. Pure: pieces of bytes in; what to send, and the request once it is whole, out.
 *
 * @module
 */

import type { AgentReply, AgentRequest } from "./requests.ts";
import { keyMessage, type Message, messageReader, openedText, sealedMessage } from "./wire.ts";
import type { WireKeys } from "./wire_crypto.ts";

/** What follows from a piece. */
export interface Heard {
  /** To be sent at once. */
  readonly send?: Uint8Array;
  /** What the client wants: the next thing to send is its `reply`. */
  readonly request?: AgentRequest;
  /** Nothing more is read: the connection ends after what is sent. */
  readonly over?: boolean;
}

/** One connection. */
export interface ServerDialogue {
  heard(piece: Uint8Array): Heard;
  /** The reply as bytes, sealed where the request was. */
  reply(reply: AgentReply): Uint8Array;
}

/** Begins a dialogue. `keys` makes the keys of this connection, when the client wants to speak in secret. */
export function serverDialogue(keys: () => WireKeys): ServerDialogue {
  const reader = messageReader("key");
  let key: Uint8Array | undefined;
  let isOver = false;

  function over(error?: string): Heard {
    isOver = true;
    return { over: true, ...(error ? { send: encoded({ status: "failure", error }) } : {}) };
  }

  function request(text: string): Heard {
    const found = parse(text);
    isOver = true;
    if (typeof found?.request === "string") return { request: found as AgentRequest, over: true };
    const error = found ? "Bad Request: No request type." : "Bad Request: could not parse json";
    return { send: answer({ status: "failure", error }), over: true };
  }

  function answer(reply: AgentReply): Uint8Array {
    return key ? sealedMessage(key, JSON.stringify(reply)) : encoded(reply);
  }

  function understood(message: Message): Heard {
    switch (message.is) {
      case "plain":
        return request(message.text);
      case "key": {
        const own = keys();
        key = own.sharedKey(message.key);
        return key ? { send: keyMessage(own.publicKey) } : over("received suspicious public key");
      }
      case "sealed": {
        const text = key && openedText(key, message);
        return text === undefined ? over("decryption failed") : request(text);
      }
      case "broken":
        return message.absurd ? over() : over("internal error: ipc encrypted message malformed");
    }
  }

  return {
    heard: (piece) => {
      if (isOver) return {};
      const message = reader.push(piece);
      const heard = message ? understood(message) : {};
      if (!message || message.is !== "key" || heard.over) return heard;
      // a client that does not wait for our key has sent more already
      const more = reader.push(new Uint8Array());
      return more ? { ...understood(more), send: heard.send } : heard;
    },
    reply: answer,
  };
}

function encoded(reply: AgentReply): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(reply));
}

function parse(text: string): Partial<AgentRequest> | undefined {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
