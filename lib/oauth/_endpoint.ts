/**
 * A form to one of the server's endpoints: client authentication, DPoP, one answer.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { TokenError } from "../errors.ts";
import { exchange } from "../http/http.ts";
import { checkUrl } from "../http/url.ts";
import { untilAborted } from "./_abort.ts";
import { type EndpointAnswer, refusal } from "./_answer.ts";
import { authenticationOf, type Client } from "./client.ts";
import type { Issuer } from "./issuer.ts";

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

/** Pages for a browser: an alias of theirs means nothing (RFC 8705 section 5). */
const PAGES = ["authorization_endpoint", "end_session_endpoint"];

/**
 * Where an endpoint is. A client that proves itself by its TLS certificate goes to the alias (RFC 8705 section 5).
 *
 * @throws {TokenError} `unsupported` when the server names no such endpoint, `invalid_metadata` when it is not `https`
 */
export function endpointOf(issuer: Issuer, client: Client, endpoint: string, what: string): string {
  const { mtls_endpoint_aliases: aliases } = issuer.metadata as {
    mtls_endpoint_aliases?: Record<string, unknown>;
  };
  const direct = !PAGES.includes(endpoint) && /tls_client_auth$/.test(client.authentication?.method ?? "");
  const alias = direct ? aliases?.[endpoint] : undefined;
  const url = alias ?? issuer.metadata[endpoint];
  if (typeof url !== "string") {
    throw new TokenError("unsupported", `Cannot ask for ${what}: the server names no ${endpoint}`);
  }
  try {
    return checkUrl(url, issuer.http).href;
  } catch {
    throw new TokenError(
      "invalid_metadata",
      `Cannot ask for ${what}: the server's ${endpoint} is no https URL`,
    );
  }
}

/**
 * Sends a form with the client's authentication, and its DPoP proof where it has a key. A demand for a DPoP nonce is
 * met once (RFC 9449 section 8).
 */
export async function postForm(
  issuer: Issuer,
  client: Client,
  request: EndpointRequest,
): Promise<EndpointAnswer> {
  const { http, quirks } = issuer;
  const { signal, timeout } = request;
  const url = endpointOf(issuer, client, request.endpoint, request.what);
  if (!client.clientId) {
    throw new TokenError("invalid_argument", "Cannot send a request: the client id is empty");
  }
  const send = async (): Promise<EndpointAnswer> => {
    const headers = new Headers({ accept: request.accept ?? "application/json" });
    const parameters = new URLSearchParams(request.parameters);
    const proof = {
      issuer: issuer.issuer,
      tokenEndpoint: issuer.metadata.token_endpoint ?? url,
      clientId: client.clientId,
      parameters,
      headers,
      quirks,
      now: Math.floor(http.clock.now() / 1000),
    };
    // a secret manager may take its time
    await untilAborted(async () => await authenticationOf(client).apply(proof), signal);
    if (client.dpop) headers.set("dpop", await client.dpop.proof({ method: "POST", url, clock: http.clock }));
    const answer = await exchange(http, { url, method: "POST", headers, body: parameters, signal, timeout });
    client.dpop?.remember(url, answer.headers);
    return { ...answer, secrets: secretsOf(parameters, headers) };
  };
  const answer = await send();
  return client.dpop && wantsNonce(answer, http.clock) ? await send() : answer;
}

/** The parameters that nobody may see, of every grant and every way to authenticate. */
const SECRET_PARAMETER = /(secret|token(_hint)?|assertion|code|verifier|password|req_id|request)$/;

/** What of a request must not come back in an error. INDIGO IAM quotes the device code. */
function secretsOf(parameters: URLSearchParams, headers: Headers): string[] {
  const secrets = [...parameters].filter(([name]) => SECRET_PARAMETER.test(name)).map(([, value]) => value);
  const basic = /^Basic ([A-Za-z0-9+/]+=*)$/.exec(headers.get("authorization") ?? "")?.[1];
  if (basic && basic.length % 4 === 0) {
    const password = atob(basic).replace(/^[^:]*:/, "");
    secrets.push(basic, password, new URLSearchParams(`_=${password}`).get("_") ?? "");
  }
  // a shorter one would tear the words apart, and is no secret
  return secrets.filter((secret) => secret.length >= 4);
}

/** Whether the server wants its nonce in the proof, and says which (RFC 9449 sections 8 and 9). */
export function wantsNonce(answer: EndpointAnswer, clock: Clock): boolean {
  return (answer.status === 400 || answer.status === 401) && answer.headers.has("dpop-nonce") &&
    refusal(answer, "", clock).serverError === "use_dpop_nonce";
}
