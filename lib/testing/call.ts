/**
 * One request on its way through the server.
 *
 * @module
 */

import type { EndpointName } from "./endpoint_urls.ts";
import { refusal } from "./answers.ts";
import type { State } from "./state.ts";

/** A request that the server saw, and what it answered. */
export interface RecordedRequest {
  /** Where it went. */
  readonly endpoint: EndpointName;
  /** The HTTP method, in capitals. */
  readonly method: string;
  /** The whole URL, with its query. */
  readonly url: string;
  /** The headers as the client set them. */
  readonly headers: Headers;
  /** The form that was sent, or else the query. */
  readonly parameters: URLSearchParams;
  /** The body as it came. */
  readonly body: string;
  /** The body, when it was JSON. */
  readonly json?: unknown;
  /** The `grant_type` of a token request. */
  readonly grantType?: string;
  /** When it came, in milliseconds since the epoch by the server's clock. */
  readonly at: number;
  /** The status of the answer, also of one that was lost; absent while there is none. */
  readonly status?: number;
  /** The `error` of the answer. */
  readonly error?: string;
  /** The `error_description` of the answer. */
  readonly errorDescription?: string;
  /** Why the client was refused, in words for whoever writes the test; the answer does not tell. */
  readonly reason?: string;
}

/** What a person does at the authorization endpoint. */
export interface Decision {
  /** Who signs in. Default: the first user. */
  readonly subject?: string;
  /** Says no. Default false. */
  readonly deny?: boolean;
  /** Members of the answer that an attacker replaces, or removes with `null`. */
  readonly tamper?: Readonly<Record<string, string | null>>;
}

/** An ID token other than it should be. */
export interface IdTokenFault {
  /** Claims that replace the right ones; `undefined` removes one. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Members that replace those of the JOSE header. */
  readonly header?: Readonly<Record<string, unknown>>;
  /** Signed with an unpublished key, with the client's secret (HS256), not at all, or wrongly. */
  readonly signature?: "stranger" | "client-secret" | "none" | "garbage";
}

/** What a handler works with. */
export interface Call {
  readonly state: State;
  readonly request: RecordedRequest;
  readonly url: URL;
  readonly decision?: Decision;
  readonly idTokenFault?: IdTokenFault;
}

/** Parameters that may come more than once (RFC 8707 section 2, RFC 8693 section 2.1). */
const REPEATABLE = ["resource", "audience"];

/**
 * The form that a client posted, as RFC 6749 section 3.2 wants it: POST, form-encoded, nothing in the query, nothing
 * twice, and what is empty counts as left out.
 *
 * @throws a refusal
 */
export function postedForm(call: Call): URLSearchParams {
  const { method, headers, parameters } = call.request;
  if (method !== "POST") {
    throw refusal("invalid_request", "Only POST", { status: 405, headers: { allow: "POST" } });
  }
  if (!isForm(headers)) {
    throw refusal("invalid_request", "The content type must be application/x-www-form-urlencoded");
  }
  if (call.url.search !== "") {
    throw refusal("invalid_request", "Parameters belong in the body, not in the URL");
  }
  return withoutRepetition(parameters);
}

/**
 * `parameters` without empty ones.
 *
 * @throws a refusal when one comes twice
 */
export function withoutRepetition(parameters: URLSearchParams): URLSearchParams {
  const names = [...parameters.keys()].filter((name) => !REPEATABLE.includes(name));
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw refusal("invalid_request", `The parameter ${twice} came twice`);
  return new URLSearchParams([...parameters].filter(([, value]) => value !== ""));
}

/**
 * The value of a parameter that has to be there.
 *
 * @throws a refusal
 */
export function required(parameters: URLSearchParams, name: string): string {
  const value = parameters.get(name);
  if (value === null) throw refusal("invalid_request", `The parameter ${name} is missing`);
  return value;
}

/** Whether the body is a form. */
export function isForm(headers: Headers): boolean {
  return mediaType(headers) === "application/x-www-form-urlencoded";
}

/** The media type of the body, without its parameters. */
export function mediaType(headers: Headers): string {
  return (headers.get("content-type") ?? "").split(";")[0].trim().toLowerCase();
}

/** The server's time in whole seconds since the epoch. */
export function seconds(state: State): number {
  return Math.floor(state.clock.now() / 1000);
}
