/**
 * The UserInfo endpoint (OpenID Connect Core 1.0 section 5.3).
 *
 * @module
 */

import { processUserInfoResponse, skipSubjectCheck } from "oauth4webapi";
import { exchange } from "../http/http.ts";
import { untilAborted } from "../http/abort.ts";
import { contentType, type EndpointAnswer, errorWords, readMembers, refusal } from "./_answer.ts";
import { endpointOf } from "./_endpoint.ts";
import { JWT_TYPE, verifiedAnswer } from "./_keys.ts";
import { guarded, protocolClient } from "./_protocol.ts";
import { type Client, issuerFor } from "./client.ts";
import { asServer, type Issuer } from "./issuer.ts";
import type { RequestOptions } from "./token_request.ts";

/** What the server says about a person (OpenID Connect Core 1.0 section 5.1). */
export interface UserInfo {
  /** Who it is: the same as in the ID token. */
  readonly sub: string;
  /** The full name. */
  readonly name?: string;
  /** The e-mail address. */
  readonly email?: string;
  /** The name of the account, which may change. */
  readonly preferred_username?: string;
  /** Whatever else the server says. */
  readonly [claim: string]: unknown;
}

/** Options of {@linkcode userInfo}. */
export interface UserInfoOptions extends RequestOptions {
  /** The `sub` of the ID token: an answer about anybody else is refused (section 5.3.4). Default: not compared. */
  subject?: string;
}

/**
 * Asks who the access token is about. A signed answer is verified.
 *
 * @throws {TokenError} `invalid_response` for an answer about somebody else or with a bad signature; `server_refused`
 * when the token is not good for it; `unsupported`, `unavailable`, `network`, `timeout`, `aborted`
 */
export async function userInfo(
  issuer: Issuer,
  client: Client,
  accessToken: string,
  { subject, signal }: UserInfoOptions = {},
): Promise<UserInfo> {
  const reached = issuerFor(issuer, client);
  const what = "the UserInfo";
  const url = endpointOf(reached, client, "userinfo_endpoint", what);
  const answer = await ask(reached, client, accessToken, url, signal);
  if (answer.status >= 400) throw refusal(answer, what);
  return await untilAborted(() => judge(reached, client, answer, subject), signal);
}

async function judge(
  issuer: Issuer,
  client: Client,
  answer: EndpointAnswer,
  subject?: string,
): Promise<UserInfo> {
  const who = protocolClient(issuer, client);
  const step = (response: Response) =>
    processUserInfoResponse(asServer(issuer), who, subject ?? skipSubjectCheck, response);
  if (contentType(answer) === JWT_TYPE) return await verifiedAnswer(issuer, client, answer, JWT_TYPE, step);
  const members = readMembers(answer, issuer.quirks);
  return await guarded(() => step(Response.json(members))) as UserInfo;
}

async function ask(
  { http }: Issuer,
  { dpop }: Client,
  accessToken: string,
  url: string,
  signal?: AbortSignal,
): Promise<EndpointAnswer> {
  const { clock } = http;
  const method = "GET";
  const send = async (proof?: { readonly dpop: string }) => {
    // no `Headers` yet: it would quote a token that does not fit
    const headers = {
      ...proof,
      accept: "application/json, application/jwt",
      authorization: `${proof ? "DPoP" : "Bearer"} ${accessToken}`,
    };
    // Spring quotes the token that it refuses
    return { ...await exchange(http, { url, method, headers, signal }), secrets: [accessToken] };
  };
  if (!dpop) return await send();
  return await dpop.send({ method, url, clock, accessToken }, send, (answer) => errorWords(answer).error);
}
