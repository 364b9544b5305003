/**
 * Requests about the accounts themselves: which there are, to load one, to drop one, to delete one.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { fromBase64 } from "../bytes.ts";
import { isTokenError, TokenError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { deleteRegistration } from "../oauth/registration.ts";
import { revokeToken } from "../oauth/revocation.ts";
import { profileNames, readProfile } from "../profile/profile_files.ts";
import type { AccountStore, OpenAccount } from "./account.ts";
import { type AccountConfig, accountOf, sameIssuer } from "./account_config.ts";
import { type AccountServers, clientOfAccount } from "./account_server.ts";
import { configOf, type Holdings, type HoldingTerms } from "./holdings.ts";
import { memoryAccount } from "./memory_account.ts";
import { badRequest, failure, failureOf, flagOf, numberOf, success, textOf, WORDS } from "./replies.ts";
import { rewrite } from "./renewed_sign_in.ts";
import type { AgentReply, AgentRequest } from "./requests.ts";
import { successorOf } from "./successor.ts";

/** What answers need. */
export interface AccountRequestsOptions {
  readonly host: Host;
  readonly store: AccountStore;
  readonly servers: AccountServers;
  readonly holdings: Holdings;
}

type Answer = (request: AgentRequest) => Promise<AgentReply> | AgentReply;

/** The answers, by the request's name. */
export function accountRequests(context: AccountRequestsOptions): Readonly<Record<string, Answer>> {
  const { host, holdings } = context;
  return {
    add: (request) => add(context, request),
    remove: ({ account }) => {
      const name = textOf(account);
      if (!name) return badRequest("account");
      return holdings.remove(name) ? success() : failure(WORDS.notLoaded);
    },
    remove_all: () => {
      holdings.clear();
      return success();
    },
    loaded_accounts: () => success({ info: loadedNames(host, holdings) }),
    account_info: () => success({ info: accountInfo(context) }),
    delete: (request) => remove(context, request),
    delete_client: (request) => deleteClient(context, request),
  };
}

/** The names that a token can be had for without anybody being asked: loaded accounts, and profiles. */
export function loadedNames(host: Host, holdings: Holdings): string[] {
  return [...new Set([...holdings.all().map(({ name }) => name), ...profileNames(host)])];
}

async function add(context: AccountRequestsOptions, request: AgentRequest): Promise<AgentReply> {
  const { holdings } = context;
  const lifetime = numberOf(request.lifetime);
  const terms: HoldingTerms = {
    ...(lifetime !== undefined && lifetime >= 0 ? { lifetime } : {}),
    confirm: flagOf(request.confirm),
    alwaysAllowIdToken: flagOf(request.always_allow_id_token),
  };
  const key = textOf(request.key);
  const name = textOf(request.account);
  try {
    if (name && key) {
      const home = await openWithKey(context.store, name, key);
      await fileSuccessor(context.host, home);
      await holdings.load(home, terms);
      return added(terms);
    }
    if (typeof request.config !== "object" || request.config === null) return badRequest("config");
    const account = accountOf(request.config);
    if (!account.name || !account.clientId) return badRequest("config");
    const home = await openByEntry(context.store, account, request.pw_entry);
    if (home) await fileSuccessor(context.host, home);
    await holdings.load(home ?? await withSuccessor(context.host, account), terms, home !== undefined);
    return added(terms);
  } catch (error) {
    return failureOf(error, name ?? "", "account");
  }
}

/** An account that is held without its file: what a renewal brings is kept for whoever opens the file next. */
async function withSuccessor(host: Host, account: AccountConfig): Promise<OpenAccount> {
  const successor = successorOf(host, account);
  const newest = await successor.read();
  return await memoryAccount({ ...(newest ?? account), name: account.name }, successor.write);
}

/** Puts what was kept for this moment into the file. */
async function fileSuccessor(host: Host, home: OpenAccount): Promise<void> {
  const successor = successorOf(host, await configOf(home));
  const newest = await successor.read();
  if (!newest) return;
  await rewrite(home, (filed) => ({ ...filed, refreshToken: newest.refreshToken, memory: newest.memory }));
  await successor.remove();
}

