/**
 * A token for the client that the environment names: a service or a CI job without any file.
 *
 * @module
 */

import { TokenError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { clientSecretBasic, clientSecretPost } from "../oauth/client_authentication.ts";
import { clientCredentialsGrant } from "../oauth/grants/client_credentials.ts";
import { discover } from "../oauth/issuer.ts";
import type { TokenSet } from "../oauth/token_set.ts";
import { providerNamed, providerOf } from "../providers.ts";
import { narrowingParameters, type Reached, transportOf } from "./connection.ts";
import { withPatience } from "./patience.ts";
import type { ProfileTokenOptions } from "./profile_token.ts";

/** What APEx's services ask for; `-s` replaces it. */
const DEFAULT_SCOPE = "openid roles";

/**
 * With `APEX_CLIENT_ID` and `APEX_CLIENT_SECRET` set: a token by client credentials at `APEX_ISSUER`, a URL or the
 * name of a preset, by default APEx. Nothing is written anywhere.
 *
 * @returns nothing when the environment names no client
 * @throws {TokenError} `invalid_argument` when only one of the two is set; as discovery and the grant
 */
export async function environmentToken(
  host: Host,
  options: ProfileTokenOptions,
  reach: Pick<Reached, "caFile" | "allowInsecureLoopback"> = {},
): Promise<{ token: TokenSet; issuer: string } | undefined> {
  const clientId = host.environment("APEX_CLIENT_ID");
  const secret = host.environment("APEX_CLIENT_SECRET");
  if (clientId === undefined && secret === undefined) return undefined;
  if (clientId === undefined || secret === undefined) {
    const missing = clientId === undefined ? "APEX_CLIENT_ID" : "APEX_CLIENT_SECRET";
    throw new TokenError("invalid_argument", `${missing} is not set, though its companion is`, {
      nextStep: "Set both for client credentials, or neither to use a profile",
    });
  }
  if (options.idToken) {
    throw new TokenError(
      "invalid_argument",
      "Cannot give an ID token for client credentials: nobody signs in",
      {
        nextStep: "Leave --id-token out, or name a profile that somebody signed in to",
      },
    );
  }
  const named = host.environment("APEX_ISSUER") ?? "apex";
  const url = providerNamed(named)?.issuer ?? named;
  const transport = await transportOf(host, reach);
  const where = { ...transport, quirks: providerOf(url).quirks, signal: options.signal };
  const issuer = await withPatience(host, url, () => discover(url, where));
  const provider = providerOf(issuer.issuer, issuer.metadata);
  const scope = options.scope ?? DEFAULT_SCOPE;
  const parameters = narrowingParameters({ issuer: issuer.issuer, audience: provider.audience }, {
    ...options,
    scope,
  });
  const methods = issuer.metadata.token_endpoint_auth_methods_supported;
  const post = methods && !methods.includes("client_secret_basic") && methods.includes("client_secret_post");
  const authentication = post ? clientSecretPost(secret) : clientSecretBasic(secret);
  const token = await clientCredentialsGrant(issuer, { clientId, authentication }, parameters, options);
  return { token, issuer: issuer.issuer };
}
