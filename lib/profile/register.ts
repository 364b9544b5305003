/**
 * A client of one's own: registered for a sign-in, deleted with the profile (RFC 7591, RFC 7592).
 *
 * @module
 */

import { isTokenError, TokenError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { DEVICE_CODE } from "../oauth/grants/device_code.ts";
import type { Issuer } from "../oauth/issuer.ts";
import {
  type ClientMetadata,
  deleteRegistration,
  registerClient,
  type RegisteredClient,
} from "../oauth/registration.ts";
import type { Flow } from "../providers.ts";
import type { Session } from "../session/session.ts";
import { authenticationMethods, type Profile } from "./profile.ts";

/** The grants that a flow needs; a lasting sign-in needs the refresh token too. */
const GRANTS: Readonly<Record<Flow, readonly string[]>> = {
  device: [DEVICE_CODE, "refresh_token"],
  browser: ["authorization_code", "refresh_token"],
  "client-credentials": ["client_credentials"],
  password: ["password", "refresh_token"],
};

/** What a registration is for. */
export interface RegistrationWish {
  readonly profile: string;
  readonly flow: Flow;
  readonly scope?: string;
  readonly redirectUri?: string;
  readonly signal?: AbortSignal;
}

/**
 * Registers a client for one profile, with just what its flow needs. INDIGO IAM gives the authorization code grant
 * alone to a client that does not ask, so everything is asked for.
 *
 * @throws {TokenError} `unsupported` when the server offers no registration or did not register the flow
 */
export async function registerFor(issuer: Issuer, wish: RegistrationWish): Promise<RegisteredClient> {
  const grants = GRANTS[wish.flow];
  const code = wish.flow === "browser";
  const metadata: ClientMetadata = {
    client_name: `apex-token:${wish.profile}`,
    application_type: "native",
    grant_types: grants,
    response_types: code ? ["code"] : [],
    ...(code ? { redirect_uris: [wish.redirectUri ?? "http://127.0.0.1/callback"] } : {}),
    ...(wish.scope ? { scope: wish.scope } : {}),
    token_endpoint_auth_method: wish.flow === "client-credentials"
      ? "client_secret_basic"
      : methodFor(issuer),
  };
  const client = await registerClient(issuer, metadata, { signal: wish.signal });
  const registered = client.metadata.grant_types;
  if (Array.isArray(registered) && !registered.includes(grants[0])) {
    await deleteRegistration(issuer, client).catch(() => {});
    throw new TokenError(
      "unsupported",
      `Cannot use the new client: the server did not register the grant ${grants[0]}`,
      {
        nextStep: "Choose another --flow, or register a client in the server's web page",
      },
    );
  }
  return client;
}

/** A program on a person's machine keeps no secret from that person (RFC 8252 section 8.5); not every server lets it. */
function methodFor({ metadata }: Issuer): string {
  const methods = metadata.token_endpoint_auth_methods_supported ?? [];
  return methods.includes("none") ? "none" : "client_secret_basic";
}

/** Whether the secret of a client that this program registered has ended (RFC 7591 section 3.2.1). */
export function hasEnded({ registration }: Session, now: number): boolean {
  return registration?.clientSecretExpiresAt !== undefined && registration.clientSecretExpiresAt <= now;
}

/**
 * Makes sure that the client of a session can still prove who it is.
 *
 * @param now epoch seconds
 * @throws {TokenError} `sign_in_required` when the secret of a registered client has ended
 */
export function checkRegistration(
  { name }: Pick<Profile, "name">,
  session: Session | undefined,
  now: number,
): void {
  if (!session || !hasEnded(session, now)) return;
  throw new TokenError("sign_in_required", `The client secret of "${name}" has ended`, {
    nextStep: `Register a new client: apex-token login ${name} --register`,
  });
}

/** The authentication that the server registered; what it does not say is its default (RFC 7591 section 2). */
export function registeredAuthentication(client: RegisteredClient): Profile["authentication"] {
  const method = client.metadata.token_endpoint_auth_method ??
    (client.clientSecret ? "client_secret_basic" : "none");
  const known = authenticationMethods.find((name) => name === method);
  if (known) return known;
  throw new TokenError(
    "unsupported",
    "Cannot use the new client: the server wants an authentication that is not supported",
  );
}

/** Deletes the client of a profile at the server, if this program registered it. A failure is said and does no harm. */
export async function unregister(host: Host, issuer: Issuer, client: RegisteredClient): Promise<void> {
  if (!client.registrationClientUri || !client.registrationAccessToken) {
    host.say(
      `The client ${client.clientId} stays registered: the server gave no access to its registration.`,
    );
    return;
  }
  try {
    await deleteRegistration(issuer, client);
    host.say(`The client ${client.clientId} has been deleted at ${new URL(issuer.issuer).host}.`);
  } catch (error) {
    if (!isTokenError(error)) throw error;
    host.say(`The client ${client.clientId} may still be registered: ${error.message}.`);
  }
}
