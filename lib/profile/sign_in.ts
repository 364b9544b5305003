/**
 * From a wish to a signed-in profile: plan, grant, save. The command line and the agent both come here.
 *
 * @module
 */

import { isTokenError, TokenError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import type { Client } from "../oauth/client.ts";
import { clientCredentialsGrant } from "../oauth/grants/client_credentials.ts";
import type { Issuer } from "../oauth/issuer.ts";
import type { TokenSet } from "../oauth/token_set.ts";
import { dpopKey } from "../oauth/dpop.ts";
import type { RegisteredClient } from "../oauth/registration.ts";
import { type Flow, type Provider, providerOf } from "../providers.ts";
import type { Session } from "../session/session.ts";
import { signInWithBrowser } from "./browser_sign_in.ts";
import { clientBefore, unregisterBefore, withoutEndedClient } from "./client_before.ts";
import { clientOf } from "./client_of.ts";
import { signInWithDevice } from "./device_sign_in.ts";
import { findIssuer } from "./find_issuer.ts";
import { signInWithPassword, warnOfPasswordGrant } from "./password_sign_in.ts";
import { plan, words } from "./plan.ts";
import { checkProfileName, type Profile, type Protection } from "./profile.ts";
import { checkProfilePlace } from "./profile_files.ts";
import { registeredAuthentication, registerFor, unregister } from "./register.ts";
import { checkFastCache, checkPlaces, checkProtection, saveSignIn } from "./save_sign_in.ts";
import { checkProof, profileOf, sessionOf } from "./signed_in_as.ts";

/** What somebody wants to sign in to. */
export interface SignInRequest {
  /** The name of the profile to make. */
  readonly name: string;
  /** An issuer URL, or the name of a preset. */
  readonly issuer: string;
  /** Absent with `register`: the server makes one. */
  readonly clientId?: string;
  /** Registers a client where none is given (RFC 7591). Default: false. */
  readonly register?: boolean;
  /** Whether the client id is of a client that was registered at an earlier sign-in. */
  readonly registered?: boolean;
  readonly scope?: string;
  /** Default: the plan decides. */
  readonly flow?: Flow;
  /** A file with the client secret: remembered as a path and read again. */
  readonly secretFile?: string;
  /** The client secret itself, where there is no file: kept in the session. */
  readonly clientSecret?: string;
  /** Default: by what is given, as the server offers it. */
  readonly authentication?: Profile["authentication"];
  /** A file with the client's private key, PEM or JWK: remembered as a path and read again. */
  readonly privateKeyFile?: string;
  /** The `kid` of that key. */
  readonly keyId?: string;
  /** A file with a JWT that somebody else signs for the client: remembered as a path and read again at each use. */
  readonly assertionFile?: string;
  /** Binds the tokens to a key that is kept with the session (RFC 9449). Default: false. */
  readonly dpop?: boolean;
  /** Pushes the parameters of a browser sign-in to the server first (RFC 9126). Default: when the server requires it. */
  readonly pushed?: boolean;
  readonly redirectUri?: string;
  /** Whether a page may be opened. Default: true. */
  readonly openBrowser?: boolean;
  /** Whether to ask for a sign-in that outlives the browser session. Default: true. */
  readonly offline?: boolean;
  readonly protect: Protection;
  /** Keeps bare copies of access tokens in a private directory in memory. Default: false. */
  readonly fastCache?: boolean;
  /** The account of the password grant. */
  readonly username?: string;
  /** Where its password comes from: called when it is needed, kept nowhere. Absent where there is none to be had. */
  readonly password?: () => Promise<string>;
  readonly caFile?: string;
  readonly allowInsecureLoopback?: boolean;
  readonly signal?: AbortSignal;
}

/** What came of it. */
export interface SignInResult {
  readonly profile: Profile;
  readonly session: Session;
  readonly tokens: TokenSet;
  readonly provider: Provider;
}

/**
 * Signs in and keeps the profile, the session and the first access token. Nothing is kept before the server has said
 * yes; what cannot be kept is found out before anybody signs in.
 *
 * @throws {TokenError} as discovery and the grants; `unsupported` when the server has no flow for it, `invalid_argument` when none is
 * possible here
 */
export async function signIn(host: Host, asked: SignInRequest): Promise<SignInResult> {
  checkProfileName(asked.name);
  if (asked.fastCache) checkFastCache(host, asked);
  checkPlaces(host, asked);
  await checkProtection(host, asked, asked.signal);
  const before = await clientBefore(host, asked.name);
  const request = before ? withoutEndedClient(host, asked, before) : asked;
  // the registration brings what it needs
  if (!isRegistering(request)) checkProof(request);
  const { issuer, provider } = await findIssuer(host, request);
  const made = plan({
    metadata: issuer.metadata,
    provider,
    flow: request.flow,
    secret: request.secretFile !== undefined || request.clientSecret !== undefined ||
      (request.privateKeyFile ?? request.assertionFile) !== undefined ||
      // the registration brings one
      (request.flow === "client-credentials" && isRegistering(request)),
    password: request.password !== undefined,
    browser: host.browser(),
  });
  if (!made.flows) throw new TokenError(made.code, made.diagnosis, { nextStep: made.nextStep });
  const [flow] = made.flows;
  if (request.flow === undefined) host.say(`Signing in with ${words(flow)}: ${made.because}.`);
  if (flow === "password") warnOfPasswordGrant(host);
  const scope = request.scope ?? (flow === "client-credentials" ? undefined : provider.scope);
  const registration = await registrationFor(host, issuer, request, flow, scope);
  try {
    const complete = registration ? withRegistration(request, registration) : request;
    const profile = profileOf({ ...complete, scope }, issuer, provider, flow);
    checkProfilePlace(host, profile);
    const dpop = request.dpop ? await dpopKey() : undefined;
    const own = { clientSecret: complete.clientSecret, dpopKey: await dpop?.export() };
    const tokens = await withOfflineAccess(host, issuer, profile, await clientOf(profile, own), request);
    const session = {
      ...sessionOf(host, profile, issuer, tokens, own),
      ...(registration ? { registration } : {}),
    };
    await saveSignIn(host, profile, session, tokens);
    if (before && before.session.clientId !== profile.clientId) await unregisterBefore(host, before);
    return { profile, session, tokens, provider };
  } catch (error) {
    // a client that nobody will use is not left behind
    if (registration) await unregister(host, issuer, registration);
    throw error;
  }
}

/** Whether the server is asked for a client. */
function isRegistering({ register = false, clientId }: SignInRequest): boolean {
  return register && !clientId;
}

async function registrationFor(
  host: Host,
  issuer: Issuer,
  request: SignInRequest,
  flow: Flow,
  scope?: string,
): Promise<RegisteredClient | undefined> {
  if (!isRegistering(request)) return undefined;
  const { name, redirectUri, signal, offline = true } = request;
  const lasting = offline && flow !== "client-credentials" && offersOfflineAccess(issuer) && scope;
  const scopes = lasting ? [...new Set([...scope.split(/\s+/), "offline_access"])].join(" ") : scope;
  const client = await registerFor(issuer, { profile: name, flow, scope: scopes, redirectUri, signal });
  host.say(`Registered a client of your own: ${client.clientId}.`);
  return client;
}

function withRegistration(request: SignInRequest, client: RegisteredClient): SignInRequest {
  return {
    ...request,
    clientId: client.clientId,
    clientSecret: client.clientSecret,
    authentication: registeredAuthentication(client),
    registered: true,
  };
}

function offersOfflineAccess({ metadata }: Issuer): boolean {
  return metadata.scopes_supported?.includes("offline_access") ?? false;
}

/** Asks for a lasting sign-in where the server lists it, and once more without it when this client may not have it. */
async function withOfflineAccess(
  host: Host,
  issuer: Issuer,
  profile: Profile,
  client: Client,
  request: SignInRequest,
): Promise<TokenSet> {
  const scopes = profile.scope?.split(/\s+/) ?? [];
  const listed = offersOfflineAccess(issuer);
  const asked = profile.flow !== "client-credentials" && request.offline !== false && listed &&
    !scopes.includes("offline_access");
  if (!asked) return await grant(host, issuer, profile, client, profile.scope, request);
  try {
    return await grant(host, issuer, profile, client, [...scopes, "offline_access"].join(" "), request);
  } catch (error) {
    if (!isTokenError(error) || error.serverError !== "invalid_scope") throw error;
    host.say("This client may not ask for a lasting sign-in (offline_access); asking for an ordinary one.");
    return await grant(host, issuer, profile, client, profile.scope, request);
  }
}

async function grant(
  host: Host,
  issuer: Issuer,
  profile: Profile,
  client: Client,
  scope: string | undefined,
  request: SignInRequest,
): Promise<TokenSet> {
  const { signal, openBrowser = true, redirectUri } = request;
  const title = providerOf(issuer.issuer, issuer.metadata).issuer
    ? providerOf(issuer.issuer).title
    : new URL(issuer.issuer).host;
  switch (profile.flow) {
    case "device":
      return await signInWithDevice(host, { issuer, client, scope, title, openBrowser, signal });
    case "browser":
      return await signInWithBrowser(host, {
        issuer,
        client,
        scope,
        title,
        openBrowser,
        redirectUri,
        pushed: request.pushed,
        signal,
      });
    case "client-credentials":
      return await clientCredentialsGrant(issuer, client, { scope }, { signal });
    case "password":
      return await signInWithPassword(issuer, client, { ...request, scope });
  }
}
