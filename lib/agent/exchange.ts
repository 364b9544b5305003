/**
 * One request and its reply, from the side of a client.
 *
 * @module
 */

import { connect } from "node:net";
import { TokenError } from "../errors.ts";
import type { AgentReply, AgentRequest } from "./requests.ts";
import { checkSocket, noAgent, ownUid } from "./sockets.ts";
import { keyMessage, type Message, messageReader, openedText, sealedMessage } from "./wire.ts";
import { wireKeys } from "./wire_crypto.ts";

/** How a request is sent. */
export interface ExchangeOptions {
  readonly encrypted: boolean;
  /** In milliseconds. */
  readonly timeout: number;
  readonly signal?: AbortSignal;
}

/** The longest reply, in bytes. */
const LONGEST_REPLY = 1024 * 1024;

/**
 * Sends a request to the agent behind a socket.
 *
 * @throws {TokenError} `unavailable` when nobody listens, `invalid_response`, `timeout`, `aborted`
 */
export function exchangeMessages(
  socket: string,
  request: AgentRequest,
  { encrypted, timeout, signal }: ExchangeOptions,
): Promise<AgentReply> {
  return new Promise((resolve, reject) => {
    checkSocket(socket, ownUid());
    if (signal?.aborted) return reject(aborted());
    const text = JSON.stringify(request);
    const dialogue = encrypted ? sealedDialogue(text) : plainDialogue(text);
    const connection = connect({ path: socket });
    const timer = setTimeout(
      () => fail(new TokenError("timeout", "The agent took too long to answer")),
      timeout,
    );
    const abort = () => fail(aborted());
    signal?.addEventListener("abort", abort, { once: true });

    function end(): void {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
      connection.destroy();
    }
    function fail(error: TokenError): void {
      end();
      reject(error);
    }
    connection.on("connect", () => connection.write(dialogue.first));
    connection.on("data", (piece: Uint8Array) => {
      try {
        const { send, reply } = dialogue.heard(piece);
        if (send) connection.write(send);
        if (!reply) return;
        end();
        resolve(reply);
      } catch (error) {
        fail(error as TokenError);
      }
    });
    connection.on("error", () => fail(connection.bytesRead > 0 ? cutShort() : noAgent()));
    connection.on("close", () => fail(cutShort()));
  });
}

interface Dialogue {
  readonly first: Uint8Array;
  heard(piece: Uint8Array): { readonly send?: Uint8Array; readonly reply?: AgentReply };
}

function plainDialogue(text: string): Dialogue {
  const reader = messageReader("sealed", LONGEST_REPLY);
  return {
    first: new TextEncoder().encode(text),
    heard: (piece) => {
      const message = reader.push(piece);
      if (message && message.is !== "plain") throw nonsense();
      return message ? { reply: replyOf(message.text) } : {};
    },
  };
}

function sealedDialogue(text: string): Dialogue {
  const keys = wireKeys();
  const reader = messageReader("key", 2 * LONGEST_REPLY);
  let key: Uint8Array | undefined;

  function answer(message: Message): { send?: Uint8Array; reply?: AgentReply } {
    switch (message.is) {
      // an agent that cannot go on says so in the clear
      case "plain":
        return { reply: replyOf(message.text) };
      case "key":
        key = keys.sharedKey(message.key);
        if (!key) throw nonsense();
        return { send: sealedMessage(key, text) };
      case "sealed": {
        const opened = key && openedText(key, message);
        if (opened === undefined) throw nonsense();
        return { reply: replyOf(opened) };
      }
      case "broken":
        throw nonsense();
    }
  }

  return {
    first: keyMessage(keys.publicKey),
    heard: (piece) => {
      const message = reader.push(piece);
      return message ? answer(message) : {};
    },
  };
}

function replyOf(text: string): AgentReply {
  const reply = parsed(text) ?? parsed(withEscapes(text));
  if (typeof reply === "object" && reply !== null) return reply as AgentReply;
  throw nonsense();
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** 4.x puts line ends and tabs into its texts as they are. */
function withEscapes(text: string): string {
  return text.replace(
    /"(?:[^"\\]|\\[^])*"/g,
    // deno-lint-ignore no-control-regex
    (quoted) => quoted.replace(/[\x00-\x1f]/g, (character) => JSON.stringify(character).slice(1, -1)),
  );
}

function nonsense(): TokenError {
  return new TokenError(
    "invalid_response",
    "Cannot understand the agent: it does not speak as oidc-agent does",
  );
}

function cutShort(): TokenError {
  return new TokenError("unavailable", "The agent went away before it answered", { retryable: true });
}

function aborted(): TokenError {
  return new TokenError("aborted", "Nobody waits for the agent any more");
}
