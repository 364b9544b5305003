/**
 * Requests that make an account: `gen` and what follows it.
 *
 * A device code and a `state` of the server stay here. The client gets a handle in their place, and asks the agent; the
 * agent asks the server, as often as that wants to be asked.
 *
 * @module
 */

import { isTokenError, TokenError } from "../errors.ts";
import { type DeviceAuthorization, deviceAuthorization } from "../oauth/grants/device_code.ts";
import { safeText } from "../safe_text.ts";
import { accountOf } from "./account_config.ts";
import { beginBrowser, type SignInRequestsOptions } from "./browser_sign_in.ts";
import {
  type AccountSignIn,
  byPassword,
  byRefreshToken,
  finishSignIn,
  prepareSignIn,
  withoutOfflineAccess,
} from "./new_account.ts";
import type { PendingSignIns } from "./pending.ts";
import { renewedSignIn } from "./renewed_sign_in.ts";
import { badRequest, failure, failureOf, flagOf, notLoaded, success, textOf } from "./replies.ts";
import type { AgentReply, AgentRequest } from "./requests.ts";
import type { Asker } from "./server.ts";

type Answer = (request: AgentRequest, asker: Asker) => Promise<AgentReply> | AgentReply;

/** How often a client should ask the agent, in seconds: that costs nobody anything. */
const INTERVAL = 1;

/** The answers, by the request's name. */
export function signInRequests(context: SignInRequestsOptions): Readonly<Record<string, Answer>> {
  const { pending } = context;
  return {
    gen: (request, asker) => gen(context, request, asker),
    device: (request, asker) => {
      const handle = (request.oidc_device as { device_code?: unknown } | undefined)?.device_code;
      return deviceReply(pending, String(handle), asker);
    },
    state_lookup: ({ state }, asker) => stateReply(pending, String(state), asker),
    term_http_server: ({ state }) => {
      pending.get(String(state))?.browser?.close();
      return success();
    },
    code_exchange: (request) => exchangeCode(pending, request),
    reauthenticate: (request, asker) => reauthenticate(context, request, asker),
  };
}

/**
 * A device code for an account that is loaded. What the sign-in brings goes to the account's file; whoever polls with
 * `device` is told that it has, and gets no account.
 */
async function reauthenticate(
  context: SignInRequestsOptions,
  request: AgentRequest,
  asker: Asker,
): Promise<AgentReply> {
  const { host, servers, holdings } = context;
  const name = textOf(request.account);
  if (!name) return badRequest("account");
  const holding = holdings.get(name);
  if (!holding) return notLoaded(name);
  try {
    const { account, issuer, client, keep } = await renewedSignIn(host, servers, holding);
    const device = await deviceAuthorization(issuer, client, { scope: account.scope });
    return shown(context, device, asker, async (signal) => {
      await keep(await device.wait({ signal }));
      return success({ info: `Signed in again to '${safeText(name, 80)}'` });
    });
  } catch (error) {
    return failureOf(error, name, "account");
  }
}

function deviceReply(pending: PendingSignIns, handle: string, asker: Asker): AgentReply {
  const outcome = pending.take(handle, asker);
  switch (outcome.is) {
    case "waiting":
      return failure("authorization_pending");
    case "done":
      pending.drop(handle);
      return outcome.reply;
    case "failed":
      return failureOf(outcome.error, "", "account");
    default:
      return failure("expired_token: the device code is unknown, or what it brought was given out already");
  }
}

function stateReply(pending: PendingSignIns, handle: string, asker: Asker): AgentReply {
  const outcome = pending.take(handle, asker);
  switch (outcome.is) {
    case "done":
      return outcome.reply;
    case "failed":
      return failureOf(outcome.error, "", "account");
    case "taken":
      return {
        status: "FoundButReceived",
        info: "The account was given to the program that began the sign-in",
      };
    default:
      return { status: "NotFound", info: "Nobody has signed in yet" };
  }
}

