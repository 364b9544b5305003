/**
 * `apex-token inspect`: what is in a JWT, in words, and whether its issuer signed it.
 *
 * @module
 */

import { isTokenError, TokenError } from "../../errors.ts";
import type { Host } from "../../host/host.ts";
import { discover, type Issuer } from "../../oauth/issuer.ts";
import { unverifiedClaims, unverifiedHeader } from "../../oauth/jwt.ts";
import { verifyJwtSignature } from "../../oauth/jwt_signature.ts";
import { issuerOf, transportOf } from "../../profile/connection.ts";
import { profileToken } from "../../profile/profile_token.ts";
import { chooseProfile, signedIn } from "../../profile/signed_in.ts";
import { providerOf } from "../../providers.ts";
import { safeText } from "../../safe_text.ts";
import { describeClaims } from "../claims.ts";
import { escapeControls } from "../output/json.ts";
import { readToken } from "../token_input.ts";

/** The options of `inspect`. */
export interface InspectCommand {
  readonly tokenFile?: string;
  readonly idToken?: boolean;
  readonly json?: boolean;
  readonly caFile?: string;
  readonly allowInsecureLoopback?: boolean;
}

interface Inspected {
  readonly jwt: string;
  /** The issuer to hold it against: the profile's own, or the one that the token names. */
  readonly issuer: (claims: Record<string, unknown>) => Promise<Issuer>;
}

/** Shows header, claims, roles and times of a JWT, and what became of the check of its signature. */
export async function inspect(host: Host, name: string | undefined, options: InspectCommand): Promise<void> {
  const { signal, dispose } = host.interrupt();
  try {
    const { jwt, issuer } = name === "-" || options.tokenFile !== undefined
      ? await handedIn(host, options, signal)
      : await ofProfile(host, name, options, signal);
    const header = unverifiedHeader(jwt);
    const claims = unverifiedClaims(jwt);
    if (!header || !claims) {
      throw new TokenError("invalid_argument", "This token is no JWT: only the server knows what is in it", {
        nextStep: "Ask the server: apex-token introspect",
      });
    }
    const { signature, wrong } = await check(jwt, () => issuer(claims));
    if (options.json) {
      return host.answer(
        escapeControls(JSON.stringify({ format_version: 1, header, claims, signature })) + "\n",
      );
    }
    const rows = [
      [
        "signature",
        signature.verified
          ? `good: ${signature.issuer} signed it`
          : `${wrong ? "BAD" : "NOT CHECKED"}: ${signature.reason}`,
      ],
      ["algorithm", String(header.alg)],
      ...(header.typ ? [["type", String(header.typ)]] : []),
      ...describeClaims(claims, host.clock.now() / 1000),
    ];
    const width = Math.max(...rows.map(([label]) => safeText(label, 40).length)) + 1;
    const line = ([label, value]: string[]) =>
      `${(safeText(label, 40) + ":").padEnd(width)} ${safeText(value, 2000)}`;
    host.answer(rows.map(line).join("\n") + "\n");
  } finally {
    dispose();
  }
}

async function handedIn(host: Host, options: InspectCommand, signal: AbortSignal): Promise<Inspected> {
  const jwt = await readToken(host, options.tokenFile ?? "-");
  return {
    jwt,
    issuer: async ({ iss }) => {
      if (typeof iss !== "string") throw new TokenError("invalid_response", "it names no issuer");
      return await discover(iss, {
        ...await transportOf(host, options),
        quirks: providerOf(iss).quirks,
        signal,
      });
    },
  };
}

async function ofProfile(
  host: Host,
  name: string | undefined,
  options: InspectCommand,
  signal: AbortSignal,
): Promise<Inspected> {
  const profile = chooseProfile(host, name);
  const token = await profileToken(host, profile, { idToken: options.idToken, signal });
  const issuer = async () => {
    if (profile.protect.kind !== "memory") return (await signedIn(host, profile)).issuer;
    const { metadata } = await discover(profile.issuer, { ...await transportOf(host, profile), signal });
    return await issuerOf(host, profile, metadata);
  };
  return { jwt: options.idToken ? token.idToken! : token.accessToken, issuer };
}

type Signature = { readonly verified: true; readonly issuer: string } | {
  readonly verified: false;
  readonly reason: string;
};

interface Checked {
  readonly signature: Signature;
  /** Whether it was checked and is not the issuer's. */
  readonly wrong: boolean;
}

async function check(jwt: string, find: () => Promise<Issuer>): Promise<Checked> {
  let issuer: Issuer | undefined;
  try {
    issuer = await find();
    await verifyJwtSignature(issuer, jwt);
    return { signature: { verified: true, issuer: issuer.issuer }, wrong: false };
  } catch (error) {
    if (!isTokenError(error)) throw error;
    const reason = error.message.replace(/^Cannot use the server's answer: /, "");
    // an answer that cannot be used says nothing about the token
    const wrong = issuer !== undefined && error.code === "invalid_response" && !error.sent;
    return { signature: { verified: false, reason }, wrong };
  }
}
