/**
 * `fetch` as the code under test knows it, without a network below.
 *
 * @module
 */

/** A request with its body read. */
export interface Incoming {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  readonly body: string;
  readonly signal?: AbortSignal;
}

/** The shape of `fetch`. */
export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

const REDIRECTS = [301, 302, 303, 307, 308];
const MOST_REDIRECTS = 20;

/**
 * Makes a `fetch` of a function that answers requests. It aborts, and follows redirects unless it is told not to: a
 * client that forgets `redirect: "manual"` is caught sending its secrets on.
 *
 * @param answer answers one request; rejects as `fetch` does
 */
export function fetchOf(answer: (request: Incoming) => Promise<Response>): Fetch {
  return async (input, init = {}) => {
    const given = typeof input === "string" || input instanceof URL ? undefined : input;
    const signal = init.signal ?? given?.signal ?? undefined;
    const mode = init.redirect ?? given?.redirect ?? "follow";
    let request = await incoming(input, init, signal);
    for (let hops = 0;; hops++) {
      const response = await unlessAborted(answer(request), signal);
      const location = REDIRECTS.includes(response.status) ? response.headers.get("location") : null;
      if (location === null || mode === "manual") return addressed(response, request.url, hops > 0);
      if (mode === "error") throw new TypeError("fetch failed: unexpected redirect");
      if (hops === MOST_REDIRECTS) throw new TypeError("fetch failed: redirect count exceeded");
      request = redirected(request, response.status, new URL(location, request.url));
    }
  };
}

async function incoming(
  input: string | URL | Request,
  init: RequestInit,
  signal: AbortSignal | undefined,
): Promise<Incoming> {
  if (signal?.aborted) throw signal.reason;
  const { method, headers, body } = init;
  // Only what belongs to the message: runtimes differ in what else a Request takes. A stream wants `duplex`.
  const message = { method, headers, body, ...(body instanceof ReadableStream ? { duplex: "half" } : {}) };
  const request = new Request(
    input,
    Object.fromEntries(Object.entries(message).filter(([, value]) => value != null)),
  );
  const url = new URL(request.url);
  url.hash = "";
  return {
    method: request.method,
    url,
    headers: new Headers(request.headers),
    // not `text()`: workerd warns of a form that is read so
    body: new TextDecoder().decode(await request.arrayBuffer()),
    ...(signal === undefined ? {} : { signal }),
  };
}

function unlessAborted(answer: Promise<Response>, signal: AbortSignal | undefined): Promise<Response> {
  if (signal === undefined) return answer;
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
    answer.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/** The request that follows a redirect (Fetch standard, HTTP-redirect fetch). */
function redirected(request: Incoming, status: number, url: URL): Incoming {
  const toGet = status === 303 ? request.method !== "HEAD" : status < 303 && request.method === "POST";
  const headers = new Headers(request.headers);
  if (url.origin !== request.url.origin) headers.delete("authorization");
  if (toGet) { for (const name of ["content-type", "content-length"]) headers.delete(name); }
  return { ...request, url, headers, ...(toGet ? { method: "GET", body: "" } : {}) };
}

/** A Response made by hand has no address; one that came over a network has. */
function addressed(response: Response, url: URL, wasRedirected: boolean): Response {
  Object.defineProperty(response, "url", { value: url.href, configurable: true });
  Object.defineProperty(response, "redirected", { value: wasRedirected, configurable: true });
  return response;
}
