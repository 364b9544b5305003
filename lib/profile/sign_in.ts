/**
 * From a wish to a signed-in profile: plan, grant, save. The command line and the agent both come here.
 *
 * @module
 */

import { isTokenError, TokenError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { createKeyFile } from "../host/key_file.ts";
import type { Client } from "../oauth/client.ts";
import { clientSecretBasic, clientSecretPost, none } from "../oauth/client_authentication.ts";
import { clientCredentialsGrant } from "../oauth/grants/client_credentials.ts";
import { passwordGrant } from "../oauth/grants/password.ts";
import { discover, type Issuer } from "../oauth/issuer.ts";
import type { TokenSet } from "../oauth/token_set.ts";
import { type Flow, type Provider, providerNamed, providerOf } from "../providers.ts";
import type { Session } from "../session/session.ts";
import { signInWithBrowser } from "./browser_sign_in.ts";
import { cachedToken } from "./cached_token.ts";
import { transportOf } from "./connection.ts";
import { signInWithDevice } from "./device_sign_in.ts";
import { plan, words } from "./plan.ts";
import { checkProfileName, type Profile, type Protection } from "./profile.ts";
import { defaultProfileName, profileNames, writeDefaultProfile, writeProfile } from "./profile_files.ts";
import { readSecretFile } from "./secret_file.ts";
import { sessionHome } from "./session_home.ts";
import { removeCachedTokens, writeCachedToken } from "./token_cache.ts";

/** What somebody wants to sign in to. */
export interface SignInRequest {
  /** The name of the profile to make. */
  readonly name: string;
  /** An issuer URL, or the name of a preset. */
  readonly issuer: string;
  readonly clientId: string;
  readonly scope?: string;
  /** Default: the plan decides. */
  readonly flow?: Flow;
  /** A file with the client secret: remembered as a path and read again. */
  readonly secretFile?: string;
  /** The client secret itself, where there is no file: kept in the session. */
  readonly clientSecret?: string;
  readonly redirectUri?: string;
  /** Whether a page may be opened. Default: true. */
  readonly openBrowser?: boolean;
  /** Whether to ask for a sign-in that outlives the browser session. Default: true. */
  readonly offline?: boolean;
  readonly protect: Protection;
  /** The account of the password grant. */
  readonly username?: string;
  /** The password of that account; asked for when it is needed, kept nowhere. */
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
 * Signs in and keeps the profile, the session and the first access token. Nothing is written before the server has
 * said yes.
 *
 * @throws {TokenError} as discovery and the grants; `unsupported` when no flow is possible here
 */
export async function signIn(host: Host, request: SignInRequest): Promise<SignInResult> {
  checkProfileName(request.name);
  const { issuer, provider } = await findIssuer(host, request);
  const made = plan({
    metadata: issuer.metadata,
    provider,
    flow: request.flow,
    secret: request.secretFile !== undefined || request.clientSecret !== undefined,
    terminal: host.terminal !== undefined,
    browser: host.browser(),
  });
  if (!made.flows) throw new TokenError("unsupported", made.diagnosis, { nextStep: made.nextStep });
  const [flow] = made.flows;
  if (request.flow === undefined) host.say(`Signing in with ${words(flow)}: ${made.because}.`);
  const profile = profileOf(request, issuer, provider, flow);
  const tokens = await withOfflineAccess(host, issuer, profile, request);
  const session = sessionOf(host, profile, issuer, tokens, request);
  await save(host, profile, session, tokens);
  return { profile, session, tokens, provider };
}

async function findIssuer(
  host: Host,
  request: SignInRequest,
): Promise<{ issuer: Issuer; provider: Provider }> {
  const preset = providerNamed(request.issuer) ?? providerOf(request.issuer);
  const url = providerNamed(request.issuer)?.issuer ?? request.issuer;
  if (!/^https?:\/\//i.test(url)) {
    throw new TokenError("invalid_argument", `Cannot find an issuer named "${request.issuer}"`, {
      nextStep: "Give its URL, or one of: apex, cdse, egi, wlcg, iam-test, escape, infn-cloud",
    });
  }
  const options = { ...await transportOf(host, request), signal: request.signal };
  const issuer = await discover(url, { ...options, quirks: preset.quirks });
  const provider = preset.issuer ? preset : providerOf(issuer.issuer, issuer.metadata);
  return { issuer: { ...issuer, quirks: { ...issuer.quirks, enabled: provider.quirks } }, provider };
}

function profileOf(request: SignInRequest, issuer: Issuer, provider: Provider, flow: Flow): Profile {
  const scope = request.scope ?? (flow === "client-credentials" ? undefined : provider.scope);
  return {
    format: 1,
    name: request.name,
    issuer: issuer.issuer,
    clientId: request.clientId,
    authentication: authenticationMethod(request, issuer),
    flow,
    ...(scope ? { scope } : {}),
    audience: provider.audience,
    quirks: [...provider.quirks],
    ...(request.redirectUri ? { redirectUri: request.redirectUri } : {}),
    ...(request.secretFile ? { secretFile: request.secretFile } : {}),
    ...(request.username ? { username: request.username } : {}),
    ...(request.caFile ? { caFile: request.caFile } : {}),
    ...(request.allowInsecureLoopback ? { allowInsecureLoopback: true } : {}),
    protect: request.protect,
  };
}

function authenticationMethod(request: SignInRequest, issuer: Issuer): Profile["authentication"] {
  if (request.secretFile === undefined && request.clientSecret === undefined) return "none";
  // RFC 8414 section 2: client_secret_basic when the server does not say
  const methods = issuer.metadata.token_endpoint_auth_methods_supported ?? ["client_secret_basic"];
  return methods.includes("client_secret_basic") || !methods.includes("client_secret_post")
    ? "client_secret_basic"
    : "client_secret_post";
}

/** Asks for a lasting sign-in where the server lists it, and once more without it when this client may not have it. */
async function withOfflineAccess(
  host: Host,
  issuer: Issuer,
  profile: Profile,
  request: SignInRequest,
): Promise<TokenSet> {
  const scopes = profile.scope?.split(/\s+/) ?? [];
  const listed = issuer.metadata.scopes_supported?.includes("offline_access") ?? false;
  const asked = profile.flow !== "client-credentials" && request.offline !== false && listed &&
    !scopes.includes("offline_access");
  if (!asked) return await grant(host, issuer, profile, profile.scope, request);
  try {
    return await grant(host, issuer, profile, [...scopes, "offline_access"].join(" "), request);
  } catch (error) {
    if (!isTokenError(error) || error.serverError !== "invalid_scope") throw error;
    host.say("This client may not ask for a lasting sign-in (offline_access); asking for an ordinary one.");
    return await grant(host, issuer, profile, profile.scope, request);
  }
}

async function grant(
  host: Host,
  issuer: Issuer,
  profile: Profile,
  scope: string | undefined,
  request: SignInRequest,
): Promise<TokenSet> {
  const { signal, openBrowser = true, redirectUri } = request;
  const client = clientFor(profile, request);
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
        signal,
      });
    case "client-credentials":
      return await clientCredentialsGrant(issuer, client, { scope }, { signal });
    case "password": {
      if (!request.username || !request.password) {
        throw new TokenError(
          "invalid_argument",
          "The password grant needs --username, and a password from a prompt or --password-file",
        );
      }
      const password = await request.password();
      return await passwordGrant(issuer, client, { username: request.username, password, scope }, { signal });
    }
  }
}

