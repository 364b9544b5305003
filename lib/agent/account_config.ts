/**
 * What an oidc-agent account consists of, and its JSON: the plaintext of an account file and the `config` of the wire.
 *
 * Every release of oidc-agent names a few members differently; what is read is lenient, what is written carries both
 * spellings of the scope, so that either can read it.
 *
 * @module
 */

import { TokenError } from "../errors.ts";
import type { Rotation } from "../session/refresh_events.ts";

/** What this program remembers of an account beside what oidc-agent knows; the original drops it, and nothing breaks. */
export interface AccountMemory {
  /** When the sign-in was, in epoch seconds. */
  readonly signedInAt?: number;
  /** When the refresh token was received, in epoch milliseconds. */
  readonly receivedAt?: number;
  /** What the server does with a refresh token that was used. */
  readonly rotation?: Rotation;
  /** Refresh tokens of this sign-in that were received beside the first, newest first. */
  readonly alternatives?: readonly string[];
  /** That the server has called the refresh token dead, when (in epoch seconds) and in which words. */
  readonly dead?: { readonly at: number; readonly words: string };
  /** Where the refresh token may be sent: the token endpoint at sign-in. */
  readonly tokenEndpoint?: string;
}

/** An account. Secret: it holds the refresh token. */
export interface AccountConfig {
  /** The short name. */
  readonly name: string;
  /** The issuer as it is written there, with or without a slash at its end. */
  readonly issuer: string;
  readonly clientId: string;
  /** Absent for a public client. */
  readonly clientSecret?: string;
  /** The name of the client at the server. */
  readonly clientName?: string;
  readonly refreshToken?: string;
  /** What was asked for at sign-in, separated by blanks. */
  readonly scope?: string;
  /** What a renewal asks for; default: the scope without `offline_access`. */
  readonly refreshScope?: string;
  /** The default audience or audiences, separated by blanks. */
  readonly audience?: string;
  readonly redirectUris: readonly string[];
  /** A file with certificate authorities (PEM). */
  readonly certPath?: string;
  /** Where the metadata is, if not at the issuer's well-known place; `https:` or `file:`. */
  readonly configurationEndpoint?: string;
  readonly deviceAuthorizationEndpoint?: string;
  /** Whether the person named the device authorization endpoint. */
  readonly ownDeviceAuthorizationEndpoint?: boolean;
  /** A server of OAuth 2.0 without OpenID Connect. */
  readonly oauth?: boolean;
  /** Whether the client is one that everybody shares. */
  readonly publicClient?: boolean;
  readonly username?: string;
  readonly password?: string;
  /** The client's registration (RFC 7591, RFC 7592), if this account registered it. */
  readonly registrationAccessToken?: string;
  readonly registrationClientUri?: string;
  readonly memory: AccountMemory;
  /** Members that nobody here reads: written again as they were. */
  readonly others: Readonly<Record<string, unknown>>;
}

/** Where {@linkcode AccountMemory} is kept. */
const MEMORY = "apex_token";

/**
 * An account from its JSON. Where a member is there twice the parser has taken the last one, as oidc-agent's readers do.
 *
 * @throws {TokenError} `storage` when it is no account
 */
