/**
 * `apex-token introspect`: what the server says about a token (RFC 7662).
 *
 * @module
 */

import type { Host } from "../../host/host.ts";
import { introspectToken } from "../../oauth/introspection.ts";
import { profileToken } from "../../profile/profile_token.ts";
import { chooseProfile, signedIn } from "../../profile/signed_in.ts";
import { escapeControls } from "../output/json.ts";
import { readToken } from "../token_input.ts";

/** The options of `introspect`. */
export interface IntrospectCommand {
  readonly tokenFile?: string;
  readonly signed?: boolean;
}

/** Prints the server's answer as JSON. */
export async function introspect(
  host: Host,
  name: string | undefined,
  options: IntrospectCommand,
): Promise<void> {
  const { signal, dispose } = host.interrupt();
  try {
    const profile = chooseProfile(host, name);
    const { issuer, client } = await signedIn(host, profile);
    const token = options.tokenFile === undefined
      ? (await profileToken(host, profile, { signal })).accessToken
      : await readToken(host, options.tokenFile);
    const answer = await introspectToken(issuer, client, token, { signed: options.signed, signal });
    host.answer(escapeControls(JSON.stringify(answer)) + "\n");
  } finally {
    dispose();
  }
}
