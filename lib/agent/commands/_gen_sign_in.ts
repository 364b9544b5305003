/**
 * The sign-in of `oidc-gen`: the agent does it, the person sees here what to do.
 *
 * @module
 */

import type { Host } from "../../host/host.ts";
import { safeText } from "../../safe_text.ts";
import { agent } from "../client.ts";
import type { AgentReply, AgentRequest } from "../requests.ts";
import { ask, failure, has } from "./_tool.ts";
import type { Arguments } from "./argp.ts";

/** How long the browser may take, in milliseconds. */
const BROWSER_TIME = 300_000;
/** Between two questions whether the browser has come back, in milliseconds. */
const BROWSER_PACE = 1_000;
/** RFC 8628 section 3.2 */
const DEFAULT_INTERVAL = 5;
/** RFC 8628 section 3.5 */
const SLOW_DOWN = 5;

/** What a sign-in is told. */
export interface GenRequest {
  readonly config: Readonly<Record<string, unknown>>;
  readonly flows: readonly string[];
  /** Whether an access token is all that is wanted. */
  readonly onlyAt?: boolean;
}

/**
 * Signs in.
 *
 * @returns the agent's last reply: with `config`, or with `access_token`
 */
export async function signIn(host: Host, given: Arguments, request: GenRequest): Promise<AgentReply> {
  const { config, flows, onlyAt = false } = request;
  // what a pipe reads as the answer is the token alone
  const tell = onlyAt ? () => {} : (line: string) => host.answer(`${line}\n`);
  if (!onlyAt) tell("Generating account configuration ...");
  const begun = await ask({
    request: "gen",
    config,
    flow: [...flows],
    ...(has(given, "no-webserver") ? { no_webserver: 1 } : {}),
    ...(has(given, "no-scheme") ? { no_scheme: 1 } : {}),
    only_at: onlyAt ? 1 : 0,
  });
  if (begun.oidc_device) {
    tell("accepted");
    return await byDevice(host, begun.oidc_device as Device, onlyAt);
  }
  if (typeof begun.uri === "string") {
    tell("accepted");
    const reply = await byBrowser(host, given, begun.uri, String(begun.state));
    tell("success");
    return reply;
  }
  return begun;
}

interface Device {
  readonly user_code?: unknown;
  readonly verification_uri?: unknown;
  readonly verification_uri_complete?: unknown;
  readonly expires_in?: unknown;
  readonly interval?: unknown;
}

async function byDevice(host: Host, device: Device, onlyAt: boolean): Promise<AgentReply> {
  await invite(host, device);
  let interval = Number(device.interval) > 0 ? Number(device.interval) : DEFAULT_INTERVAL;
  const { signal, dispose } = host.interrupt();
  try {
    for (;;) {
      await host.clock.sleep(interval * 1000, signal);
      const reply = await answered({ request: "device", oidc_device: device, only_at: onlyAt ? 1 : 0 });
      const error = reply.error ?? (reply.status === "failure" ? "no reason given" : undefined);
      if (error === undefined) return reply;
      if (error === "slow_down") interval += SLOW_DOWN;
      else if (error !== "authorization_pending") throw refusal(reply);
    }
  } finally {
    dispose();
  }
}

async function invite(host: Host, device: Device): Promise<void> {
  const uri = safeText(String(device.verification_uri), 2000);
  const lines = [
    "",
    "Using a browser on any device, visit:",
    uri,
    "",
    `And enter the code: ${safeText(String(device.user_code), 80)}`,
  ];
  const picture = await drawing(host, String(device.verification_uri_complete ?? device.verification_uri));
  if (picture) {
    lines.push("Alternatively you can use the following QR code to visit the above listed URL.", "", picture);
  }
  host.say([...lines, ""].join("\n"));
}

/** Only for eyes: a log has no use for it. */
async function drawing(host: Host, uri: string): Promise<string | undefined> {
  if (!host.isErrorTerminal) return undefined;
  const { renderUnicodeCompact } = await import("uqr");
  const picture = renderUnicodeCompact(uri, { border: 1 });
  const lines = picture.split("\n");
  if (lines.some((line) => line.length > host.columns)) return undefined;
  return host.color ? lines.map((line) => `\x1b[97;40m${line}\x1b[0m`).join("\n") : picture;
}

async function byBrowser(host: Host, given: Arguments, uri: string, state: string): Promise<AgentReply> {
  host.say(
    "To continue and approve the registered client visit the following URL in a Browser of your choice:\n" +
      safeText(uri, 8000),
  );
  if (!has(given, "no-url-call") && host.browser().available) await host.openBrowser(uri);
  host.say("Polling oidc-agent to get the generated account configuration ...");
  const until = host.clock.monotonic() + BROWSER_TIME;
  const { signal, dispose } = host.interrupt();
  try {
    while (host.clock.monotonic() < until) {
      await host.clock.sleep(BROWSER_PACE, signal);
      const reply = await answered({ request: "state_lookup", state });
      if (reply.error !== undefined || reply.status === "failure") throw refusal(reply);
      if (reply.status === "FoundButReceived") throw failure(String(reply.info));
      if (reply.config !== undefined || reply.access_token !== undefined) return reply;
    }
  } finally {
    dispose();
  }
  throw failure("nobody has signed in", "Begin again, and open the page within five minutes");
}

/** A reply as it is: that a sign-in is pending is no failure. */
async function answered(request: AgentRequest): Promise<AgentReply> {
  return await agent().request(request);
}

function refusal({ error, info }: AgentReply): Error {
  return failure(safeText(String(error)), typeof info === "string" ? safeText(info) : undefined);
}
