/**
 * Which URLs a request may go to.
 *
 * @module
 */

import { TokenError } from "../errors.ts";
import { safeText } from "../safe_text.ts";

const LOOPBACK = /^http:\/\/(localhost|127\.0\.0\.1|\[::1])(:\d+)?$/;

/**
 * Parses a URL and makes sure that a secret may be sent to it: `https`, no user name, no password, no fragment
 * (RFC 6749 sections 3.1 and 3.2).
 *
 * @param url a whole URL; a relative one is refused
 * @param options `allowInsecureLoopback` (default: false) permits `http` to `127.0.0.1`, `[::1]` and `localhost`
 * @returns a fresh `URL`
 * @throws {TokenError} `insecure_url` when the URL is anything else
 */
export function checkUrl(url: string | URL, options: { readonly allowInsecureLoopback?: boolean } = {}): URL {
  if (!URL.canParse(url)) throw refusal("this is not a whole URL");
  const parsed = new URL(url);
  // Nothing else of the URL is shown: it may hold a secret.
  const place = `${parsed.protocol}//${parsed.host}`;
  if (parsed.protocol !== "https:" && !(options.allowInsecureLoopback && LOOPBACK.test(place))) {
    throw refusal(`${place} is not https`);
  }
  if (parsed.username || parsed.password || parsed.href.includes("#")) {
    throw refusal(`the URL of ${place} has a user name, a password or a fragment`);
  }
  return parsed;
}

function refusal(reason: string): TokenError {
  return new TokenError("insecure_url", `Cannot send a request: ${safeText(reason)}`, { sent: false });
}
