// oidc-provider ships no type declarations; these name the parts of it that the tests touch.
import type { IncomingMessage, ServerResponse } from "node:http";

/** The oidc-provider part of a Koa context. */
export interface ProtocolState {
  readonly client: ClientModel;
  readonly params?: Record<string, string | undefined>;
  readonly requestParamScopes: Set<string>;
  readonly body?: Record<string, string | string[]>;
}

/** A Koa context as far as it is used here. */
export interface Exchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly method: string;
  readonly path: string;
  readonly query: Record<string, string | string[]>;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly oidc?: ProtocolState;
  status: number;
  type: string;
  body: unknown;
  redirect(location: string): void;
}

export type Middleware = (exchange: Exchange, next: () => Promise<void>) => Promise<void>;

export interface ClientModel {
  readonly clientId: string;
  grantTypeAllowed(grantType: string): boolean;
}

export interface GrantModel {
  readonly jti: string;
  addOIDCScope(scope: string): void;
  addOIDCClaims(claims: string[]): void;
  addResourceScope(resource: string, scope: string): void;
  save(): Promise<string>;
}

export interface TokenModel {
  readonly kind: string;
  readonly grantId?: string;
  readonly accountId?: string;
  readonly scopes: Set<string>;
  readonly expiration: number;
  resourceServer?: ResourceServerInfo;
  scope?: string;
  save(): Promise<string>;
}

export interface ResourceServerInfo {
  scope: string;
  audience?: string;
  accessTokenFormat?: "jwt" | "opaque";
  accessTokenTTL?: number;
  jwt?: { sign: { alg: string } };
}

export interface InteractionDetails {
  readonly uid: string;
  readonly prompt: {
    readonly name: string;
    readonly details: {
      readonly missingOIDCScope?: string[];
      readonly missingOIDCClaims?: string[];
      readonly missingResourceScopes?: Record<string, string[]>;
    };
  };
  readonly params: Record<string, string | undefined>;
  readonly session?: { readonly accountId: string };
  readonly grantId?: string;
}

type Model<T> = new (fields: Record<string, unknown>, context?: Record<string, unknown>) => T;

/** The `Provider` class instance as far as it is used here. */
export interface ProviderInstance {
  readonly Grant: Model<GrantModel> & { find(id: string): Promise<GrantModel | undefined> };
  readonly AccessToken: Model<TokenModel>;
  readonly RefreshToken: Model<TokenModel>;
  readonly IdToken: Model<{ scope: string; issue(options: { use: "idtoken" }): Promise<string> }>;
  readonly ResourceServer: new (identifier: string, info: ResourceServerInfo) => ResourceServerInfo;
  use(middleware: Middleware): void;
  on(event: string, listener: (...details: unknown[]) => void): void;
  callback(): (request: IncomingMessage, response: ServerResponse) => void;
  interactionDetails(request: IncomingMessage, response: ServerResponse): Promise<InteractionDetails>;
  interactionResult(
    request: IncomingMessage,
    response: ServerResponse,
    result: Record<string, unknown>,
    options: { mergeWithLastSubmission: boolean },
  ): Promise<string>;
  registerGrantType(name: string, handler: (exchange: Exchange) => Promise<void>, parameters: string[]): void;
}
