/**
 * Requests for tokens: `access_token` and `id_token`, by account or by issuer.
 *
 * @module
 */

import { isTokenError, type TokenError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import type { CachedToken } from "../profile/cached_token.ts";
import type { Profile } from "../profile/profile.ts";
import { profileNames, readProfile } from "../profile/profile_files.ts";
import { profileToken } from "../profile/profile_token.ts";
import { safeText } from "../safe_text.ts";
import type { AccountStore } from "./account.ts";
import { sameIssuer } from "./account_config.ts";
import type { TokenWish } from "./account_tokens.ts";
import type { AgentOptions } from "./agent_options.ts";
import { type Holding, type Holdings, settingsOf } from "./holdings.ts";
import type { Person } from "./person.ts";
import { type PeerTerminal, terminalOfAsker } from "./peer_terminal.ts";
import { badRequest, failure, failureOf, notLoaded, numberOf, success, textOf, WORDS } from "./replies.ts";
import type { AgentReply, AgentRequest } from "./requests.ts";
import type { Asker } from "./server.ts";

/** What answers need. */
export interface TokenRequestsOptions {
  readonly host: Host;
  readonly store: AccountStore;
  readonly holdings: Holdings;
  readonly person: Person;
  readonly options: AgentOptions;
}

/** Whoever has the tokens that are asked for. */
type Source =
  | { readonly is: "account"; readonly holding: Holding }
  | { readonly is: "profile"; readonly profile: Profile };

/** Answers requests for tokens. */
export type TokenRequests = (request: AgentRequest, asker: Asker) => Promise<AgentReply>;

/** Makes what answers them. */
export function tokenRequests(context: TokenRequestsOptions): TokenRequests {
  const { host, holdings, person, options } = context;

  async function answer(request: AgentRequest, asker: Asker): Promise<AgentReply> {
    const account = textOf(request.account);
    const issuer = textOf(request.issuer);
    if (!account && !issuer) return badRequest("account or issuer");
    let terminal: PeerTerminal | undefined | null = null;
    // to look for it costs more than a cached answer
    const terminalNow = () =>
      (terminal === null ? (terminal = terminalOfAsker(asker, request, host.clock)) : terminal) ?? undefined;
    const name = account ?? nameOfIssuer(context, issuer!);
    if (name === undefined) return failure(WORDS.notLoaded, `No account of ${safeText(issuer!)} is loaded`);
    const found = await find(context, name, terminalNow, asker.gone);
    if ("status" in found) return found;
    if (!await mayUse(found, request, terminalNow, asker.gone)) return failure(WORDS.forbidden);
    return await tokenOf(found, request, terminalNow, asker.gone);
  }

  async function mayUse(
    source: Source,
    request: AgentRequest,
    terminal: () => PeerTerminal | undefined,
    gone: AbortSignal,
  ): Promise<boolean> {
    const terms = source.is === "account" ? source.holding.terms : {};
    const isId = request.request === "id_token";
    const idIsFree = options.alwaysAllowIdToken || terms.alwaysAllowIdToken;
    if (!options.confirm && !terms.confirm && !(isId && !idIsFree)) return true;
    const who = safeText(textOf(request.application_hint) ?? "An application", 80);
    const what = `${isId ? "the ID token" : "an access token"} of '${safeText(nameOf(source), 80)}'`;
    return await terminal()?.confirm(`${who} asks for ${what}. Give it?`, gone) ?? false;
  }

  async function tokenOf(
    source: Source,
    request: AgentRequest,
    terminal: () => PeerTerminal | undefined,
    gone: AbortSignal,
  ): Promise<AgentReply> {
    const wish = wishOf(request);
    try {
      return replyOf(await get(host, source, wish), source, wish);
    } catch (error) {
      if (!canHelp(source, error, terminal)) return failureOf(error, nameOf(source), source.is);
    }
    try {
      if (source.is === "account") await person.signInAgain(source.holding, terminal()!, gone);
      return replyOf(await get(host, source, { ...wish, force: false }), source, wish);
    } catch (error) {
      return failureOf(error, nameOf(source), source.is);
    }
  }

  /** A new sign-in begins only where somebody sees it. */
  function canHelp(source: Source, error: unknown, terminal: () => PeerTerminal | undefined): boolean {
    if (!isTokenError(error) || (error as TokenError).code !== "sign_in_required") return false;
    return source.is === "account" && options.reauthenticate !== false && terminal() !== undefined;
  }

  /** An account that is loaded, one that can be, or a profile. */
  async function find(
    { store }: TokenRequestsOptions,
    name: string,
    terminal: () => PeerTerminal | undefined,
    gone: AbortSignal,
  ): Promise<Source | AgentReply> {
    const holding = holdings.get(name);
    if (holding) return { is: "account", holding };
    const protection = protectionOf(store, name);
    if (!protection) return profileNamed(host, name) ?? failure(WORDS.unknown);
    if (options.autoload === false) return notLoaded(name);
    try {
      const loaded = protection === "gpg"
        ? await holdings.load(await store.open(name, { gpg: true }), {})
        : terminal() && await person.unlockFile(name, terminal()!, gone);
      return loaded ? { is: "account", holding: loaded } : notLoaded(name);
    } catch (error) {
      return failureOf(error, name, "account");
    }
  }

  return answer;
}

function protectionOf(store: AccountStore, name: string): ReturnType<AccountStore["protection"]> {
  try {
    return store.protection(name);
  } catch (error) {
    // not even a name
    if (isTokenError(error) && error.code === "invalid_argument") return undefined;
    throw error;
  }
}

function profileNamed(host: Host, name: string): Source | undefined {
  return profileNames(host).includes(name) ? { is: "profile", profile: readProfile(host, name) } : undefined;
}

function nameOf(source: Source): string {
  return source.is === "account" ? source.holding.name : source.profile.name;
}

/** Which account, or profile, is meant by an issuer. */
function nameOfIssuer({ host, store, holdings }: TokenRequestsOptions, issuer: string): string | undefined {
  const loaded = holdings.ofIssuer(issuer);
  if (loaded) return loaded.name;
  const settings = settingsOf(store.issuers(), issuer);
  return settings?.defaultAccount ?? settings?.accounts[0] ?? profileNames(host).find((name) => {
    try {
      return sameIssuer(readProfile(host, name).issuer, issuer);
    } catch {
      return false;
    }
  });
}

function wishOf(request: AgentRequest): TokenWish {
  const seconds = numberOf(request.min_valid_period) ?? 0;
  const isId = request.request === "id_token";
  const [scope, audience] = isId ? [] : [textOf(request.scope), textOf(request.audience)];
  return {
    ...(scope ? { scope } : {}),
    ...(audience ? { audience } : {}),
    ...(seconds > 0 ? { minValidity: seconds } : {}),
    ...(seconds < 0 ? { force: true } : {}),
    ...(isId ? { idToken: true } : {}),
  };
}

async function get(host: Host, source: Source, wish: TokenWish): Promise<CachedToken> {
  return source.is === "account"
    ? await source.holding.tokens.get(wish)
    : await profileToken(host, source.profile, wish);
}

function replyOf(token: CachedToken, source: Source, wish: TokenWish): AgentReply {
  const issuer = source.is === "account" ? source.holding.issuer : token.issuer;
  if (!wish.idToken) return success({ access_token: token.accessToken, issuer, expires_at: token.expiresAt });
  return token.idToken
    ? success({ id_token: token.idToken, issuer })
    : failure("the server gave no ID token");
}
