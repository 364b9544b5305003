/**
 * A client of an oidc-agent, ours or the original: access tokens by account or by issuer.
 *
 * ```ts ignore
 * import { agent } from "@apex/token/agent";
 *
 * const { accessToken, expiresAt } = await agent().getTokenResponse("apex_project_a");
 * ```
 *
 * It runs in Deno, Bun and Node.
 *
 * @module
 */

import process from "node:process";
import { TokenError } from "../errors.ts";
import { safeText } from "../safe_text.ts";
import { exchangeMessages } from "./exchange.ts";
import type { AgentReply, AgentRequest, SendToAgent } from "./requests.ts";
import { findSocket, ownUid } from "./sockets.ts";

export type { AgentReply, AgentRequest, SendToAgent };

/** Options of {@linkcode agent}. */
export interface AgentClientOptions {
  /**
   * The path of the socket. Default: `OIDC_SOCK`, and without it the places where `apex-token agent start` and
   * `oidc-agent-service start` put theirs.
   */
  readonly socket?: string;
  /** Whether the messages are encrypted. Default: true, as every client of oidc-agent does. */
  readonly encrypted?: boolean;
  /** How long the agent may take, in milliseconds: it may wait for a person. Default: 330,000. */
  readonly timeout?: number;
  /** Whom the agent names when it asks for a confirmation. Default: none. */
  readonly applicationHint?: string;
}

/** What a token is for. */
export interface AgentTokenOptions {
  /** Scopes to narrow it to, separated by blanks. Default: those of the account. */
  readonly scope?: string;
  /** The API that it is for. */
  readonly audience?: string;
  /** For how long it must still be valid, in seconds. Default: 0. */
  readonly minValidity?: number;
  /** Asks the server even though a good token is at hand. Default: false. */
  readonly force?: boolean;
  /** Ends the wait. */
  readonly signal?: AbortSignal;
}

/** An account by its short name, or whichever account belongs to an issuer. */
export type AccountChoice = string | { readonly account: string } | { readonly issuer: string };

/** An access token of an agent. */
export interface AgentToken {
  /** The access token. */
  readonly accessToken: string;
  /** The issuer as the account has it; oidc-agent 4 puts a slash at its end. */
  readonly issuer: string;
  /** When it ends, in epoch seconds; 0 where the original agent does not know. */
  readonly expiresAt: number;
}

/** A client of one agent. Each call is a connection of its own. */
export interface AgentClient {
  /**
   * An access token.
   *
   * @throws {TokenError} as {@linkcode AgentClient.getTokenResponse}
   */
  getToken(account: AccountChoice, options?: AgentTokenOptions): Promise<string>;
  /**
   * An access token with its issuer and its end.
   *
   * @throws {TokenError} `unavailable` without an agent, `unknown_profile` when it has no such account,
   * `sign_in_required` when the refresh token is dead, `server_refused` in the agent's words, `timeout`, `aborted`
   */
  getTokenResponse(account: AccountChoice, options?: AgentTokenOptions): Promise<AgentToken>;
  /** The short names of the accounts that are loaded. */
  loadedAccounts(): Promise<string[]>;
  /** The accounts that there are, by issuer, and which of them are loaded. */
  accounts(): Promise<Record<string, { publicClient: boolean; accounts: Record<string, boolean> }>>;
  /** Sends any request; a reply that reports a failure is given as it is. */
  request: SendToAgent;
}

/** How long a person may take, and a little more, in milliseconds. */
const TIMEOUT = 330_000;

/** A client of the agent of this person. Nothing is looked for or connected before it is needed. */
export function agent(options: AgentClientOptions = {}): AgentClient {
  const { encrypted = true, timeout = TIMEOUT, applicationHint } = options;

  async function request(message: AgentRequest, signal?: AbortSignal): Promise<AgentReply> {
    const socket = options.socket ??
      findSocket({
        environment: (name) => process.env[name] || undefined,
        uid: ownUid(),
        runtime: runtimeDirectory(),
      });
    return await exchangeMessages(socket, message, { encrypted, timeout, signal });
  }

  async function getTokenResponse(choice: AccountChoice, wish: AgentTokenOptions = {}): Promise<AgentToken> {
    const { scope, audience, minValidity = 0, force, signal } = wish;
    const reply = succeeded(
      await request({
        request: "access_token",
        ...(typeof choice === "string" ? { account: choice } : choice),
        ...(scope ? { scope } : {}),
        ...(applicationHint ? { application_hint: applicationHint } : {}),
        ...(audience ? { audience } : {}),
        min_valid_period: force ? -1 : minValidity,
      }, signal),
    );
    const { access_token: accessToken, issuer, expires_at: expiresAt = 0 } = reply;
    if (typeof accessToken !== "string" || typeof issuer !== "string" || typeof expiresAt !== "number") {
      throw new TokenError("invalid_response", "Cannot use the agent's answer: there is no token in it");
    }
    return { accessToken, issuer, expiresAt };
  }

  return {
    request,
    getTokenResponse,
    getToken: async (choice, wish) => (await getTokenResponse(choice, wish)).accessToken,
    loadedAccounts: async () => {
      const { info } = succeeded(await request({ request: "loaded_accounts" }));
      return Array.isArray(info) ? info.map(String) : [];
    },
    accounts: async () => {
      const { info } = succeeded(await request({ request: "account_info" }));
      const entries = Object.entries((info ?? {}) as Record<string, Record<string, unknown>>);
      return Object.fromEntries(entries.map(([issuer, { pubclient, accounts }]) => [
        issuer,
        { publicClient: pubclient === true, accounts: (accounts ?? {}) as Record<string, boolean> },
      ]));
    },
  };
}

/** Where `apex-token` keeps its sockets: the same as in `host/directories.ts`, which needs a home. */
function runtimeDirectory(): string | undefined {
  const { XDG_RUNTIME_DIR } = process.env;
  return XDG_RUNTIME_DIR?.startsWith("/") ? `${XDG_RUNTIME_DIR}/apex-token` : undefined;
}

/** A reply that is no failure. */
export function succeeded(reply: AgentReply): AgentReply {
  if (reply.error === undefined && reply.status !== "failure") return reply;
  const words = safeText(String(reply.error ?? "no reason given"));
  const nextStep = typeof reply.info === "string"
    ? reply.info.split("\n").map((line) => safeText(line)).join("\n")
    : undefined;
  throw new TokenError(codeOf(words), `The agent says: ${words}`, { nextStep });
}

function codeOf(words: string): TokenError["code"] {
  if (/^(No account configured|account not loaded)/.test(words)) return "unknown_profile";
  if (/^invalid_grant|^sign-in needed/.test(words)) return "sign_in_required";
  if (words === "Agent locked") return "key";
  return "server_refused";
}