function clientFor(profile: Profile, { secretFile, clientSecret }: SignInRequest): Client {
  const { clientId, authentication } = profile;
  if (authentication === "none") return { clientId, authentication: none() };
  const secret = () => secretFile ? readSecretFile(secretFile, "client secret") : clientSecret!;
  return {
    clientId,
    authentication: authentication === "client_secret_post"
      ? clientSecretPost(secret)
      : clientSecretBasic(secret),
  };
}

function sessionOf(
  host: Host,
  profile: Profile,
  issuer: Issuer,
  tokens: TokenSet,
  { clientSecret, secretFile }: SignInRequest,
): Session {
  return {
    format: 1,
    issuer: issuer.issuer,
    clientId: profile.clientId,
    metadata: issuer.metadata,
    signedInAt: Math.floor(host.clock.now() / 1000),
    ...(tokens.refreshToken ? { refreshToken: tokens.refreshToken } : {}),
    ...(tokens.refreshExpiresAt ? { refreshExpiresAt: tokens.refreshExpiresAt } : {}),
    ...(tokens.scope ? { scope: tokens.scope } : {}),
    ...(tokens.claims ? { claims: tokens.claims } : {}),
    ...(clientSecret && !secretFile ? { clientSecret } : {}),
  };
}

async function save(host: Host, profile: Profile, session: Session, tokens: TokenSet): Promise<void> {
  const isFirst = profileNames(host).length === 0 && defaultProfileName(host) === undefined;
  if (profile.protect.kind === "key-file") await createKeyFile(profile.protect.path);
  const home = sessionHome(host, profile);
  const before = await home.read().catch(async (error) => {
    // what no key opens any more is replaced by the sign-in that has just succeeded
    if (!isTokenError(error)) throw error;
    await home.remove();
    return undefined;
  });
  await home.write(session, before?.version);
  writeProfile(host, profile);
  removeCachedTokens(host, profile.name);
  const { refreshToken: _kept, ...token } = tokens;
  await writeCachedToken(
    host,
    profile,
    cachedToken(token, { issuer: profile.issuer, profile: profile.name, asked: "" }),
  );
  if (isFirst) writeDefaultProfile(host, profile.name);
}
