/**
 * A protected resource to try tokens on.
 *
 * @module
 */

import { json } from "../answers.ts";
import { checkAccessToken } from "../bearer.ts";
import type { Call } from "../call.ts";
import { nonceHeader } from "../dpop.ts";

/** Tells the caller what it sent and for whom. */
export async function resource(call: Call): Promise<Response> {
  const { state, request } = call;
  const { settings, endpoints } = state;
  const token = await checkAccessToken(call, {
    where: "resource",
    metadata: endpoints.resourceMetadata,
    scope: settings.resourceScope,
    // A server that ignores both parameters cannot make a token for this resource alone.
    ...(settings.audienceDialect === "ignore" ? {} : { audience: endpoints.resource }),
  });
  const answer = {
    method: request.method,
    url: request.url,
    body: request.body,
    subject: token.grant.subject,
    client_id: token.grant.clientId,
    scope: token.scope,
    audience: token.audience,
  };
  return json(answer, { headers: nonceHeader(state, "resource") });
}
