/**
 * What the server saw, for the assertions of a test.
 *
 * @module
 */

import { REASON_HEADER } from "./answers.ts";
import { isForm, mediaType, type RecordedRequest } from "./call.ts";
import type { EndpointName } from "./endpoint_urls.ts";
import type { State } from "./state.ts";
import type { Incoming } from "./transport.ts";

type Writable = { -readonly [member in keyof RecordedRequest]: RecordedRequest[member] };

/** The requests so far, and those who wait for the next one. */
export interface Log {
  readonly requests: RecordedRequest[];
  /** Those who wait for a request to come. */
  readonly coming: Watch;
  /** Those who wait for a request to be carried out. */
  readonly done: Watch;
}

/** Somebody who waits for the next request of a kind. */
export interface Watch {
  next(endpoint?: EndpointName, grantType?: string): Promise<RecordedRequest>;
  wake(request: RecordedRequest): void;
}

/** An empty log. */
export function requestLog(): Log {
  return { requests: [], coming: watch(), done: watch() };
}

function watch(): Watch {
  let waiting: {
    matches: (request: RecordedRequest) => boolean;
    wake: (request: RecordedRequest) => void;
  }[] = [];
  return {
    next: (endpoint, grantType) =>
      new Promise((wake) => {
        waiting.push({ matches: (request) => isOf(request, endpoint, grantType), wake });
      }),
    wake: (request) => {
      const woken = waiting.filter(({ matches }) => matches(request));
      waiting = waiting.filter((waiter) => !woken.includes(waiter));
      for (const { wake } of woken) wake(request);
    },
  };
}

/** Whether `request` went to `endpoint`, with that grant; what is not given matches. */
export function isOf(request: RecordedRequest, endpoint?: EndpointName, grantType?: string): boolean {
  return (endpoint ?? request.endpoint) === request.endpoint &&
    (grantType ?? request.grantType) === request.grantType;
}

/** Takes down a request that just came. */
export function recorded(state: State, incoming: Incoming): RecordedRequest {
  const { method, url, headers, body } = incoming;
  const parameters = isForm(headers) ? new URLSearchParams(body) : new URLSearchParams(url.search);
  const endpoint = state.endpoints.match(url);
  const grantType = endpoint === "token" ? parameters.get("grant_type") : null;
  return {
    endpoint,
    method,
    url: url.href,
    headers,
    parameters,
    body,
    at: state.clock.now(),
    ...(mediaType(headers) === "application/json" ? { json: parsed(body) } : {}),
    ...(grantType === null ? {} : { grantType }),
  };
}

/** Takes down what was answered, and gives it back without what is only for the record. */
export async function recordAnswer(request: RecordedRequest, answer: Response): Promise<Response> {
  const record: Writable = request;
  const reason = answer.headers.get(REASON_HEADER);
  if (reason !== null) {
    record.reason = reason;
    answer.headers.delete(REASON_HEADER);
  }
  record.status = answer.status;
  const location = answer.headers.get("location");
  const redirected = location === null
    ? undefined
    : Object.fromEntries(new URL(location, request.url).searchParams);
  const isError = answer.status >= 400 && mediaType(answer.headers) === "application/json";
  const body = isError ? parsed(await answer.clone().text()) : redirected;
  const { error, error_description: description } = (body ?? {}) as Record<string, unknown>;
  if (typeof error === "string") record.error = error;
  if (typeof description === "string") record.errorDescription = description;
  return answer;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
