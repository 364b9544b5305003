/**
 * Asks every endpoint of a server whose every answer is too much, in a process of its own: prints how each attempt ended and
 * by how much the memory grew, as JSON.
 *
 * @module
 */

import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import {
  authorizationRequest,
  deviceAuthorization,
  discover,
  generateSigningKey,
  issuerFromMetadata,
  refreshTokenGrant,
  revokeToken,
  signAssertion,
} from "../../mod.ts";

const [origin, ...paths] = process.argv.slice(2);
const client = { clientId: "app" };
const key = await generateSigningKey();
// what is tried again is tried at once; a deadline has a signal, and nothing here takes that long
const clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (_: number, signal?: AbortSignal): Promise<void> =>
    signal
      ? new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)))
      : Promise.resolve(),
};

/** Every answer comes from `path`, but for that of the token endpoint when the keys are asked for. */
function server(path: string) {
  const fetch = (_: string, init: RequestInit) => globalThis.fetch(`${origin}/${path}`, init);
  const metadata = {
    issuer: "https://as.test",
    token_endpoint: "https://as.test/token",
    jwks_uri: "https://as.test/jwks",
    authorization_endpoint: "https://as.test/authorize",
    device_authorization_endpoint: "https://as.test/device",
    pushed_authorization_request_endpoint: "https://as.test/par",
    revocation_endpoint: "https://as.test/revoke",
    id_token_signing_alg_values_supported: ["ES256"],
  };
  const issuer = issuerFromMetadata(metadata, { fetch, clock });
  const withKeys = issuerFromMetadata(metadata, {
    clock,
    fetch: async (url, init) => {
      if (url.endsWith("/jwks")) return await fetch(url, init);
      const idToken = await signAssertion(key, {
        issuer: "https://as.test",
        subject: "ada",
        audience: "app",
      });
      return Response.json({
        access_token: "a",
        token_type: "Bearer",
        expires_in: 60,
        id_token: idToken,
      });
    },
  });
  return {
    discovery: () => discover("https://as.test", { fetch, clock }),
    jwks: () => refreshTokenGrant(withKeys, client, { refreshToken: "refresh" }),
    token: () => refreshTokenGrant(issuer, client, { refreshToken: "refresh" }),
    device: () => deviceAuthorization(issuer, client),
    par: () =>
      authorizationRequest(issuer, client, {
        redirectUri: "http://127.0.0.1/",
        pushed: true,
      }),
    revocation: () => revokeToken(issuer, client, "token"),
  };
}

/** How each attempt ended, and by how much it made the memory grow at the most. */
async function outcomes(path: string): Promise<[outcome: string, growth: number][]> {
  const ends: [string, number][] = [];
  for (const [endpoint, attempt] of Object.entries(server(path))) {
    let [end, growth] = await measured(attempt);
    // garbage that nobody has collected yet looks like growth, but not every time
    for (let again = 0; again < 3 && growth > 2 ** 24; again++) {
      const [other, less] = await measured(attempt);
      [end, growth] = [other, Math.min(growth, less)];
    }
    ends.push([`${path} ${endpoint} ${end}`, growth]);
  }
  return ends;
}

async function measured(attempt: () => Promise<unknown>): Promise<[end: string, growth: number]> {
  forgetPeak();
  const before = process.memoryUsage().rss;
  const end = await attempt().then(() => "good", (error) => error.code ?? String(error));
  // what goes on in the background counts too
  await new Promise((resolve) => setTimeout(resolve, 20));
  return [end, peak() - before];
}

// the first attempts load what every attempt needs
await outcomes("warm");
const all: [string, number][] = [];
for (const path of paths) all.push(...await outcomes(path));
console.log(JSON.stringify(all));

/** Linux keeps the most memory that a process ever had, and can be told to begin anew (proc_pid_clear_refs(5)). */
function forgetPeak(): void {
  if (process.platform === "linux") writeFileSync("/proc/self/clear_refs", "5");
}

/** The most memory that this process had since, in bytes. On Linux `maxRSS` would count that of the parent in. */
function peak(): number {
  const kibibytes = process.platform === "linux"
    ? Number(
      /^VmHWM:\s*(\d+) kB$/m.exec(
        readFileSync("/proc/self/status", "utf8"),
      )![1],
    )
    : process.resourceUsage().maxRSS;
  return kibibytes * 1024;
}
