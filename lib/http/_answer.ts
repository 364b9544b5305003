/**
 * Reading an answer that nobody vouches for.
 *
 * @module
 */

import { safeText } from "../safe_text.ts";
import { failure, type Flight } from "./_flight.ts";

/**
 * Reads the body of an answer through a counter.
 *
 * @param limit the longest body that is taken, in bytes
 * @throws {TokenError} `invalid_response` when the answer is a redirect, too long, or compressed and not unpacked
 */
export async function readAnswer(response: Response, limit: number, flight: Flight): Promise<Uint8Array> {
  const { status, headers } = response;
  const refusal = (reason: string) => failure(flight, "invalid_response", reason, { status });
  const reader = response.body?.getReader();
  // The signal alone is not enough: a `fetch` that was passed in need not listen to it.
  const cancel = () => {
    reader?.cancel().catch(() => {});
  };
  flight.signal.addEventListener("abort", cancel);
  if (flight.signal.aborted) cancel();

  // A browser shows a redirect as status 0. `redirected`: a `fetch` that was passed in has followed one all the same.
  if (status < 200 || (status > 299 && status < 400) || response.redirected) {
    throw refusal(`it is a redirect (${status}${target(headers)}), and redirects are never followed`);
  }
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  // What the server promises, then what has come.
  let length = Number(headers.get("content-length"));
  for (;;) {
    if (length > limit) throw refusal(`it is longer than ${limit} bytes`);
    const value = (await reader?.read())?.value;
    if (!value) break;
    chunks.push(value);
    length = flight.received += value.length;
  }
  const body = new Uint8Array(await new Blob(chunks).arrayBuffer());
  // Nobody asked for an encoding. Most runtimes undo it all the same, within the limit; Bun was told to leave it, and
  // then it is no UTF-8.
  if (headers.has("content-encoding") && new TextDecoder().decode(body).includes("\ufffd")) {
    throw refusal("it is compressed unasked");
  }
  return body;
}

/** Where a redirect leads: the host alone, for the rest may hold a code or a token. */
function target(headers: Headers): string {
  const location = headers.get("location") ?? "";
  return URL.canParse(location) ? ` to ${safeText(new URL(location).host, 100)}` : "";
}
