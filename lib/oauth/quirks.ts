/**
 * Every leniency towards a real server, by name.
 *
 * A quirk of the first kind is always tolerated, because tolerating it costs no safety; it is reported through
 * `onQuirk`. A quirk of the second kind loosens a check and works only where it was asked for.
 *
 * @module
 */

import { unusableAnswer } from "./_answer.ts";

/** A leniency that is always on and only reported. */
export type ToleratedQuirk =
  /** `interval` and `expires_in` as strings of digits (oidc-agent's providers, Azure AD v1). */
  | "number-as-string"
  /** `interval: 0` in a device authorization answer: taken as absent, so 5 s. */
  | "interval-zero"
  /** `verification_url` in place of `verification_uri` (Google). */
  | "verification-url"
  /** An empty `refresh_token` or `id_token`: taken as absent (several gateways). */
  | "empty-token"
  /** No `expires_in`: 300 s are assumed (RFC 6749 section 5.1 only recommends it). */
  | "expires-in-missing"
  /** `expires_in` of zero or less: the token is used once and not kept. */
  | "expires-in-zero"
  /** 200 in place of 201, or another success status than the standard names. */
  | "success-status"
  /** A JSON answer under another content type (`text/plain`, `text/html`, `application/problem+json`). */
  | "content-type"
  /** An error answer that came with status 200 (GitHub). */
  | "error-with-success-status"
  /** A client secret without `client_secret_expires_at` (RFC 7591 section 3.2.1 wants it): taken as one without end. */
  | "secret-end-missing"
  /** The ID token was left out although `openid` was asked for, on a grant where that is harmless. */
  | "id-token-missing";

/** A leniency that loosens a check: only where a preset or the caller names it. */
export type OptionalQuirk =
  /** The issuer is compared without its last slash, in metadata and ID tokens (INDIGO IAM). */
  | "issuer-trailing-slash"
  /** The `audience` parameter is sent, not `resource`; several are separated by blanks (INDIGO IAM, Auth0). */
  | "audience-parameter"
  /** Identifier and secret go into HTTP Basic as they are, not form-encoded (RFC 6749 section 2.3.1 wants it so). */
  | "basic-raw"
  /** A client assertion is made out to the token endpoint, not to the issuer (INDIGO IAM; see CVE-2025-27370). */
  | "assertion-audience-token-endpoint";

/** The name of a leniency. */
export type QuirkName = ToleratedQuirk | OptionalQuirk;

/** Which optional quirks are on, and who hears of those that were met. */
export interface Quirks {
  /** The optional quirks that are on for this server. */
  readonly enabled: readonly OptionalQuirk[];
  /** Told each time a server's answer needed a leniency. */
  readonly report: (name: QuirkName) => void;
}

/** A JSON object as it came from a server: nothing about it is known yet. */
export type Members = Record<string, unknown>;

/** `"3600"` as 3600; anything else as it is. */
export function digitsAsNumber(value: unknown, quirks: Quirks): unknown {
  if (typeof value !== "string" || !/^\d{1,15}$/.test(value)) return value;
  quirks.report("number-as-string");
  return Number(value);
}

/** The device authorization answer as RFC 8628 section 3.2 writes it. */
export function repairDeviceAnswer(answer: Members, quirks: Quirks): Members {
  const repaired: Members = { ...answer };
  const lifetime = digitsAsNumber(answer.expires_in, quirks);
  repaired.expires_in = Number.isFinite(lifetime) ? Math.min(lifetime as number, LONGEST_LIFETIME) : lifetime;
  repaired.interval = digitsAsNumber(answer.interval, quirks);
  if (repaired.interval === 0) {
    quirks.report("interval-zero");
    delete repaired.interval;
  }
  if (repaired.verification_uri === undefined && typeof answer.verification_url === "string") {
    quirks.report("verification-url");
    repaired.verification_uri = answer.verification_url;
  }
  return repaired;
}

/** How long a token is taken to live when the server does not say, in seconds. */
export const ASSUMED_LIFETIME = 300;
const LONGEST_LIFETIME = 315_360_000;

/**
 * The token endpoint's answer as RFC 6749 section 5.1 writes it.
 *
 * @throws {TokenError} `invalid_response` when `expires_in` is no count of seconds
 */
export function repairTokenAnswer(answer: Members, quirks: Quirks): Members {
  const repaired: Members = { ...answer };
  for (const name of ["refresh_token", "id_token"]) {
    if (answer[name] === "" || answer[name] === null) {
      quirks.report("empty-token");
      delete repaired[name];
    }
  }
  const lifetime = digitsAsNumber(answer.expires_in, quirks);
  if (lifetime === undefined) {
    quirks.report("expires-in-missing");
    repaired.expires_in = ASSUMED_LIFETIME;
  } else if (Number.isInteger(lifetime)) {
    const seconds = lifetime as number;
    if (seconds <= 0) quirks.report("expires-in-zero");
    repaired.expires_in = Math.min(Math.max(seconds, 0), LONGEST_LIFETIME);
  } else {
    throw unusableAnswer('its "expires_in" is no count of seconds');
  }
  return repaired;
}

/** Puts what a token is for where the server looks for it: into `audience`, in place of `resource`. */
export function repairAudience(parameters: URLSearchParams, { enabled, report }: Quirks): void {
  const resources = parameters.getAll("resource");
  if (!resources.length || !enabled.includes("audience-parameter")) return;
  report("audience-parameter");
  if (!parameters.has("audience")) parameters.set("audience", resources.join(" "));
  parameters.delete("resource");
}

/** Whether two issuer identifiers are the same but for a last slash. */
export function sameButForSlash(one: string, other: string): boolean {
  return one.replace(/\/$/, "") === other.replace(/\/$/, "");
}
