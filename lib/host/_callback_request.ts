/**
 * The head of an HTTP request on the loopback callback: a small, strict reading of RFC 9112, the same on every runtime.
 *
 * @module
 */

/** A request without its body; a callback has none. */
export interface CallbackRequest {
  readonly method: string;
  /** Path and query, as sent. */
  readonly target: string;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
}

/** What the bytes so far amount to: a request, a status that refuses them, or nothing yet. */
export type CallbackHead = { readonly request: CallbackRequest } | { readonly refused: number } | undefined;

/** In bytes, without the line end. */
const LONGEST_LINE = 8 * 1024;
/** All of the head, in bytes: cookies of other programs on this host come along. */
const LONGEST_HEAD = 64 * 1024;
const MOST_HEADERS = 32;

const REQUEST_LINE = /^([A-Z]{1,20}) (\/[\x21-\x7e]*) HTTP\/1\.[01]$/;
const HEADER_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x20-\x7e\x80-\xff\t]*?)[ \t]*$/;
/** What a callback may be asked only once, because a second one could contradict it. */
const SINGLE = ["host", "origin", "sec-fetch-mode", "sec-fetch-dest"];

/** Collects the bytes of a connection until they are a request or cannot become one. */
export function headReader(): (chunk: Uint8Array) => CallbackHead {
  const decoder = new TextDecoder("latin1");
  let text = "";
  return (chunk) => {
    text += decoder.decode(chunk, { stream: true });
    const end = text.indexOf("\r\n\r\n");
    const firstLine = text.indexOf("\r\n");
    if ((firstLine === -1 ? text.length : firstLine) > LONGEST_LINE) return { refused: 414 };
    if ((end === -1 ? text.length : end) > LONGEST_HEAD) return { refused: 431 };
    return end === -1 ? undefined : parseHead(text.slice(0, end));
  };
}

function parseHead(head: string): CallbackHead {
  const [first, ...lines] = head.split("\r\n");
  const [, method, target] = REQUEST_LINE.exec(first) ?? [];
  if (method === undefined) return { refused: 400 };
  if (lines.length > MOST_HEADERS) return { refused: 431 };
  const headers = new Map<string, string>();
  for (const line of lines) {
    const [, name, value] = HEADER_LINE.exec(line) ?? [];
    if (name === undefined) return { refused: 400 };
    const key = name.toLowerCase();
    if (headers.has(key) && SINGLE.includes(key)) return { refused: 400 };
    headers.set(key, value);
  }
  return { request: { method, target, headers } };
}
