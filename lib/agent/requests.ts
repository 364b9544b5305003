/**
 * What clients and the agent say to each other: one JSON object each way for every connection.
 *
 * The requests are those of oidc-agent 4 and 5 (`access_token`, `gen`, `add`, …). Ours beside them, which the original
 * refuses or ignores:
 *
 * | request | members | does |
 * | --- | --- | --- |
 * | `add` | `account` and `key` in place of `config` | opens the account file with the {@linkcode OpenAccount.key}, which the agent holds from then on: a rotated refresh token is written to the file without asking |
 * | any | `terminal` | the caller's terminal (`/dev/pts/3`), where questions and device codes go |
 *
 * So an `oidc-add` opens the file itself, and hands over the key. An `oidc-gen` takes the `config` of the reply, writes
 * the file, and hands over the key in the same way.
 *
 * @module
 */

/** A request: `request` says which, the other members depend on it. */
export interface AgentRequest {
  /** Which one. */
  readonly request: string;
  /** What it needs. */
  readonly [member: string]: unknown;
}

/** A reply. One with `error` is a failure, whatever its status. */
export interface AgentReply {
  /** `success`, `failure`, `accepted`, `NotFound`, `FoundButReceived`. */
  readonly status: string;
  /** What went wrong. */
  readonly error?: string;
  /** Help in a few lines, or the answer to a question about the agent. */
  readonly info?: unknown;
  /** What was asked for. */
  readonly [member: string]: unknown;
}

/**
 * Sends one request to an agent and waits for its reply.
 *
 * @throws {TokenError} `unavailable` when no agent answers, `invalid_response` when what answers is none
 */
export type SendToAgent = (request: AgentRequest) => Promise<AgentReply>;
