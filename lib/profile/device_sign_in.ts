/**
 * Signing in with a device code: what the person sees while the program waits (RFC 8628 section 3.3).
 *
 * @module
 */

import { isTokenError, TokenError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import type { Client } from "../oauth/client.ts";
import { type DeviceAuthorization, deviceAuthorization } from "../oauth/grants/device_code.ts";
import type { Issuer } from "../oauth/issuer.ts";
import type { TokenSet } from "../oauth/token_set.ts";
import { safeText } from "../safe_text.ts";

/** What to sign in to, and how it may be shown. */
export interface DeviceSignIn {
  readonly issuer: Issuer;
  readonly client: Client;
  readonly scope?: string;
  /** The server's name for people. */
  readonly title: string;
  /** Whether a page may be opened on this machine. */
  readonly openBrowser: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Shows the page and the code, opens the page where a browser is, and waits for the person.
 *
 * @throws {TokenError} `expired_code`, `access_denied`, `server_refused`, `unsupported`, `aborted`
 */
export async function signInWithDevice(host: Host, request: DeviceSignIn): Promise<TokenSet> {
  const { issuer, client, scope, signal } = request;
  const device = await deviceAuthorization(issuer, client, { scope }, { signal });
  host.say(await invitation(host, device, request));
  if (request.openBrowser && host.browser().available) {
    await host.openBrowser(device.verificationUriComplete ?? device.verificationUri);
  }
  const stop = countDown(host, device.expiresAt);
  try {
    return await device.wait({ signal });
  } catch (error) {
    if (!isTokenError(error) || error.code !== "aborted") throw error;
    throw new TokenError("aborted", "The sign-in was stopped before it was finished");
  } finally {
    stop();
  }
}

async function invitation(
  host: Host,
  device: DeviceAuthorization,
  { title, client, scope }: DeviceSignIn,
): Promise<string> {
  const minutes = Math.max(1, Math.round((device.expiresAt - host.clock.now() / 1000) / 60));
  const code = /^[A-Z0-9-]{4,32}$/i.test(device.userCode)
    ? device.userCode
    : `"${safeText(device.userCode, 64)}"`;
  const lines = [
    `To sign in to ${safeText(title, 80)}, open this page on any device:`,
    "",
    `    ${device.verificationUri}`,
    "",
    `and enter the code   ${code}   (valid for ${minutes} min; the page must show the same code)`,
    "",
    `It gives "${safeText(client.clientId, 80)}" access to: ${
      safeText(scope ?? "what the server decides", 200)
    }.`,
    "Go on only if you started this yourself.",
  ];
  const picture = await drawing(host, device.verificationUriComplete);
  return [...lines, ...(picture ? ["", picture] : []), ""].join("\n");
}

/** A QR code of the page with the code in it, when the terminal is wide enough for it. */
async function drawing(host: Host, uri?: string): Promise<string | undefined> {
  if (!uri || !host.isErrorTerminal) return undefined;
  const { renderUnicodeCompact } = await import("uqr");
  const picture = renderUnicodeCompact(uri, { border: 1 });
  const lines = picture.split("\n");
  if (lines.some((line) => line.length > host.columns)) return undefined;
  // light on dark, whatever the terminal's own colours are
  return host.color ? lines.map((line) => `\x1b[97;40m${line}\x1b[0m`).join("\n") : picture;
}

/** Tells once a second how long the code is still good. On anything but a terminal it says so once. */
function countDown(host: Host, expiresAt: number): () => void {
  if (!host.isErrorTerminal || host.environment("TERM") === "dumb") {
    host.say("Waiting for the sign-in …");
    return () => {};
  }
  const show = () => {
    const left = Math.max(0, Math.round(expiresAt - host.clock.now() / 1000));
    const time = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    const texts = [`Waiting for the sign-in … ${time} left (Ctrl-C to stop)`, `Waiting … ${time}`, time];
    // a line that is broken in two cannot be written over
    host.status(texts.find((text) => text.length < host.columns) ?? "");
  };
  show();
  const timer = setInterval(show, 1000);
  return () => {
    clearInterval(timer);
    host.status("");
  };
}
