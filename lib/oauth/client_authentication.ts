/**
 * Client authentication methods (RFC 6749 section 2.3, OpenID Connect Core 1.0 section 9).
 *
 * @module
 */

import { TokenError } from "../errors.ts";
import { formEncode, utf8 } from "./_encodings.ts";
import type { Quirks } from "./quirks.ts";

/** A request that is about to be sent, for a {@linkcode ClientAuthentication} to put its proof in. */
export interface AuthenticatedRequest {
  /** The issuer identifier. */
  readonly issuer: string;
  /** The client identifier. */
  readonly clientId: string;
  /** The form parameters; may be added to. */
  readonly parameters: URLSearchParams;
  /** The headers; may be added to. */
  readonly headers: Headers;
  /** What must not come back in an error, besides the form's own secrets; may be added to. */
  readonly secrets: string[];
  /** Where tokens are asked for: the audience that INDIGO IAM wants in an assertion. */
  readonly tokenEndpoint: string;
  /** Which leniencies the server needs. */
  readonly quirks: Quirks;
  /** The time, in epoch seconds. */
  readonly now: number;
}

/**
 * One way for a client to prove who it is. The secret stays inside: nothing of it shows when the object is logged or
 * serialised.
 */
export interface ClientAuthentication {
  /** Its name in `token_endpoint_auth_methods_supported`. */
  readonly method: string;
  /** Puts the proof into a request. */
  readonly apply: (request: AuthenticatedRequest) => void | Promise<void>;
  /** Where a request to an endpoint goes instead (RFC 8705 section 5). Default: to the endpoint. */
  readonly endpoint?: (metadata: Readonly<Record<string, unknown>>, endpoint: string) => unknown;
}

/** A secret, or what gives it at each use: a file that is read again, a secret manager. */
export type SecretSource = string | (() => string | Promise<string>);

/** A public client: `client_id` in the body, never an `Authorization` header. */
export function none(): ClientAuthentication {
  return { method: "none", apply: ({ parameters, clientId }) => parameters.set("client_id", clientId) };
}

/**
 * `client_secret_basic`: identifier and secret form-encoded, then as HTTP Basic.
 *
 * @see RFC 6749 section 2.3.1 and appendix B
 */
export function clientSecretBasic(secret: SecretSource): ClientAuthentication {
  return {
    method: "client_secret_basic",
    apply: async ({ headers, clientId, secrets, quirks }) => {
      const raw = quirks.enabled.includes("basic-raw");
      if (raw) quirks.report("basic-raw");
      const encode = raw ? asUtf8 : formEncode;
      const password = await reveal(secret);
      const credentials = btoa(`${encode(clientId)}:${encode(password)}`);
      secrets.push(password, encode(password), credentials);
      headers.set("authorization", `Basic ${credentials}`);
    },
  };
}

/**
 * `client_secret_post`: identifier and secret in the body.
 *
 * @see RFC 6749 section 2.3.1
 */
export function clientSecretPost(secret: SecretSource): ClientAuthentication {
  return {
    method: "client_secret_post",
    apply: async ({ parameters, clientId }) => {
      parameters.set("client_id", clientId);
      parameters.set("client_secret", await reveal(secret));
    },
  };
}

/**
 * The secret of a {@linkcode SecretSource}.
 *
 * @throws {TokenError} `invalid_argument` when it is empty: an environment variable that is not set, most often
 */
export async function reveal(secret: SecretSource): Promise<string> {
  const value = typeof secret === "function" ? await secret() : secret;
  if (typeof value === "string" && value !== "") return value;
  throw new TokenError("invalid_argument", "Cannot send a request: the client secret is empty");
}

/** The bytes of UTF-8 as the characters that `btoa` takes (RFC 7617 section 2.1). */
function asUtf8(text: string): string {
  return String.fromCharCode(...utf8(text));
}