export function accountOf(value: unknown): AccountConfig {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw noAccount("it is no object");
  const rest: Record<string, unknown> = { ...value };
  const take = (...names: readonly string[]): unknown => {
    let found: unknown;
    for (const name of names) {
      const member = rest[name];
      delete rest[name];
      if (found === undefined && member !== null && member !== "") found = member;
    }
    return found;
  };
  const text = (...names: readonly string[]): string | undefined => {
    const found = take(...names);
    if (found === undefined || typeof found === "string") return found;
    throw noAccount(`its "${names[0]}" is no text`);
  };
  const flag = (name: string): boolean => {
    const found = take(name);
    return found === true || found === 1 || found === "1";
  };
  const words = (found: unknown): string[] =>
    Array.isArray(found)
      ? found.map(String)
      : typeof found === "string"
      ? found.split(/\s+/).filter(Boolean)
      : [];
  const [authScope, oldScope] = [text("auth_scope"), text("scope")];
  const memory = take(MEMORY);
  const account: AccountConfig = {
    name: text("name", "shortname") ?? "",
    issuer: text("issuer_url", "issuer") ?? "",
    clientId: text("client_id") ?? "",
    clientSecret: text("client_secret"),
    clientName: text("client_name"),
    refreshToken: text("refresh_token"),
    scope: authScope ?? oldScope,
    refreshScope: text("refresh_scope"),
    audience: words(take("audience")).join(" ") || undefined,
    redirectUris: words(take("redirect_uris")),
    certPath: text("cert_path"),
    configurationEndpoint: text("config_endpoint"),
    deviceAuthorizationEndpoint: text("device_authorization_endpoint"),
    ownDeviceAuthorizationEndpoint: flag("daeSetByUser"),
    oauth: flag("oauth"),
    publicClient: flag("uses_pub_client"),
    username: text("username"),
    password: text("password"),
    registrationAccessToken: text("registration_access_token"),
    registrationClientUri: text("registration_client_uri"),
    memory: typeof memory === "object" && memory !== null ? memory as AccountMemory : {},
    others: rest,
  };
  return account;
}

/** The JSON of an account, in the order of oidc-agent 5 with the scope of 4 beside it. */
export function accountJson(account: AccountConfig): Record<string, unknown> {
  const { others, memory } = account;
  const { mytoken_url = "", mytoken_profile = {}, ...unread } = others;
  return {
    name: account.name,
    client_name: account.clientName ?? "",
    issuer_url: account.issuer,
    mytoken_url,
    config_endpoint: account.configurationEndpoint ?? "",
    device_authorization_endpoint: account.deviceAuthorizationEndpoint ?? "",
    daeSetByUser: account.ownDeviceAuthorizationEndpoint ? 1 : 0,
    client_id: account.clientId,
    client_secret: account.clientSecret ?? "",
    refresh_token: account.refreshToken ?? "",
    cert_path: account.certPath ?? "",
    auth_scope: account.scope ?? "",
    refresh_scope: account.refreshScope ?? "",
    scope: account.scope ?? "",
    audience: account.audience ?? "",
    oauth: account.oauth ? 1 : 0,
    uses_pub_client: account.publicClient ? 1 : 0,
    mytoken_profile,
    redirect_uris: account.redirectUris,
    username: account.username ?? "",
    password: account.password ?? "",
    ...(account.registrationAccessToken
      ? { registration_access_token: account.registrationAccessToken }
      : {}),
    ...(account.registrationClientUri ? { registration_client_uri: account.registrationClientUri } : {}),
    ...unread,
    ...(Object.keys(memory).length > 0 ? { [MEMORY]: memory } : {}),
  };
}

/** What an account whose client speaks for itself has as `flow`; oidc-agent knows no such accounts. */
export const CLIENT_CREDENTIALS = "client_credentials";

/** Whether an account's client speaks for itself (RFC 6749 section 4.4): nobody signs in. */
export function speaksForItself({ others }: AccountConfig): boolean {
  return others.flow === CLIENT_CREDENTIALS;
}

/** What helps whoever wants a mytoken. */
export const NO_MYTOKEN =
  "Sign in to the server itself: oidc-gen NAME --iss=URL; a mytoken is had from the original oidc-agent 5 alone";

/** Whether what an account has as its refresh token is a mytoken: that is for the mytoken server and no other. */
export function isMytoken({ others }: AccountConfig): boolean {
  return typeof others.mytoken_url === "string" && others.mytoken_url !== "";
}

/** Whether two issuers are the same up to one slash at the end, as oidc-agent compares them. */
export function sameIssuer(one: string, other: string): boolean {
  return one.replace(/\/$/, "") === other.replace(/\/$/, "");
}

function noAccount(why: string): TokenError {
  return new TokenError("storage", `Cannot read the account: ${why}`);
}
