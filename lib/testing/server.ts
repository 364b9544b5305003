/**
 * The authorization server put together.
 *
 * @module
 */

import { TokenError } from "../errors.ts";
import { type Call, type Decision, type RecordedRequest, seconds } from "./call.ts";
import { dispatch } from "./dispatch.ts";
import { renewNonces } from "./dpop.ts";
import type { EndpointName } from "./endpoint_urls.ts";
import { answerWith, type Fault, type FaultOptions, faultPlan } from "./faults.ts";
import { SLOWER } from "./grants/polled.ts";
import type { JsonWebKeySet } from "./keys.ts";
import type { AuthorizationServerOptions } from "./options.ts";
import { people, someone, type WaitingSignIn } from "./people.ts";
import { isOf, recordAnswer, recorded, requestLog } from "./record.ts";
import { revokeGrants } from "./refresh_tokens.ts";
import { newState, type State } from "./state.ts";
import { openGrant, tokenAnswer } from "./tokens.ts";
import { type Fetch, fetchOf, type Incoming } from "./transport.ts";

/** What became of the refresh tokens of one sign-in. */
export interface RefreshTokenFamily {
  /** A name for this family. */
  readonly id: string;
  /** Whose refresh tokens they are. */
  readonly clientId: string;
  /** Who signed in. */
  readonly subject: string;
  /** How often one of its refresh tokens was presented. */
  readonly presented: number;
  /** How often one was presented that had been replaced before. */
  readonly reused: number;
  /** Whether none of its tokens is good any more. */
  readonly revoked: boolean;
}

/** What to issue without a sign-in. */
export interface IssueOptions {
  /** Default: the first client. */
  readonly clientId?: string;
  /** Default: the first user. */
  readonly subject?: string;
  /** Default `"openid"`. */
  readonly scope?: string;
  /** Default: the demo resource. */
  readonly audience?: readonly string[];
  /** The thumbprint of a DPoP key. */
  readonly jkt?: string;
}

/** An OAuth 2 and OpenID Connect server without a network. */
export interface AuthorizationServer {
  /** What discovery says. */
  readonly issuer: string;
  /** The issuer's public keys, for other servers to trust. */
  readonly jwks: JsonWebKeySet;
  /** The identifier of the demo resource. */
  readonly resource: string;
  /** Give this to the code under test. It aborts, and follows redirects unless it is told not to. */
  readonly fetch: Fetch;
  /** Every request, in order. */
  readonly requests: readonly RecordedRequest[];
  /** How many requests came to `endpoint`, with `grantType`; what is not given counts all. */
  count(endpoint?: EndpointName, grantType?: string): number;
  /** The next request that comes, as soon as it comes: no need to sleep and hope. */
  nextRequest(endpoint?: EndpointName, grantType?: string): Promise<RecordedRequest>;
  /** Forgets the requests. */
  clearRequests(): void;
  /** The next requests to `endpoint` get `fault`. Faults that wait already come first. */
  fault(endpoint: EndpointName, fault: Fault, options?: FaultOptions): void;
  /** Forgets the faults to come. */
  clearFaults(): void;

  /** The device and CIBA sign-ins that wait for a person. */
  readonly waiting: readonly WaitingSignIn[];
  /** A person types the code and says yes. Default: the first user. */
  approveDevice(userCode: string, subject?: string): void;
  /** A person says no. */
  denyDevice(userCode: string): void;
  /** The code runs out now. */
  expireDevice(userCode: string): void;
  /** A person says yes to a CIBA request. Default: who was asked. */
  approveBackchannel(authReqId: string, subject?: string): void;
  /** A person says no to a CIBA request. */
  denyBackchannel(authReqId: string): void;
  /** The CIBA request runs out now. */
  expireBackchannel(authReqId: string): void;
  /**
   * Does what a browser would: follows an authorization URL to the redirect.
   *
   * @returns the callback URL, with `code` and `state`, an `error`, or with JARM `response`
   * @throws {TokenError} `server_refused` when the server shows an error instead of redirecting
   */
  authorize(authorizationUrl: string | URL, options?: Decision): Promise<string>;

  /** Issues tokens as if somebody had signed in: the JSON of a token endpoint's answer. */
  issue(options?: IssueOptions): Promise<Record<string, unknown>>;
  /** Ends every session of a person: their tokens and refresh tokens. */
  revokeSession(subject: string): void;
  /** Signs with a new key from now on; the JWKS has only that one. */
  rotateKeys(): Promise<void>;
  /** Makes new DPoP nonces; those before the last ones are refused. */
  rotateDpopNonces(): void;
  /** The sign-ins that led to a refresh token, in order. */
  readonly families: readonly RefreshTokenFamily[];
  /** The clients there are, registered ones too. */
  readonly clientIds: readonly string[];
}

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
    log.add(request);
    const fault = faults.take(request.endpoint, request.grantType);
    if (fault?.type === "slow_down") slowDown(state, request);
    const idTokenFault = fault?.type === "id_token" ? fault : undefined;
    const call: Call = { state, request, url: incoming.url, decision, idTokenFault };
    const carryOut = () => state.endpoints.isOurs(incoming.url) ? dispatch(call) : elsewhere(state, incoming);
    const response =
      await (fault === undefined ? carryOut() : answerWith(fault, carryOut, state.clock, incoming.signal));
    await recordAnswer(request, response);
    return response;
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
    nextRequest: (endpoint, grantType) => log.next(endpoint, grantType),
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