/** The address that a browser was sent back to, brought by a person or by the system's handler of its scheme. */
async function exchangeCode(pending: PendingSignIns, { redirect_uri }: AgentRequest): Promise<AgentReply> {
  const uri = textOf(redirect_uri);
  if (!uri || !URL.canParse(uri)) return badRequest("redirect_uri");
  const answer = new URL(uri).searchParams;
  const found = pending.answeredBy(answer);
  if (!found?.browser) return failure("wrong state");
  try {
    return await found.browser.redeem(answer);
  } catch (error) {
    return failureOf(error, "", "account");
  } finally {
    pending.drop(found.handle);
  }
}

async function gen(context: SignInRequestsOptions, request: AgentRequest, asker: Asker): Promise<AgentReply> {
  if (typeof request.config !== "object" || request.config === null) return badRequest("config");
  let name = "";
  try {
    const account = accountOf(request.config);
    name = account.name;
    const signIn = await prepareSignIn(context, account, flagOf(request.only_at));
    return await firstThatWorks(context, flowsOf(request.flow), signIn, request, asker);
  } catch (error) {
    return failureOf(error, name, "account");
  }
}

function flowsOf(flow: unknown): string[] {
  const flows = typeof flow === "string" ? parsedList(flow) : flow;
  const named = Array.isArray(flows) ? flows.map(String) : [];
  return named.length > 0 ? named : ["device"];
}

/** Some clients send the list as a text of JSON, some a single word. */
function parsedList(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text.split(/\s+/).filter(Boolean);
  }
}

async function firstThatWorks(
  context: SignInRequestsOptions,
  flows: readonly string[],
  signIn: AccountSignIn,
  request: AgentRequest,
  asker: Asker,
): Promise<AgentReply> {
  let last: TokenError | undefined;
  for (const flow of flows) {
    try {
      return await withoutOfflineAccess(signIn, (one) => begin(context, flow, one, request, asker));
    } catch (error) {
      if (!isTokenError(error)) throw error;
      last = error;
    }
  }
  if (flows.length === 1) throw last!;
  return failure("No flow was successful.", last?.message);
}

async function begin(
  context: SignInRequestsOptions,
  flow: string,
  signIn: AccountSignIn,
  request: AgentRequest,
  asker: Asker,
): Promise<AgentReply> {
  switch (flow) {
    case "device":
      return await beginDevice(context, signIn, asker);
    case "code":
      return await beginBrowser(context, signIn, request, asker);
    case "password":
      return await finishSignIn(context, signIn, await byPassword(signIn));
    case "refresh":
      return await finishSignIn(context, signIn, await byRefreshToken(signIn));
    default:
      throw new TokenError("unsupported", `Unknown flow '${flow.slice(0, 40)}'`);
  }
}

async function beginDevice(
  context: SignInRequestsOptions,
  signIn: AccountSignIn,
  asker: Asker,
): Promise<AgentReply> {
  const { issuer, client, parameters } = signIn;
  const device = await deviceAuthorization(issuer, client, parameters);
  return shown(
    context,
    device,
    asker,
    async (signal) => await finishSignIn(context, signIn, await device.wait({ signal })),
  );
}

/** A page and a code for whoever asked, with a handle in place of the server's own code. */
function shown(
  { host, pending }: SignInRequestsOptions,
  device: DeviceAuthorization,
  asker: Asker,
  work: (signal: AbortSignal) => Promise<AgentReply>,
): AgentReply {
  const { handle } = pending.begin(asker, work);
  return {
    status: "accepted",
    oidc_device: {
      device_code: handle,
      user_code: device.userCode,
      verification_uri: device.verificationUri,
      ...(device.verificationUriComplete
        ? { verification_uri_complete: device.verificationUriComplete }
        : {}),
      expires_in: Math.max(1, Math.floor(device.expiresAt - host.clock.now() / 1000)),
      interval: INTERVAL,
    },
  };
}
