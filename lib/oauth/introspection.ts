/**
 * Token introspection (RFC 7662), with signed answers (RFC 9701).
 *
 * @module
 */

import { processIntrospectionResponse } from "oauth4webapi";
import { untilAborted } from "../http/abort.ts";
import { contentType, readMembers, unusableAnswer } from "./_answer.ts";
import { postForm } from "./_endpoint.ts";
import { verifiedAnswer } from "./_keys.ts";
import { protocolClient } from "./_protocol.ts";
import { type Client, issuerFor } from "./client.ts";
import { asServer, type Issuer } from "./issuer.ts";
import type { TokenHintOptions } from "./revocation.ts";
import { formOf } from "./token_request.ts";

/** What the server says about a token (RFC 7662 section 2.2). */
export interface Introspection {
  /** Whether the token is good now. Nothing else is said of one that is not. */
  readonly active: boolean;
  /** Its scope, separated by blanks. */
  readonly scope?: string;
  /** The client that it was issued to. */
  readonly client_id?: string;
  /** A name for people of the one who signed in. */
  readonly username?: string;
  /** Whom it is about. */
  readonly sub?: string;
  /** Who issued it. */
  readonly iss?: string;
  /** Whom it is for. */
  readonly aud?: string | readonly string[];
  /** When it ends, in epoch seconds. */
  readonly exp?: number;
  /** Whatever else the server says. */
  readonly [member: string]: unknown;
}

/** Options of {@linkcode introspectToken}. */
export interface IntrospectionOptions extends TokenHintOptions {
  /** Asks for a signed answer (RFC 9701) and takes no other. Default: false. A signed one is always verified. */
  signed?: boolean;
}

const SIGNED_TYPE = "application/token-introspection+jwt";

/**
 * Asks the server about a token. The answer is as secret as the token.
 *
 * @throws {TokenError} `invalid_response` when `active` is no boolean, and as every request
 * @see RFC 7662 section 2
 */
export async function introspectToken(
  issuer: Issuer,
  client: Client,
  token: string,
  { hint, signed, signal }: IntrospectionOptions = {},
): Promise<Introspection> {
  const reached = issuerFor(issuer, client);
  const answer = await postForm(reached, client, {
    endpoint: "introspection_endpoint",
    what: "the introspection",
    parameters: formOf({ token, token_type_hint: hint }),
    accept: signed ? SIGNED_TYPE : "application/json",
    signal,
  });
  if (contentType(answer) === SIGNED_TYPE) {
    const who = protocolClient(reached, client);
    const step = (response: Response) => processIntrospectionResponse(asServer(reached), who, response);
    return await untilAborted(() => verifiedAnswer(reached, client, answer, SIGNED_TYPE, step), signal);
  }
  if (signed) throw unusableAnswer("it is not signed");
  const members = readMembers(answer, reached.quirks);
  if (typeof members.active === "boolean") return members as unknown as Introspection;
  throw unusableAnswer('its "active" is no boolean');
}
