/**
 * From a request to its endpoint, and back with an answer.
 *
 * @module
 */

import { page } from "./answers.ts";
import type { Call } from "./call.ts";
import { authorization } from "./endpoints/authorization.ts";
import { backchannelAuthentication } from "./endpoints/backchannel_authentication.ts";
import { deviceAuthorization, verification } from "./endpoints/device_authorization.ts";
import { discovery, jwks, protectedResourceMetadata } from "./endpoints/discovery.ts";
import { endSession } from "./endpoints/end_session.ts";
import { introspection } from "./endpoints/introspection.ts";
import { pushedAuthorization } from "./endpoints/pushed_authorization.ts";
import { registration, registrationManagement } from "./endpoints/registration.ts";
import { resource } from "./endpoints/resource.ts";
import { revocation } from "./endpoints/revocation.ts";
import { token } from "./endpoints/token.ts";
import { userinfo } from "./endpoints/userinfo.ts";
import type { EndpointName } from "./endpoint_urls.ts";
import type { State } from "./state.ts";

type Handler = (call: Call) => Response | Promise<Response>;

const HANDLERS: Readonly<Record<EndpointName, Handler>> = {
  discovery,
  oauth_discovery: discovery,
  jwks,
  token,
  device_authorization: deviceAuthorization,
  verification,
  authorization,
  pushed_authorization: pushedAuthorization,
  backchannel_authentication: backchannelAuthentication,
  revocation,
  introspection,
  userinfo,
  registration,
  registration_management: registrationManagement,
  end_session: endSession,
  protected_resource_metadata: protectedResourceMetadata,
  resource,
  unknown: notFound,
};

/** Carries a request out. A refusal on the way is its answer. */
export async function dispatch(call: Call): Promise<Response> {
  const { endpoint } = call.request;
  const handler = isServed(call.state, endpoint) ? HANDLERS[endpoint] : notFound;
  try {
    return await handler(call);
  } catch (thrown) {
    if (thrown instanceof Response) return thrown;
    throw thrown;
  }
}

function isServed({ flavor: { supports } }: State, endpoint: EndpointName): boolean {
  if (endpoint === "pushed_authorization") return supports.par;
  return endpoint !== "backchannel_authentication" || supports.ciba;
}

function notFound(): Response {
  return page("Not found", 404);
}
