/**
 * The two kinds of answer of an authorization server: JSON, and a refusal.
 *
 * @module
 */

/** What a refusal tells the record and not the client. */
export const REASON_HEADER = "x-test-reason";

/** The status and the headers of an answer. */
export interface AnswerOptions {
  /** Default: 200 for an answer, 400 for a refusal. */
  readonly status?: number;
  readonly headers?: Record<string, string>;
}

/** A JSON answer that nobody may keep (RFC 6749 section 5.1). */
export function json(body: unknown, options: AnswerOptions = {}): Response {
  return new Response(JSON.stringify(body), {
    status: options.status ?? 200,
    headers: { "content-type": "application/json", "cache-control": "no-store", ...options.headers },
  });
}

/**
 * An error answer (RFC 6749 section 5.2). It is thrown: whoever finds the fault ends the request with it.
 *
 * @param error the code, one of the standards'
 * @param description what a person should read; empty for none
 */
export function refusal(error: string, description: string, options: AnswerOptions = {}): Response {
  const body = description === "" ? { error } : { error, error_description: description };
  return json(body, { status: options.status ?? 400, headers: options.headers });
}

/** A page for a person. */
export function page(title: string, status = 200): Response {
  return new Response(`<!doctype html><title>${title}</title><h1>${title}</h1>\n`, {
    status,
    headers: { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" },
  });
}

/** Sends the browser elsewhere. */
export function redirect(location: string): Response {
  return new Response(null, { status: 302, headers: { location, "cache-control": "no-store" } });
}
