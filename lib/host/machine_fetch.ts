/**
 * `fetch` as this machine is set up: it trusts what the machine trusts, and takes the proxy that the environment names.
 *
 * @module
 */

import type { Fetch } from "../http/http.ts";
import type { Environment, Platform } from "./directories.ts";
import { hasProxy, proxyFor } from "./proxy.ts";
import { caFileCertificates, trustedCertificates } from "./trust.ts";

/** What {@linkcode machineFetch} goes by. */
export interface MachineFetchOptions {
  /** Whose `fetch` there is. */
  readonly runtime: "deno" | "bun" | "node";
  /** Where the system keeps its authorities. */
  readonly platform: Platform;
  /** Names the proxy and further authorities. */
  readonly environment: Environment;
  /** A PEM file with further authorities. */
  readonly caFile?: string;
}

/** The members of Deno that are used. */
interface DenoClients {
  createHttpClient(options: { caCerts: string[]; poolMaxIdlePerHost: number }): DenoClient;
}

// Deno sends a POST again by itself when a connection that it kept breaks: a refresh token would be presented twice.
const UNPOOLED = { poolMaxIdlePerHost: 0 };

interface DenoClient {
  close(): void;
}

/**
 * Makes a `fetch`. It never follows a redirect: the 3xx answer is handed over as it is. Certificates are loaded before the
 * first `https` request; only `caFile` is checked here and now.
 *
 * Deno and Bun use their own `fetch`, which is quicker to load, as long as no proxy is named: they would reach this
 * machine through it, too, and each reads `NO_PROXY` in a way of its own.
 *
 * @throws {TokenError} `storage` when `caFile` cannot be read, `invalid_argument` when there is no certificate in it
 */
export async function machineFetch(options: MachineFetchOptions): Promise<Fetch> {
  const { runtime, environment, caFile } = options;
  if (caFile !== undefined) caFileCertificates(caFile);
  let loaded: string[] | undefined;
  const certificates = (): string[] => loaded ??= trustedCertificates(options);
  if (runtime === "node" || hasProxy(environment)) {
    const { nodeFetch } = await import("./node_fetch.ts");
    return nodeFetch({ certificates, proxyFor: (url) => proxyFor(url, environment) });
  }
  return runtime === "deno" ? denoFetch(certificates) : bunFetch(certificates);
}

function denoFetch(certificates: () => string[]): Fetch {
  const { Deno } = globalThis as unknown as { Deno: DenoClients };
  let client: DenoClient | undefined;
  return (input, init) => {
    if (isSecure(input)) client ??= denoClient(Deno, certificates());
    return globalThis.fetch(input, { ...init, redirect: "manual", client } as RequestInit);
  };
}

function denoClient(deno: DenoClients, certificates: string[]): DenoClient {
  try {
    return deno.createHttpClient({ ...UNPOOLED, caCerts: certificates });
  } catch {
    // It is stricter than OpenSSL, and one authority that it cannot take would cost all the others.
    const taken = certificates.filter((certificate) => {
      try {
        deno.createHttpClient({ ...UNPOOLED, caCerts: [certificate] }).close();
        return true;
      } catch {
        return false;
      }
    });
    return deno.createHttpClient({ ...UNPOOLED, caCerts: taken });
  }
}

function bunFetch(certificates: () => string[]): Fetch {
  return (input, init) => {
    // `rejectUnauthorized` is said aloud, because an environment variable could say no.
    const tls = isSecure(input) ? { ca: certificates(), rejectUnauthorized: true } : undefined;
    return globalThis.fetch(input, { ...init, redirect: "manual", tls } as RequestInit);
  };
}

function isSecure(input: string): boolean {
  return new URL(input).protocol === "https:";
}
