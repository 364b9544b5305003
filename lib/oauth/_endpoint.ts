/**
 * A form to one of the server's endpoints: client authentication, DPoP, one answer.
 *
 * @module
 */

import { TokenError } from "../errors.ts";
import { exchange } from "../http/http.ts";
import { checkUrl } from "../http/url.ts";
import { untilAborted } from "../http/abort.ts";
import { type EndpointAnswer, errorWords, refusal } from "./_answer.ts";
import { type Client, issuerFor } from "./client.ts";
import { none } from "./client_authentication.ts";
import type { Issuer } from "./issuer.ts";
import { repairAudience } from "./quirks.ts";

/** One form on its way to an endpoint. */
export interface EndpointRequest {
  /** The endpoint's member of the metadata. */
  readonly endpoint: string;
  /** What is asked for, in words, for messages. */
  readonly what: string;
  readonly parameters: URLSearchParams;
  /** Default: `application/json`. */
  readonly accept?: string;
  readonly signal?: AbortSignal;
  /** How long the exchange may take, in milliseconds. Default: that of the issuer. */
  readonly timeout?: number;
}

/**
 * Where an endpoint is: where the client's authentication wants it, or where the metadata say.
 *
 * @throws {TokenError} `unsupported` when the server names no such endpoint, `invalid_metadata` when it is not `https`
 */
export function endpointOf(
  { metadata, http }: Issuer,
  { authentication }: Client,
  endpoint: string,
  what: string,
): string {
  const url = authentication?.endpoint?.(metadata, endpoint) ?? metadata[endpoint];
  const named = typeof url === "string";
  try {
    if (named) return checkUrl(url, http).href;
  } catch {
    // what follows says it without the URL
  }
  throw new TokenError(
    named ? "invalid_metadata" : "unsupported",
    `Cannot ask for ${what}: the server names no ${named ? "https URL as its " : ""}${endpoint}`,
  );
}

/**
 * Sends a form with the client's authentication and transport, and its DPoP proof where it has a key.
 *
 * @throws {TokenError} the {@linkcode refusal} of an answer that is one by its status, and as every request
 */
export async function postForm(
  issuer: Issuer,
  client: Client,
  request: EndpointRequest,
): Promise<EndpointAnswer> {
  const { http, quirks } = issuerFor(issuer, client);
  const { clock } = http;
  const { signal, timeout } = request;
  const { clientId, dpop } = client;
  const url = endpointOf(issuer, client, request.endpoint, request.what);
  if (!clientId) throw new TokenError("invalid_argument", "Cannot send a request: the client id is empty");
  const send = async (proof?: HeadersInit): Promise<EndpointAnswer> => {
    const headers = new Headers(proof);
    headers.set("accept", request.accept ?? "application/json");
    const parameters = new URLSearchParams(request.parameters);
    repairAudience(parameters, quirks);
    const secrets: string[] = [];
    const authenticated = {
      issuer: issuer.issuer,
      tokenEndpoint: issuer.metadata.token_endpoint ?? url,
      clientId,
      parameters,
      headers,
      secrets,
      quirks,
      now: Math.floor(clock.now() / 1000),
    };
    // a secret manager may take its time
    await untilAborted(async () => await (client.authentication ?? none()).apply(authenticated), signal);
    const answer = await exchange(http, { url, method: "POST", headers, body: parameters, signal, timeout });
    for (const [name, value] of parameters) if (SECRET_PARAMETER.test(name)) secrets.push(value);
    return { ...answer, secrets };
  };
  const answer = dpop
    ? await dpop.send({ method: "POST", url, clock }, send, (answer) => errorWords(answer).error)
    : await send();
  if (answer.status >= 400) throw refusal(answer, request.what);
  return answer;
}

/** The parameters that nobody may see, of every grant and every way to authenticate. */
const SECRET_PARAMETER = /(secret|token(_hint)?|assertion|code|verifier|password|req_id|request)$/;
