/**
 * One message to an agent and its reply, by the quickest sockets that Bun has, in the clear.
 *
 * @module
 */

import type { FastSocketHandler, FastSockets } from "../host/fast_secret.ts";

/** The longest reply, in characters. */
const LONGEST = 1024 * 1024;

/**
 * What comes back for a message, to the end of the connection: an agent closes it after its reply. Nothing when none
 * answers.
 *
 * @param patience how long it may take, in milliseconds
 */
export function quickExchange(
  sockets: FastSockets,
  unix: string,
  message: string,
  patience: number,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const bytes = new TextEncoder().encode(message);
    const decoder = new TextDecoder();
    let text = "";
    const timer = setTimeout(() => settle(), patience);
    const settle = (whole?: string) => {
      clearTimeout(timer);
      resolve(whole);
    };
    const socket: FastSocketHandler = {
      open: (socket) => {
        // a message is what one write sends
        if (socket.write(bytes) !== bytes.length) socket.end();
      },
      data: (socket, piece) => {
        text += decoder.decode(piece, { stream: true });
        if (text.length > LONGEST) socket.end();
      },
      close: () => settle(text),
      error: () => settle(),
      connectError: () => settle(),
    };
    sockets.connect({ unix, socket }).catch(() => settle());
  });
}
