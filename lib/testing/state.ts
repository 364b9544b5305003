/**
 * What the server remembers.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { randomText } from "./bytes.ts";
import { type Endpoints, endpoints } from "./endpoint_urls.ts";
import { type Flavor, flavor } from "./flavors.ts";
import type { JsonObject } from "./jwt.ts";
import { type KeyRing, keyRing } from "./keys.ts";
import type { AuthorizationServerOptions, TestClient, TestUser } from "./options.ts";
import { DEFAULT_CLIENTS, DEFAULT_USERS, type Settings, withDefaults } from "./settings.ts";

/** What a person, or a client for itself, agreed to: everything issued from it ends with it. */
export interface Grant {
  readonly id: string;
  readonly clientId: string;
  readonly subject: string;
  readonly scope: string;
  readonly audience: readonly string[];
  readonly sid: string;
  /** In seconds since the epoch; absent where nobody signed in. */
  readonly authTime?: number;
  readonly nonce?: string;
  readonly details?: unknown;
  readonly actor?: JsonObject;
  /** The key that a public client's refresh tokens are bound to (RFC 9449 section 5). */
  jkt?: string;
  revoked: boolean;
  /** The newest generation of its refresh tokens; -1 when there are none. */
  generation: number;
  presented: number;
  reused: number;
}

/** An access token that was handed out. Times are in milliseconds since the epoch. */
export interface IssuedAccessToken {
  readonly grant: Grant;
  readonly scope: string;
  readonly audience: readonly string[];
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly jkt?: string;
  readonly x5t?: string;
  revoked: boolean;
}

/** A refresh token that was handed out. */
export interface IssuedRefreshToken {
  readonly grant: Grant;
  readonly generation: number;
  readonly expiresAt: number;
  replacedAt?: number;
  uses: number;
}

/** An authorization request that passed every check. */
export interface AuthorizationRequest {
  readonly clientId: string;
  readonly parameters: URLSearchParams;
  readonly redirectUri: string;
  readonly redirectUriGiven: boolean;
  readonly scope: string;
  readonly audience: readonly string[];
  readonly jkt?: string;
  readonly details?: unknown;
}

/** A code that waits for its one redemption. */
export interface IssuedCode {
  readonly request: AuthorizationRequest;
  readonly grant: Grant;
  readonly expiresAt: number;
  used: boolean;
}

/** A sign-in on another device: a device code, or a CIBA request. */
export interface PendingSignIn {
  readonly code: string;
  readonly userCode?: string;
  readonly clientId: string;
  /** Who is asked, where the request says. */
  readonly subject?: string;
  readonly scope: string;
  readonly audience: readonly string[];
  readonly challenge?: string;
  readonly bindingMessage?: string;
  readonly nonce?: string;
  expiresAt: number;
  /** In seconds. */
  interval: number;
  lastPoll?: number;
  decision?: { readonly subject: string } | "denied";
  used: boolean;
}

/** A pushed authorization request (RFC 9126). */
export interface PushedRequest {
  readonly clientId: string;
  readonly parameters: URLSearchParams;
  readonly expiresAt: number;
}

/** A client that registered itself. */
export interface Registration {
  accessToken: string;
  metadata: JsonObject;
  readonly issuedAt: number;
}

/** Everything that a request can touch. */
export interface State {
  readonly settings: Settings;
  readonly flavor: Flavor;
  readonly clock: Clock;
  readonly keys: KeyRing;
  readonly endpoints: Endpoints;
  /** What discovery and ID tokens say; access tokens carry `settings.issuer`. */
  readonly issuer: string;
  readonly users: readonly TestUser[];
  readonly clients: Map<string, TestClient>;
  readonly registrations: Map<string, Registration>;
  readonly grants: Map<string, Grant>;
  readonly accessTokens: Map<string, IssuedAccessToken>;
  readonly refreshTokens: Map<string, IssuedRefreshToken>;
  readonly codes: Map<string, IssuedCode>;
  readonly pending: Map<string, PendingSignIn>;
  readonly pushed: Map<string, PushedRequest>;
  /** The `jti` of every proof and assertion seen. */
  readonly seen: Set<string>;
  /** The DPoP nonces that are good, newest last. */
  readonly nonces: { readonly server: string[]; readonly resource: string[] };
}

/** The first state of a server. */
export async function newState(options: AuthorizationServerOptions): Promise<State> {
  const habits = flavor(options.flavor ?? "plain");
  const settings = withDefaults(options, habits);
  return {
    settings,
    flavor: habits,
    clock: settings.clock,
    keys: await keyRing(settings.idTokenAlg),
    endpoints: endpoints(settings.issuer, habits, settings.resource, settings.mtlsAliases),
    issuer: habits.slashedDiscovery ? settings.issuer.replace(/\/?$/, "/") : settings.issuer,
    users: options.users ?? DEFAULT_USERS,
    clients: new Map((options.clients ?? DEFAULT_CLIENTS).map((client) => [client.clientId, client])),
    registrations: new Map(),
    grants: new Map(),
    accessTokens: new Map(),
    refreshTokens: new Map(),
    codes: new Map(),
    pending: new Map(),
    pushed: new Map(),
    seen: new Set(),
    nonces: { server: [randomText()], resource: [randomText()] },
  };
}
