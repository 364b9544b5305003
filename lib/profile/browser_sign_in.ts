/**
 * Signing in with the browser of this machine: authorization code with PKCE on a loopback redirect (RFC 8252).
 *
 * @module
 */

import { isTokenError, TokenError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import type { Client } from "../oauth/client.ts";
import { type AuthorizationRequest, authorizationRequest } from "../oauth/grants/authorization_code.ts";
import type { Issuer } from "../oauth/issuer.ts";
import type { TokenSet } from "../oauth/token_set.ts";
import { safeText } from "../safe_text.ts";

/** What to sign in to, and how. */
export interface BrowserSignIn {
  readonly issuer: Issuer;
  readonly client: Client;
  readonly scope?: string;
  /** The server's name for people. */
  readonly title: string;
  /** Where the browser comes back to. Default: any free port of 127.0.0.1. */
  readonly redirectUri?: string;
  /** Whether the parameters are pushed to the server first (RFC 9126). Default: when it requires that. */
  readonly pushed?: boolean;
  /** Whether a page may be opened; it is shown in any case. */
  readonly openBrowser: boolean;
  readonly signal?: AbortSignal;
}

/** How long the browser may take, in milliseconds. */
const TIMEOUT = 300_000;

/**
 * Opens the server's page and waits for the browser to come back.
 *
 * @throws {TokenError} `access_denied`, `server_refused`, `expired_code` when nobody came back, `unsupported`, `aborted`
 */
export async function signInWithBrowser(host: Host, request: BrowserSignIn): Promise<TokenSet> {
  let pending: AuthorizationRequest | undefined;
  const listener = await host.listen({
    redirectUri: request.redirectUri,
    accept: (parameters) => pending?.accepts(parameters) ?? false,
    timeout: TIMEOUT,
    signal: request.signal,
  });
  try {
    const { issuer, client, scope } = request;
    // the refresh token that outlives the browser session is given only with consent (OpenID Connect Core 1.0 section 11)
    const prompt = scope?.split(" ").includes("offline_access") ? "consent" : undefined;
    pending = await authorizationRequest(issuer, client, {
      redirectUri: listener.redirectUri,
      scope,
      prompt,
      pushed: request.pushed,
      signal: request.signal,
    });
    await invite(host, pending.url, request);
    const answer = await listener.answer.catch(explain);
    return await pending.redeem(answer, { signal: request.signal });
  } finally {
    await listener.close();
  }
}

/** To wait in vain for a person is no fault of the network. */
function explain(error: unknown): never {
  if (!isTokenError(error) || error.code !== "timeout") throw error;
  throw new TokenError("expired_code", error.message, { nextStep: "Start the sign-in again" });
}

async function invite(host: Host, url: string, request: BrowserSignIn): Promise<void> {
  const opened = request.openBrowser && host.browser().available && await host.openBrowser(url);
  const where = opened
    ? `A page of ${safeText(request.title, 80)} has been opened in your browser. If you cannot see it, open:`
    : `To sign in to ${safeText(request.title, 80)}, open this page in a browser on this machine:`;
  host.say(`${where}\n\n    ${url}\n\nWaiting for the sign-in … (Ctrl-C to stop)`);
}

/**
 * @throws {TokenError} `invalid_argument` when a redirect URI cannot be listened on
 */
export function checkRedirectUri(uri: string): string {
  const url = URL.canParse(uri) ? new URL(uri) : undefined;
  if (url?.protocol === "http:" && ["127.0.0.1", "[::1]", "localhost"].includes(url.hostname)) return uri;
  throw new TokenError("invalid_argument", `Cannot listen on the redirect URI "${safeText(uri)}"`, {
    nextStep: "Use a loopback address, such as http://127.0.0.1:4242/callback",
  });
}
