/**
 * An account as the session that the refresh protocol works on, and back.
 *
 * @module
 */

import type { ServerMetadata } from "../oauth/issuer.ts";
import type { Session } from "../session/session.ts";
import { type AccountConfig, accountJson, type AccountMemory, accountOf } from "./account_config.ts";

/** A session that still knows the account that it was. */
export interface AccountSession extends Session {
  readonly account: AccountConfig;
}

/** The session of an account. Its refresh token goes to the token endpoint that was there at sign-in, and no other. */
export function sessionOfAccount(account: AccountConfig, metadata: ServerMetadata): AccountSession {
  const { tokenEndpoint, signedInAt = 0, receivedAt, rotation, alternatives, dead } = account.memory;
  return {
    format: 1,
    issuer: metadata.issuer,
    clientId: account.clientId,
    metadata: tokenEndpoint ? { ...metadata, token_endpoint: tokenEndpoint } : metadata,
    signedInAt,
    ...(account.refreshToken ? { refreshToken: account.refreshToken } : {}),
    ...(account.clientSecret ? { clientSecret: account.clientSecret } : {}),
    ...(account.scope ? { scope: account.scope } : {}),
    ...(receivedAt === undefined ? {} : { receivedAt }),
    ...(rotation ? { rotation } : {}),
    ...(alternatives ? { alternatives } : {}),
    ...(dead ? { dead } : {}),
    account,
  };
}

/** The account that a session became. */
export function accountOfSession(session: Session): AccountConfig {
  const { account } = session as AccountSession;
  const { signedInAt, receivedAt, rotation, alternatives, dead } = session;
  const { tokenEndpoint } = account.memory;
  const memory = {
    tokenEndpoint,
    signedInAt: signedInAt || undefined,
    receivedAt,
    rotation,
    alternatives,
    dead,
  };
  return { ...account, refreshToken: session.refreshToken, memory: withoutGaps(memory) };
}

function withoutGaps(memory: AccountMemory): AccountMemory {
  return Object.fromEntries(Object.entries(memory).filter(([, value]) => value !== undefined));
}

/** The text of an account, as its file has it. */
export function accountText(account: AccountConfig): string {
  return JSON.stringify(accountJson(account));
}

/** An account from the bytes of that text. */
export function accountOfBytes(bytes: Uint8Array): AccountConfig {
  return accountOf(JSON.parse(new TextDecoder().decode(bytes)));
}
