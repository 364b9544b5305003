/**
 * What a test holds in its hands.
 *
 * @module
 */

import type { Decision, RecordedRequest } from "./call.ts";
import type { EndpointName } from "./endpoint_urls.ts";
import type { Fault, FaultOptions } from "./faults.ts";
import type { JsonWebKeySet } from "./keys.ts";
import type { WaitingSignIn } from "./people.ts";
import type { Fetch } from "./transport.ts";

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
  /** The next request that has taken effect, also when a fault then loses its answer. */
  nextAnswer(endpoint?: EndpointName, grantType?: string): Promise<RecordedRequest>;
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
