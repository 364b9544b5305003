/**
 * A token of an account for `apex-token get`, as if it were a profile: from the agent that holds it, or from its file.
 *
 * @module
 */

import { isTokenError, TokenError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import type { ProfileTokenOptions } from "../profile/profile_token.ts";
import { safeText } from "../safe_text.ts";
import type { AccessToken } from "../session/token_source.ts";
import type { OpenAccount } from "./account.ts";
import { accountOf, sameIssuer } from "./account_config.ts";
import { accountFiles } from "./account_files.ts";
import { accountServers } from "./account_server.ts";
import { accountTokens } from "./account_tokens.ts";
import { agent, type AgentClient } from "./client.ts";
import { isAccountName } from "./oidc_directory.ts";

/** A token with where it is from. */
export interface AccountAnswer {
  readonly token: AccessToken;
  readonly issuer: string;
}

/** How long an agent may take to say what it has where the answer is most likely no, in milliseconds. */
const A_MOMENT = 10_000;

/** Whether there is an account file of that name. */
export function hasAccount(host: Host, name: string): boolean {
  return isAccountName(name) && accountFiles(host).has(name);
}

/** Whether there is an account of that name: in a file here, or in the agent alone, which may be another machine's. */
export async function knowsAccount(host: Host, name: string): Promise<boolean> {
  return hasAccount(host, name) || (isAccountName(name) && await isLoaded(name, A_MOMENT));
}

/**
 * A valid token of an account. Where no agent has it loaded, a person at the terminal is asked for its password.
 *
 * @throws {TokenError} `key` where nobody can be asked, with the command that helps; as `profileToken`
 */
export async function accountAnswer(
  host: Host,
  name: string,
  options: ProfileTokenOptions,
): Promise<AccountAnswer> {
  return await ofAgent(host, name, options) ?? await ofFile(host, name, options);
}

/** From the agent that has it loaded; nothing where none has. */
async function ofAgent(
  host: Host,
  name: string,
  { scope, audience, minValidity, force, idToken, signal }: ProfileTokenOptions,
): Promise<AccountAnswer | undefined> {
  // an ID token is given by the agent for itself, not beside an access token
  if (idToken) return undefined;
  if (!await isLoaded(name)) return undefined;
  const { accessToken, issuer, expiresAt } = await agentOfPerson().getTokenResponse(name, {
    ...(scope ? { scope } : {}),
    ...(audience ? { audience } : {}),
    ...(minValidity === undefined ? {} : { minValidity }),
    ...(force ? { force } : {}),
    ...(signal ? { signal } : {}),
  });
  const issuedAt = Math.floor(host.clock.now() / 1000);
  return { token: { accessToken, tokenType: "Bearer", issuedAt, expiresAt }, issuer };
}

function agentOfPerson(timeout?: number): AgentClient {
  return agent({ applicationHint: "apex-token", ...(timeout === undefined ? {} : { timeout }) });
}

async function isLoaded(name: string, timeout?: number): Promise<boolean> {
  try {
    return (await agentOfPerson(timeout).loadedAccounts()).includes(name);
  } catch (error) {
    if (isTokenError(error)) return false;
    throw error;
  }
}

async function ofFile(host: Host, name: string, options: ProfileTokenOptions): Promise<AccountAnswer> {
  const home = await openByPerson(host, name);
  const stored = await home.sessions.read(name);
  const account = accountOf(JSON.parse(new TextDecoder().decode(stored?.value)));
  const settings = accountFiles(host).issuers().find(({ issuer }) => sameIssuer(issuer, account.issuer));
  const tokens = accountTokens(host, home, accountServers(host), account, settings);
  const { scope, audience, minValidity, force, idToken } = options;
  const token = await tokens.get({ scope, audience, minValidity, force, idToken });
  return { token, issuer: token.issuer };
}

/**
 * Opens an account's file: with gpg, or with the password that a person gives.
 *
 * @throws {TokenError} `key` where nobody can be asked, or after three wrong passwords
 */
export async function openByPerson(host: Host, name: string): Promise<OpenAccount> {
  const files = accountFiles(host);
  if (files.protection(name) === "gpg") return await files.open(name, { gpg: true });
  const shown = safeText(name, 80);
  if (!host.terminal) {
    throw new TokenError("key", `The account "${shown}" is encrypted, and no agent has it loaded`, {
      nextStep:
        `Load it in a terminal: oidc-add ${shown}; or make a profile of it: apex-token import oidc-agent ${shown}`,
    });
  }
  for (let left = 2;; left--) {
    const password = await host.terminal.askSecret(`The password of the account "${shown}"`);
    try {
      return await files.open(name, { password });
    } catch (error) {
      if (!isTokenError(error) || error.code !== "key" || left === 0) throw error;
      host.say("That is not its password.");
    }
  }
}