async function openWithKey(store: AccountStore, name: string, key: string): Promise<OpenAccount> {
  let bytes: Uint8Array;
  try {
    bytes = fromBase64(key);
  } catch {
    throw new TokenError("invalid_argument", "Cannot use the key of the account: it is not base64");
  }
  return await store.open(name, { key: bytes });
}

function added({ lifetime }: HoldingTerms): AgentReply {
  return success(lifetime ? { info: `Lifetime set to ${lifetime} seconds` } : {});
}

/** The kinds of a `pw_entry`, which may come together. */
const [MEMORY, FILE, GPG] = [1, 16, 32];

/**
 * The account's file, where the original's `oidc-add` says what opens it. It never gives a key, and a command that it
 * names is not run: whoever can reach the socket could have any command run here.
 */
async function openByEntry(
  store: AccountStore,
  { name }: AccountConfig,
  entry: unknown,
): Promise<OpenAccount | undefined> {
  const { type, password, pw_file } = (entry ?? {}) as Record<string, unknown>;
  const kinds = numberOf(type) ?? 0;
  try {
    const protection = store.protection(name);
    if (protection === "gpg" && kinds & GPG) return await store.open(name, { gpg: true });
    if (protection !== "password") return undefined;
    const known = kinds & MEMORY ? textOf(password) : kinds & FILE ? firstLineOf(textOf(pw_file)) : undefined;
    return known === undefined ? undefined : await store.open(name, { password: known });
  } catch (error) {
    // the account is here all the same; it is held without its file
    if (isTokenError(error)) return undefined;
    throw error;
  }
}

function firstLineOf(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, "utf8").split("\n")[0];
  } catch {
    return undefined;
  }
}

function accountInfo({ host, store, holdings }: AccountRequestsOptions): Record<string, unknown> {
  const info: Record<string, { pubclient: boolean; accounts?: Record<string, boolean> }> = {};
  const of = (issuer: string) => {
    const key = Object.keys(info).find((one) => sameIssuer(one, issuer)) ?? issuer;
    return info[key] ??= { pubclient: false };
  };
  for (const { issuer, publicClient, accounts } of store.issuers()) {
    const entry = of(issuer);
    entry.pubclient ||= publicClient !== undefined;
    for (const name of accounts) (entry.accounts ??= {})[name] = holdings.get(name) !== undefined;
  }
  for (const { name, issuer } of holdings.all()) (of(issuer).accounts ??= {})[name] = true;
  for (const name of profileNames(host)) {
    const issuer = issuerOfProfile(host, name);
    if (issuer) (of(issuer).accounts ??= {})[name] ??= true;
  }
  return info;
}

function issuerOfProfile(host: Host, name: string): string | undefined {
  try {
    return readProfile(host, name).issuer;
  } catch {
    return undefined;
  }
}

/** Revokes the refresh token and drops the account. */
async function remove(context: AccountRequestsOptions, request: AgentRequest): Promise<AgentReply> {
  const { servers, holdings } = context;
  if (typeof request.config !== "object" || request.config === null) return badRequest("config");
  const account = accountOf(request.config);
  try {
    const issuer = await servers.reach(account);
    const client = await clientOfAccount(account, issuer);
    if (account.refreshToken) {
      await revokeToken(issuer, client, account.refreshToken, { hint: "refresh_token" });
    }
    holdings.remove(account.name);
    return success();
  } catch (error) {
    return failureOf(error, account.name, "account");
  }
}

async function deleteClient({ servers }: AccountRequestsOptions, request: AgentRequest): Promise<AgentReply> {
  const registrationClientUri = textOf(request.registration_client_uri);
  const registrationAccessToken = textOf(request.registration_access_token);
  if (!registrationClientUri || !registrationAccessToken) return badRequest("registration_client_uri");
  try {
    const certPath = textOf(request.cert_path);
    const issuer = await servers.reachBare(registrationClientUri, certPath);
    await deleteRegistration(issuer, {
      clientId: "",
      metadata: {},
      registrationClientUri,
      registrationAccessToken,
    });
    return success();
  } catch (error) {
    return failureOf(error, "", "account");
  }
}
