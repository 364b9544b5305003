/**
 * Requests that make an account: `gen` and what follows it.
 *
 * A device code and a `state` of the server stay here. The client gets a handle in their place, and asks the agent; the
 * agent asks the server, as often as that wants to be asked.
 *
 * @module
 */

import { isTokenError, TokenError } from "../errors.ts";
import type { CallbackListener } from "../host/host.ts";
import { authorizationRequest } from "../oauth/grants/authorization_code.ts";
import { deviceAuthorization } from "../oauth/grants/device_code.ts";
import { accountOf } from "./account_config.ts";
import type { AgentOptions } from "./agent_options.ts";
import {
  type AccountSignIn,
  byPassword,
  byRefreshToken,
  finishSignIn,
  prepareSignIn,
  type SignInContext,
  withoutOfflineAccess,
} from "./new_account.ts";
import type { PendingSignIns } from "./pending.ts";
import { badRequest, failure, failureOf, flagOf, success, textOf } from "./replies.ts";
import type { AgentReply, AgentRequest } from "./requests.ts";
import type { Asker } from "./server.ts";

/** What answers need. */
export interface SignInRequestsOptions extends SignInContext {
  readonly options: AgentOptions;
  readonly pending: PendingSignIns;
}

type Answer = (request: AgentRequest, asker: Asker) => Promise<AgentReply> | AgentReply;

/** How often a client should ask the agent, in seconds: that costs nobody anything. */
const INTERVAL = 1;
const CUSTOM_SCHEME = "edu.kit.data.oidc-agent:";
/** How long the browser may take, in milliseconds. */
const BROWSER_TIME = 300_000;

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
  };
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
  const { handle } = context.pending.begin(
    asker,
    async (signal) => await finishSignIn(context, signIn, await device.wait({ signal })),
  );
  return {
    status: "accepted",
    oidc_device: {
      device_code: handle,
      user_code: device.userCode,
      verification_uri: device.verificationUri,
      ...(device.verificationUriComplete
        ? { verification_uri_complete: device.verificationUriComplete }
        : {}),
      expires_in: Math.max(1, Math.floor(device.expiresAt - context.host.clock.now() / 1000)),
      interval: INTERVAL,
    },
  };
}

async function beginBrowser(
  context: SignInRequestsOptions,
  signIn: AccountSignIn,
  request: AgentRequest,
  asker: Asker,
): Promise<AgentReply> {
  const { issuer, client, parameters } = signIn;
  const stop = new AbortController();
  let accepts = (_answer: URLSearchParams) => false;
  const place = await placeForBrowser(context, signIn, request, (answer) => accepts(answer), stop.signal);
  const prompt = parameters.scope?.split(" ").includes("offline_access") ? "consent" : undefined;
  const asked = await authorizationRequest(issuer, client, {
    ...parameters,
    redirectUri: place.redirectUri,
    prompt,
  })
    .catch((error) => {
      stop.abort();
      throw error;
    });
  accepts = asked.accepts;
  const redeem = async (answer: URLSearchParams) =>
    await finishSignIn(context, signIn, await asked.redeem(answer));
  const { handle } = context.pending.begin(
    asker,
    async (signal) => {
      signal.addEventListener("abort", () => stop.abort(), { once: true });
      return await redeem(await place.answer);
    },
    { accepts, redeem, close: () => stop.abort() },
  );
  return { status: "accepted", uri: asked.url, state: handle };
}

interface BrowserPlace {
  readonly redirectUri: string;
  /** Never settles where nobody listens. */
  readonly answer: Promise<URLSearchParams>;
}

/** The first redirect URI that can be listened on; or one that comes back by another way. */
async function placeForBrowser(
  { host, options }: SignInRequestsOptions,
  { account }: AccountSignIn,
  request: AgentRequest,
  accept: (answer: URLSearchParams) => boolean,
  signal: AbortSignal,
): Promise<BrowserPlace> {
  const mayListen = options.webserver !== false && !flagOf(request.no_webserver);
  const mayUseScheme = options.customScheme !== false && !flagOf(request.no_scheme);
  let fault: unknown;
  for (const redirectUri of account.redirectUris) {
    if (redirectUri.startsWith(CUSTOM_SCHEME)) {
      if (mayUseScheme) return { redirectUri, answer: new Promise(() => {}) };
      continue;
    }
    if (!mayListen) return { redirectUri, answer: new Promise(() => {}) };
    try {
      const listener: CallbackListener = await host.listen({
        redirectUri,
        accept,
        timeout: BROWSER_TIME,
        signal,
      });
      return { redirectUri: listener.redirectUri, answer: listener.answer };
    } catch (error) {
      fault = error;
    }
  }
  throw fault ??
    new TokenError("invalid_argument", "Cannot sign in with a browser: the account has no redirect URI");
}
