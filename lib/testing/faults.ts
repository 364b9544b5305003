/**
 * Answers that go wrong, when a test asks for it.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { json } from "./answers.ts";
import type { Bytes } from "./bytes.ts";
import type { IdTokenFault } from "./call.ts";
import { isObject } from "./jwt.ts";

/** What goes wrong with a request. Headers and bodies are sent as they are given. */
export type Fault =
  /** No answer until the signal aborts. In the body: the request is carried out and half of the answer arrives. */
  | { readonly type: "hang"; readonly at?: "headers" | "body" }
  /** The connection breaks: `fetch` rejects with a `TypeError`, or the body does, after half of it. */
  | { readonly type: "reset"; readonly at?: "headers" | "body" }
  | {
    readonly type: "status";
    readonly status: number;
    readonly body?: string | Uint8Array;
    readonly headers?: Readonly<Record<string, string>>;
    /** Default `text/plain` when there is a body. */
    readonly contentType?: string;
  }
  /** An OAuth error; the status is 400 by default. */
  | {
    readonly type: "error";
    readonly error: string;
    readonly description?: string;
    readonly status?: number;
  }
  /** The polling error; from then on the server wants five seconds more between polls (RFC 8628 section 3.5). */
  | { readonly type: "slow_down" }
  /** A raw body; the status is 200 and the content type JSON by default. */
  | {
    readonly type: "body";
    readonly body: string | Uint8Array;
    readonly status?: number;
    readonly headers?: Readonly<Record<string, string>>;
  }
  /** The request is carried out; these members replace those of the JSON answer, `undefined` removes one. */
  | { readonly type: "merge"; readonly members: Readonly<Record<string, unknown>> }
  /** The request is carried out; these headers are set on the answer. */
  | { readonly type: "header"; readonly headers: Readonly<Record<string, string>> }
  /** The request is carried out and takes effect, then the answer is lost: `fetch` rejects, or never settles. */
  | { readonly type: "drop-answer"; readonly as?: "reset" | "hang" }
  /** Waits by the clock, before the request is carried out or before its answer goes out. */
  | { readonly type: "delay"; readonly milliseconds: number; readonly before?: "request" | "answer" }
  /** The request is carried out, with a wrong ID token in the answer. */
  | ({ readonly type: "id_token" } & IdTokenFault);

/** Which requests a fault is for. */
export interface FaultOptions {
  /** How many requests get it. Default 1; `Infinity` until {@linkcode AuthorizationServer.clearFaults}. */
  readonly times?: number;
  /** Only requests with this `grant_type`. */
  readonly grantType?: string;
  /** How many matching requests pass first. Default 0. */
  readonly after?: number;
}

interface PlannedFault {
  readonly endpoint: string;
  readonly fault: Fault;
  readonly grantType?: string;
  times: number;
  after: number;
}

/** The faults that are still to come. */
export interface FaultPlan {
  add(endpoint: string, fault: Fault, options?: FaultOptions): void;
  /** The fault for this request, counted. */
  take(endpoint: string, grantType: string | undefined): Fault | undefined;
  clear(): void;
}

/** An empty plan. */
export function faultPlan(): FaultPlan {
  const planned: PlannedFault[] = [];
  return {
    add: (endpoint, fault, { times = 1, after = 0, grantType } = {}) => {
      planned.push({ endpoint, fault, times, after, grantType });
    },
    take: (endpoint, grantType) => {
      let taken: PlannedFault | undefined;
      for (const entry of planned) {
        if (entry.endpoint !== endpoint || (entry.grantType ?? grantType) !== grantType) continue;
        if (entry.after > 0) entry.after--;
        else if (entry.times > 0) taken ??= entry;
      }
      if (taken !== undefined) taken.times--;
      return taken?.fault;
    },
    clear: () => void planned.splice(0),
  };
}

/**
 * Answers a request as `fault` says.
 *
 * @param carryOut does what the request asks for
 * @throws {TypeError} as `fetch` does when the connection breaks
 * @throws the reason of `signal`
 */
export async function answerWith(
  fault: Fault,
  carryOut: () => Promise<Response>,
  clock: Clock,
  signal: AbortSignal | undefined,
): Promise<Response> {
  switch (fault.type) {
    case "hang":
      return fault.at === "body" ? halfOf(await carryOut(), signal) : await never(signal);
    case "reset":
      if (fault.at === "body") return halfOf(await carryOut(), undefined, connectionReset());
      throw connectionReset();
    case "status": {
      const { body = null, contentType = "text/plain", headers } = fault;
      return raw(body, fault.status, body === null ? {} : { "content-type": contentType }, headers);
    }
    case "error": {
      const { error, description, status = 400 } = fault;
      return json(description === undefined ? { error } : { error, error_description: description }, {
        status,
      });
    }
    case "slow_down":
      return json({ error: "slow_down" }, { status: 400 });
    case "body":
      return raw(fault.body, fault.status ?? 200, { "content-type": "application/json" }, fault.headers);
    case "merge":
      return await merged(await carryOut(), fault.members);
    case "header": {
      const answer = await carryOut();
      for (const [name, value] of Object.entries(fault.headers)) answer.headers.set(name, value);
      return answer;
    }
    case "drop-answer":
      await carryOut();
      if (fault.as === "hang") return await never(signal);
      throw connectionReset();
    case "delay": {
      const answer = fault.before === "answer" ? await carryOut() : undefined;
      await clock.sleep(fault.milliseconds, signal);
      return answer ?? await carryOut();
    }
    case "id_token":
      return await carryOut();
  }
}

function connectionReset(): TypeError {
  return new TypeError("fetch failed: connection reset");
}

function never(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal?.aborted) reject(signal.reason);
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

function raw(
  body: string | Uint8Array | null,
  status: number,
  defaults: Record<string, string>,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const given = new Headers(defaults);
  for (const [name, value] of Object.entries(headers)) given.set(name, value);
  return new Response(body as Bytes | string | null, { status, headers: given });
}

async function merged(answer: Response, members: Readonly<Record<string, unknown>>): Promise<Response> {
  const body: unknown = await answer.json();
  if (!isObject(body)) throw new Error("Cannot merge members into the answer: it is not a JSON object");
  // JSON.stringify leaves out what is undefined.
  return new Response(JSON.stringify({ ...body, ...members }), answer);
}

/** The first half of an answer; then `error`, or nothing more until the signal aborts. */
async function halfOf(answer: Response, signal: AbortSignal | undefined, error?: Error): Promise<Response> {
  const bytes = new Uint8Array(await answer.arrayBuffer());
  let sent = false;
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      signal?.addEventListener("abort", () => controller.error(signal.reason), { once: true });
    },
    pull: (controller) => {
      if (!sent) controller.enqueue(bytes.slice(0, Math.ceil(bytes.length / 2)));
      else if (error !== undefined) controller.error(error);
      else return new Promise(() => {});
      sent = true;
    },
  });
  return new Response(body, answer);
}
