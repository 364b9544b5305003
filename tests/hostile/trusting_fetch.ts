/**
 * A `fetch` that trusts one more certificate authority, whatever the runtime.
 *
 * @module
 */

import tls from "node:tls";
import type { Fetch } from "../../lib/http/http.ts";

// deno-lint-ignore no-explicit-any
const runtime = globalThis as any;

/**
 * Makes one that knows no connection and no TLS session of another one.
 *
 * @param authority in PEM. Node can only add it for the whole process.
 */
export function trustingFetch(authority: string): Fetch {
  if (runtime.Deno) {
    const client = runtime.Deno.createHttpClient({ caCerts: [authority] });
    return (url, init) => runtime.fetch(url, { ...init, client });
  }
  if (runtime.Bun) return (url, init) => runtime.fetch(url, { ...init, tls: { ca: authority } });
  (tls as unknown as Record<string, (authorities: string[]) => void>).setDefaultCACertificates([authority]);
  return (url, init) => runtime.fetch(url, init);
}
