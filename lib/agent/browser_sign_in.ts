/**
 * A sign-in in the browser, which brings its answer to a listener of the agent, or to a person who brings it here.
 *
 * @module
 */

import { TokenError } from "../errors.ts";
import type { CallbackListener } from "../host/host.ts";
import { authorizationRequest } from "../oauth/grants/authorization_code.ts";
import type { AgentOptions } from "./agent_options.ts";
import { type AccountSignIn, finishSignIn, type SignInContext } from "./new_account.ts";
import type { PendingSignIns } from "./pending.ts";
import { flagOf } from "./replies.ts";
import type { AgentReply, AgentRequest } from "./requests.ts";
import type { Asker } from "./server.ts";

/** What answers to requests about sign-ins need. */
export interface SignInRequestsOptions extends SignInContext {
  readonly options: AgentOptions;
  readonly pending: PendingSignIns;
}

const CUSTOM_SCHEME = "edu.kit.data.oidc-agent:";
/** How long the browser may take, in milliseconds. */
const BROWSER_TIME = 300_000;

/** Begins one. */
export async function beginBrowser(
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
