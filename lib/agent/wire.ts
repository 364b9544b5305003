/**
 * The oidc-agent wire as 4.x and 5.x speak it: how its messages look, and where in a stream one ends.
 *
 * There is no framing: a message is what one write sends. So each message is made in one piece here, and a stream is
 * read until a message is whole, in however many pieces it comes. Pure: bytes in, messages out.
 *
 * ```
 * plain        client  {"request":…}        agent  {"status":…}
 * encrypted    client  base64(public key)   agent  base64(public key)
 *              client  LENGTH:NONCE:SEALED  agent  LENGTH:NONCE:SEALED
 * ```
 *
 * @module
 */

import { toBase64 } from "../bytes.ts";
import { fromBase64 } from "./_base64.ts";
import { freshNonce, NONCE, openMessage, PUBLIC_KEY, sealMessage, TAG } from "./wire_crypto.ts";

/** The longest message, in bytes: the largest that the clients' own sockets take in one piece. */
export const LONGEST_MESSAGE: number = 200 * 1024;
/** How long a public key is on the wire. */
export const KEY_LENGTH: number = lengthInBase64(PUBLIC_KEY);

/** A message as it stands on the wire. */
export type Message =
  | { readonly is: "plain"; readonly text: string }
  | { readonly is: "key"; readonly key: Uint8Array }
  | {
    readonly is: "sealed";
    readonly length: number;
    readonly nonce: Uint8Array;
    readonly sealed: Uint8Array;
  }
  /** It can become no message whatever comes. `absurd`: it is too long to be one. */
  | { readonly is: "broken"; readonly absurd: boolean };

/** Finds the messages in a stream. */
export interface MessageReader {
  /** Takes a piece; gives the message that is whole with it. What comes after a message is for the next call. */
  push(piece: Uint8Array): Message | undefined;
}

const BROKEN: Message = { is: "broken", absurd: false };
const ABSURD: Message = { is: "broken", absurd: true };

/** Reads one side of a connection. `expects`: what may come first, beside a plain message. */
export function messageReader(expects: "key" | "sealed", longest: number = LONGEST_MESSAGE): MessageReader {
  let held = new Uint8Array(256);
  let length = 0;
  let at = 0;
  let expected = expects;
  let json: JsonEnd | undefined;
  let header: SealedHeader | undefined;

  function take(piece: Uint8Array): boolean {
    if (length + piece.length > longest + HEADROOM) return false;
    if (length + piece.length > held.length) {
      const larger = new Uint8Array(Math.max(2 * held.length, length + piece.length));
      larger.set(held.subarray(0, length));
      held = larger;
    }
    held.set(piece, length);
    length += piece.length;
    return true;
  }

  function used(end: number): void {
    held.copyWithin(0, end, length);
    length -= end;
    at = 0;
    json = header = undefined;
    expected = "sealed";
  }

  function plain(): Message | undefined {
    json ??= jsonEnd();
    while (at < length) {
      if (!json.isEnd(held[at++])) continue;
      const text = new TextDecoder().decode(held.subarray(0, at));
      used(at);
      return { is: "plain", text };
    }
    return length > longest ? ABSURD : undefined;
  }

  function key(): Message | undefined {
    if (length < KEY_LENGTH) return isBase64(held.subarray(0, length)) ? undefined : BROKEN;
    const bytes = fromBase64(held.subarray(0, KEY_LENGTH));
    if (bytes?.length !== PUBLIC_KEY) return BROKEN;
    used(KEY_LENGTH);
    return { is: "key", key: bytes };
  }

  function sealed(): Message | undefined {
    header ??= sealedHeader(held.subarray(0, Math.min(length, 16)));
    if (header === "broken") return BROKEN;
    if (header === undefined) return undefined;
    const { plaintext, start } = header;
    if (plaintext > longest / 2) return ABSURD;
    const middle = start + NONCE_LENGTH;
    const end = middle + 1 + lengthInBase64(plaintext + TAG);
    if (length < end) return undefined;
    const nonce = fromBase64(held.subarray(start, middle));
    const body = fromBase64(held.subarray(middle + 1, end));
    if (nonce?.length !== NONCE || held[middle] !== COLON || !body) return BROKEN;
    used(end);
    return { is: "sealed", length: plaintext, nonce, sealed: body };
  }

  function next(): Message | undefined {
    let blank = 0;
    while (blank < length && isBlank(held[blank]) && at === 0) blank++;
    if (blank > 0) {
      held.copyWithin(0, blank, length);
      length -= blank;
    }
    if (length === 0) return undefined;
    if (held[0] === BRACE) return plain();
    return expected === "key" ? key() : sealed();
  }

  return { push: (piece) => take(piece) ? next() : ABSURD };
}

/** What a message may be longer than its content: the length, the nonce, the colons. */
const HEADROOM = 64;
const NONCE_LENGTH = lengthInBase64(NONCE);
const [QUOTE, BACKSLASH, BRACE, END_BRACE, COLON] = [...'"\\{}:'].map((character) => character.charCodeAt(0));

function lengthInBase64(bytes: number): number {
  return 4 * Math.ceil(bytes / 3);
}

function isBlank(byte: number): boolean {
  return byte === 32 || (byte >= 9 && byte <= 13) || byte === 0;
}

function isBase64(bytes: Uint8Array): boolean {
  return /^[A-Za-z0-9+/]*=*$/.test(new TextDecoder().decode(bytes));
}

type SealedHeader = { readonly plaintext: number; readonly start: number } | "broken" | undefined;

/** The length in front; nothing while it is not all there. */
function sealedHeader(bytes: Uint8Array): SealedHeader {
  const found = /^(\d{1,9})(:?)/.exec(new TextDecoder().decode(bytes));
  if (!found) return "broken";
  const [whole, digits, colon] = found;
  if (colon) return { plaintext: Number(digits), start: whole.length };
  return whole.length === bytes.length ? undefined : "broken";
}

interface JsonEnd {
  /** Whether the object ends with this byte. */
  isEnd(byte: number): boolean;
}

/** Follows an object to its end: each byte is looked at once, however many pieces it comes in. */
function jsonEnd(): JsonEnd {
  let depth = 0;
  let inText = false;
  let escaped = false;
  return {
    isEnd: (byte) => {
      if (inText) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) inText = false;
      } else if (byte === QUOTE) inText = true;
      else if (byte === BRACE) depth++;
      else if (byte === END_BRACE) depth--;
      return depth === 0;
    },
  };
}

/** A public key as a message. */
export function keyMessage(publicKey: Uint8Array): Uint8Array {
  return new TextEncoder().encode(toBase64(publicKey));
}

/** A text as a sealed message. */
export function sealedMessage(key: Uint8Array, text: string, nonce: Uint8Array = freshNonce()): Uint8Array {
  const plaintext = new TextEncoder().encode(text);
  const sealed = sealMessage(key, nonce, plaintext);
  return new TextEncoder().encode(`${plaintext.length}:${toBase64(nonce)}:${toBase64(sealed)}`);
}

/** The text of a sealed message; nothing when it was not sealed with that key, or not by its own length. */
export function openedText(key: Uint8Array, message: Message & { is: "sealed" }): string | undefined {
  const plaintext = openMessage(key, message.nonce, message.sealed);
  return plaintext?.length === message.length ? new TextDecoder().decode(plaintext) : undefined;
}
