/**
 * The authorization server put together.
 *
 * @module
 */

import { TokenError } from "../errors.ts";
import type { AuthorizationServer, IssueOptions, RefreshTokenFamily } from "./authorization_server.ts";
import { type Call, type Decision, type RecordedRequest, seconds } from "./call.ts";
import { dispatch } from "./dispatch.ts";
import { renewNonces } from "./dpop.ts";
import { answerWith, faultPlan } from "./faults.ts";
import { SLOWER } from "./grants/polled.ts";
import type { AuthorizationServerOptions } from "./options.ts";
import { people, someone } from "./people.ts";
import { isOf, recordAnswer, recorded, requestLog } from "./record.ts";
import { revokeGrants } from "./refresh_tokens.ts";
import { newState, type State } from "./state.ts";
import { openGrant, tokenAnswer } from "./tokens.ts";
import { fetchOf, type Incoming } from "./transport.ts";

/**
 * Starts an authorization server that lives in memory and is reached by its `fetch` alone.
 *
 * @throws {TokenError} `invalid_argument` when the issuer is no URL, or has a query or a fragment
 */
export async function authorizationServer(
  options: AuthorizationServerOptions = {},
): Promise<AuthorizationServer> {
  const state = await newState(options);
  const log = requestLog();
  const faults = faultPlan();
  const folk = people(state);

  const answer = async (incoming: Incoming, decision?: Decision): Promise<Response> => {
    const request = recorded(state, incoming);
    log.requests.push(request);
    log.coming.wake(request);
    const fault = faults.take(request.endpoint, request.grantType);
    if (fault?.type === "slow_down") slowDown(state, request);
    const idTokenFault = fault?.type === "id_token" ? fault : undefined;
    const call: Call = { state, request, url: incoming.url, decision, idTokenFault };
    const carryOut = async (): Promise<Response> => {
      const served = state.endpoints.isOurs(incoming.url) ? dispatch(call) : elsewhere(state, incoming);
      const done = await recordAnswer(request, await served);
      log.done.wake(request);
      return done;
    };
    if (fault === undefined) return await carryOut();
    const spoiled = await answerWith(fault, carryOut, state.clock, incoming.signal);
    // Half a body cannot be looked into without waiting for the other half.
    return "at" in fault ? spoiled : await recordAnswer(request, spoiled);
  };

  return {
    issuer: state.issuer,
    get jwks() {
      return state.keys.jwks();
    },
    resource: state.endpoints.resource,
    fetch: fetchOf((incoming) => answer(incoming)),
    requests: log.requests,
    count: (endpoint, grantType) =>
      log.requests.filter((request) => isOf(request, endpoint, grantType)).length,
    nextRequest: (endpoint, grantType) => log.coming.next(endpoint, grantType),
    nextAnswer: (endpoint, grantType) => log.done.next(endpoint, grantType),
    clearRequests: () => void log.requests.splice(0),
    fault: (endpoint, fault, options) => faults.add(endpoint, fault, options),
    clearFaults: () => faults.clear(),
    get waiting() {
      return folk.waiting();
    },
    approveDevice: folk.approve,
    denyDevice: folk.deny,
    expireDevice: folk.expire,
    approveBackchannel: folk.approve,
    denyBackchannel: folk.deny,
    expireBackchannel: folk.expire,
    authorize: (authorizationUrl, decision = {}) => browse(answer, new URL(authorizationUrl), decision),
    issue: (options = {}) => issue(state, options),
    revokeSession: (subject) => revokeGrants(state, (grant) => grant.subject === subject),
    rotateKeys: () => state.keys.rotate(),
    rotateDpopNonces: () => renewNonces(state),
    get families() {
      return families(state);
    },
    get clientIds() {
      return [...state.clients.keys()];
    },
  };
}

async function browse(
  answer: (incoming: Incoming, decision: Decision) => Promise<Response>,
  url: URL,
  decision: Decision,
): Promise<string> {
  const response = await answer({ method: "GET", url, headers: new Headers(), body: "" }, decision);
  const location = response.headers.get("location");
  if (location === null) {
    const words = (await response.text()).trim();
    throw new TokenError(
      "server_refused",
      `Cannot authorize: the server answered ${response.status} "${words}"`,
    );
  }
  return location;
}

function elsewhere({ settings }: State, { url, method, headers, body, signal }: Incoming): Promise<Response> {
  if (settings.elsewhere === undefined) throw new TypeError(`fetch failed: unknown host ${url.host}`);
  const hasBody = method !== "GET" && method !== "HEAD";
  const message = { method, headers, redirect: "manual" as const, ...(hasBody ? { body } : {}) };
  return settings.elsewhere(url.href, signal === undefined ? message : { ...message, signal });
}

/** A client that was told to slow down is held to it. */
function slowDown(state: State, { parameters }: RecordedRequest): void {
  const pending = state.pending.get(parameters.get("device_code") ?? parameters.get("auth_req_id") ?? "");
  if (pending === undefined) return;
  pending.interval += SLOWER;
  pending.lastPoll = state.clock.now();
}

async function issue(state: State, options: IssueOptions): Promise<Record<string, unknown>> {
  const { scope = "openid", audience = [], jkt } = options;
  const clientId = options.clientId ?? [...state.clients.keys()][0] ?? "app";
  const grant = openGrant(state, {
    clientId,
    subject: options.subject ?? someone(state),
    scope,
    audience,
    authTime: seconds(state),
    ...(jkt === undefined ? {} : { jkt }),
  });
  return await tokenAnswer({ state }, {
    grant,
    binding: jkt === undefined ? {} : { jkt },
    refreshToken: "first",
  });
}

function families(state: State): RefreshTokenFamily[] {
  return [...state.grants.values()].filter(({ generation }) => generation >= 0)
    .map(({ id, clientId, subject, presented, reused, revoked }) => ({
      id,
      clientId,
      subject,
      presented,
      reused,
      revoked,
    }));
}
