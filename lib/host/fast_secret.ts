/**
 * One secret of the Secret Service, by the quickest sockets that Bun has: for a cached `get`, which `node:net` and the
 * careful client of `dbus.ts` would make three times as long. Two round trips: everything that waits for nothing is sent
 * at once.
 *
 * @module
 */

import { openSession, searchItems, secretCall, secretIn } from "./_secret_calls.ts";
import { authentication, BEGIN, busPaths, type DBusCall, hello, PATIENCE } from "./_session_bus.ts";
import { type DBusMessage, decodeMessage, encodeMessage } from "./dbus_wire.ts";

/** What of Bun is needed. */
export interface FastSockets {
  connect(options: { unix: string; socket: FastSocketHandler }): Promise<unknown>;
}

/** A connection. */
export interface FastSocket {
  write(bytes: Uint8Array): number;
  end(): void;
}

/** What a socket calls. */
export interface FastSocketHandler {
  open(socket: FastSocket): void;
  data(socket: FastSocket, piece: Uint8Array): void;
  close(): void;
  error(): void;
  connectError(): void;
}

/** What the answers may take, in bytes. */
const LIMIT = 64 * 1024;

/**
 * The secret with this id, where it is at hand. Nothing where it is not, whatever the reason: a keyring that is locked, a
 * bus that does not answer.
 */
export function fastSecret(
  sockets: FastSockets,
  environment: (name: string) => string | undefined,
  uid: number,
  id: string,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const [unix] = busPaths(environment);
    if (unix === undefined) return resolve(undefined);
    let open: FastSocket | undefined;
    const settle = (secret?: string) => {
      clearTimeout(timer);
      resolve(secret);
      open?.end();
    };
    const timer = setTimeout(settle, PATIENCE);
    const talk = conversation(uid, id);
    const say = (bytes: Uint8Array) => {
      if (open!.write(bytes) !== bytes.length) settle();
    };
    const socket: FastSocketHandler = {
      open: (socket) => {
        open = socket;
        say(talk.greeting);
      },
      data: (_, piece) => {
        try {
          const next = talk.heard(piece);
          if (next) "secret" in next ? settle(next.secret) : say(next.say);
        } catch {
          settle();
        }
      },
      close: () => settle(),
      error: () => settle(),
      connectError: () => settle(),
    };
    sockets.connect({ unix, socket }).catch(() => settle());
  });
}

type Step = { readonly say: Uint8Array } | { readonly secret: string | undefined };

/** What is said and heard; throws when it goes otherwise than hoped. */
function conversation(uid: number, id: string): {
  readonly greeting: Uint8Array;
  heard(piece: Uint8Array): Step | undefined;
} {
  const message = (serial: number, call: DBusCall) =>
    encodeMessage({ type: "call", serial, ...call, body: call.body ?? [] });
  const greeting = joined([
    new TextEncoder().encode(authentication(uid) + BEGIN),
    message(1, hello),
    message(2, searchItems(id)),
    message(3, openSession),
  ]);
  const answers = new Map<number, DBusMessage>();
  let bytes: Uint8Array = new Uint8Array();
  let isAccepted = false;

  /** Takes what is whole out of the bytes. */
  function take(piece: Uint8Array): void {
    bytes = joined([bytes, piece]);
    if (bytes.length > LIMIT) throw new RangeError("too much");
    if (!isAccepted) {
      const end = bytes.indexOf(10);
      if (end < 0) return;
      if (!new TextDecoder().decode(bytes.subarray(0, end)).startsWith("OK ")) throw new Error("turned away");
      isAccepted = true;
      bytes = bytes.subarray(end + 1);
    }
    for (let found = decodeMessage(bytes); found; found = decodeMessage(bytes)) {
      bytes = bytes.subarray(found.length);
      const { type, replySerial } = found.message;
      if (type === "error") throw new Error("refused");
      if (type === "return" && replySerial !== undefined) answers.set(replySerial, found.message);
    }
  }

  return {
    greeting,
    heard: (piece) => {
      take(piece);
      const secret = answers.get(4);
      if (secret) return { secret: secretIn(secret.body[0]) };
      const [items, session] = [answers.get(2), answers.get(3)];
      if (!items || !session) return undefined;
      answers.clear();
      const path = (items.body[0] as string[])[0];
      // it is locked, or not there: the careful way knows what to do
      if (path === undefined) return { secret: undefined };
      return { say: message(4, secretCall(path, "Item", "GetSecret", "o", [session.body[1]])) };
    },
  };
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
