/**
 * The issuer and the client of a profile, ready for requests.
 *
 * @module
 */

import { TokenError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import type { HttpOptions } from "../http/http.ts";
import { discover, type Issuer, issuerFromMetadata, type ServerMetadata } from "../oauth/issuer.ts";
import type { TokenParameters } from "../oauth/token_request.ts";
import type { AudienceDialect } from "../providers.ts";
import type { Profile } from "./profile.ts";

/** What of a profile says how its server is reached. */
export type Reached = Pick<Profile, "issuer" | "caFile" | "allowInsecureLoopback" | "quirks">;

/** How requests for a profile reach the network. */
export async function transportOf(
  host: Host,
  profile: Pick<Profile, "caFile" | "allowInsecureLoopback">,
): Promise<HttpOptions> {
  return {
    clock: host.clock,
    fetch: await host.fetch({ caFile: profile.caFile }),
    allowInsecureLoopback: profile.allowInsecureLoopback,
  };
}

/** The issuer of a profile, asked for its metadata. */
export async function discoverFor(host: Host, profile: Reached, signal?: AbortSignal): Promise<Issuer> {
  return await discover(profile.issuer, {
    ...await transportOf(host, profile),
    quirks: profile.quirks,
    signal,
  });
}

/** The issuer of a profile, from metadata that is at hand. */
export async function issuerOf(host: Host, profile: Profile, metadata: ServerMetadata): Promise<Issuer> {
  return issuerFromMetadata(metadata, { ...await transportOf(host, profile), quirks: profile.quirks });
}

/**
 * The parameters that narrow a token, in the server's dialect.
 *
 * @throws {TokenError} `invalid_argument` when the server ignores audiences: a token for everybody would be worse than
 * none
 */
export function narrowingParameters(
  profile: { readonly issuer: string; readonly audience: AudienceDialect },
  asked: { readonly scope?: string; readonly audience?: string },
): TokenParameters {
  const { scope, audience } = asked;
  if (audience === undefined) return { scope };
  const dialect = profile.audience;
  if (dialect === "none") {
    throw new TokenError(
      "invalid_argument",
      `Cannot ask for an audience: ${
        new URL(profile.issuer).host
      } is a Keycloak, which sets audiences by client scope`,
      { nextStep: "Leave --aud out, and ask for the client scope that brings the audience with -s" },
    );
  }
  return {
    scope,
    ...(dialect === "resource" ? {} : { audience }),
    ...(dialect === "audience" ? {} : { resource: audience }),
  };
}
