/**
 * `oidc-gen`: makes accounts, and changes them.
 *
 * @module
 */

import type { Host } from "../../host/host.ts";
import { safeText } from "../../safe_text.ts";
import { clientCredentialsGrant } from "../../oauth/grants/client_credentials.ts";
import {
  type AccountConfig,
  accountJson,
  accountOf,
  CLIENT_CREDENTIALS,
  NO_MYTOKEN,
} from "../account_config.ts";
import { type AccountClosing, accountFiles } from "../account_files.ts";
import { accountServers, clientOfAccount } from "../account_server.ts";
import { isAccountName } from "../oidc_directory.ts";
import { signIn } from "./_gen_sign_in.ts";
import { askText, flowsOf, type GenWish, wishOf } from "./_gen_wish.ts";
import { givenPassword, newPassword, openAccount, type OpenedByPerson, textOf } from "./_passwords.ts";
import { argumentsOf, ask, askOr, failure, has, misuse, ToolExit, valueOf } from "./_tool.ts";
import type { Arguments } from "./argp.ts";
import { handOver, listAccounts } from "./oidc_add.ts";
import { OIDC_GEN } from "./oidc_gen_options.ts";

/** Runs `oidc-gen`. */
export async function oidcGen(host: Host, args: readonly string[]): Promise<void> {
  const given = argumentsOf(host, OIDC_GEN, args);
  if (given.words.length > 1) throw misuse(OIDC_GEN);
  if (has(given, "mytoken") || has(given, "mytoken-url")) {
    throw failure("mytoken is not supported", NO_MYTOKEN);
  }
  if (has(given, "accounts")) return listAccounts(host);
  const manage = await import("./_gen_manage.ts");
  if (has(given, "print")) return await manage.print(host, given);
  if (has(given, "update")) return await manage.update(host, given);
  const [name] = given.words;
  if (name !== undefined && !isAccountName(name)) {
    throw failure(`"${safeText(name, 80)}" cannot be the name of an account`);
  }
  if (has(given, "rename")) return await manage.rename(host, given, existing(host, name));
  await askOr("Could not connect to oidc-agent", { request: "check" });
  if (has(given, "delete")) return await manage.remove(host, given, existing(host, name));
  if (has(given, "reauthenticate")) return await reauthenticate(host, given, existing(host, name));
  if (has(given, "codeExchange") || has(given, "state")) return await finish(host, given, name);
  await create(
    host,
    given,
    name ?? await askText(host, given, "Enter short name for the account to configure"),
  );
}

function existing(host: Host, name?: string): string {
  if (name === undefined) throw misuse(OIDC_GEN);
  if (accountFiles(host).has(name)) return name;
  throw failure("No account configured with that short name");
}

/** Options that say that there is a client already. */
const MANUAL = ["manual", "file", "client-id", "pub"];

async function create(host: Host, given: Arguments, name: string): Promise<void> {
  const manual = MANUAL.some((key) => has(given, key));
  const onlyAt = has(given, "only-at");
  const isThere = !onlyAt && accountFiles(host).has(name);
  // nobody signs in for nothing: what cannot be saved is not begun
  if (!onlyAt && !has(given, "no-save")) await checkPassword(host, given, name);
  let opened: OpenedByPerson | undefined;
  if (isThere) opened = await openAccount(host, given, name);
  else if (manual && !onlyAt) {
    host.answer("No account exists with this short name. Creating new configuration ...\n");
  }
  const before = opened && manual ? accountOf(JSON.parse(await textOf(opened.account))) : undefined;
  const wish = await wishOf(host, given, name, manual, before);
  const ready = wish.register ? await registered(host, given, wish) : wish;
  if (ready.flows[0] === CLIENT_CREDENTIALS) return await keepService(host, given, ready.account, opened);
  const config = accountJson(ready.account);
  if (onlyAt) {
    const { access_token } = await signIn(host, given, { config, flows: ready.flows, onlyAt });
    return host.answer(`${safeText(String(access_token), 65536)}\n`);
  }
  try {
    const reply = await signIn(host, given, { config, flows: ready.flows });
    await keep(host, given, ready.account, reply.config, opened);
  } catch (error) {
    // a client that nobody will use is not left behind
    if (wish.register) await unregister(ready.account);
    throw error;
  }
}

/** Fails where there is neither an option nor a person to give the password. */
async function checkPassword(host: Host, given: Arguments, name: string): Promise<void> {
  if (host.terminal || has(given, "pw-gpg") || accountFiles(host).protection(name) === "gpg") return;
  if (await givenPassword(host, given) !== undefined) return;
  throw failure(
    "the encryption password is needed, and this is not a terminal",
    "Give it with --pw-file, --pw-cmd or --pw-env, or keep the account in the agent alone with --no-save",
  );
}

/** Writes the account, and loads it. */
async function keep(
  host: Host,
  given: Arguments,
  asked: AccountConfig,
  brought: unknown,
  before?: OpenedByPerson,
): Promise<void> {
  if (typeof brought !== "object" || brought === null) throw failure("Could not get a refresh token");
  const got = accountOf(brought);
  const account: AccountConfig = {
    ...got,
    name: asked.name,
    clientName: asked.clientName,
    scope: got.scope ?? asked.scope,
    registrationAccessToken: asked.registrationAccessToken ?? got.registrationAccessToken,
    registrationClientUri: asked.registrationClientUri ?? got.registrationClientUri,
    others: { ...asked.others, ...got.others },
  };
  if (!has(given, "no-save")) {
    const files = accountFiles(host);
    const closing = await closingOf(host, given, account.name, before);
    const key = await files.replace(account.name, JSON.stringify(accountJson(account)), closing);
    files.assign(account.issuer, account.name);
    const opened = await files.open(account.name, key ? { key } : { gpg: true });
    await handOver(opened, "password" in closing ? closing : {});
  }
  host.answer("Everything setup correctly!\n");
}

/** An account whose client speaks for itself: nobody signs in, and a first token shows that it works. */
async function keepService(
  host: Host,
  given: Arguments,
  asked: AccountConfig,
  before?: OpenedByPerson,
): Promise<void> {
  if (has(given, "only-at")) {
    throw failure(
      "--only-at is for a person's sign-in",
      "Use: apex-token get with APEX_CLIENT_ID and APEX_CLIENT_SECRET",
    );
  }
  if (!asked.clientSecret) throw failure("the flow client_credentials needs a client secret");
  host.answer("Generating account configuration ...\n");
  // what is asked for is the client's own: no ID token, no refresh token
  const scope = asked.scope?.split(" ").filter((word) => word !== "offline_access").join(" ");
  const account = {
    ...asked,
    scope,
    refreshToken: undefined,
    others: { ...asked.others, flow: CLIENT_CREDENTIALS },
  };
  const servers = accountServers(host);
  const issuer = await servers.reach(account);
  await clientCredentialsGrant(issuer, await clientOfAccount(account, issuer), { scope });
  await keep(host, given, account, accountJson(account), before);
}

/** What closes the file: gpg where that was said or did so before, else a password. */
async function closingOf(
  host: Host,
  given: Arguments,
  name: string,
  before?: OpenedByPerson,
): Promise<AccountClosing & { password?: string }> {
  const recipient = valueOf(given, "pw-gpg");
  if (recipient !== undefined) return { recipient };
  if (before && before.password === undefined) {
    const again = accountFiles(host).recipient(name);
    if (again) return { recipient: again };
  }
  return { password: await newPassword(host, given, name, before?.password) };
}

/** Signs in again: everything else stays, the password too. */
async function reauthenticate(host: Host, given: Arguments, name: string): Promise<void> {
  const { account, password } = await openAccount(host, given, name);
  const before = accountOf(JSON.parse(await textOf(account)));
  const config = accountJson({ ...before, memory: {} });
  const { config: brought } = await signIn(host, given, {
    config: { ...config, refresh_token: "" },
    flows: flowsOf(host, given),
  });
  const got = accountOf(brought ?? {});
  if (!got.refreshToken) throw failure("Could not get a refresh token");
  const text = JSON.stringify(accountJson({ ...before, refreshToken: got.refreshToken, memory: got.memory }));
  const files = accountFiles(host);
  const closing: AccountClosing = account.key
    ? { key: account.key }
    : { recipient: files.recipient(name) ?? "" };
  await files.replace(name, text, closing);
  await handOver(await files.open(name, account.key ? { key: account.key } : { gpg: true }), { password });
  host.answer("Everything setup correctly!\n");
}

/** Finishes what a browser began: with the address that it was sent back to, or with the state of that. */
async function finish(host: Host, given: Arguments, name?: string): Promise<void> {
  const uri = valueOf(given, "codeExchange");
  const request = uri === undefined
    ? { request: "state_lookup", state: valueOf(given, "state") }
    : { request: "code_exchange", redirect_uri: uri, from_gen: 1 };
  const reply = await ask(request);
  if (typeof reply.config !== "object" || reply.config === null) {
    throw failure(typeof reply.info === "string" ? safeText(reply.info) : "nobody has signed in yet");
  }
  const account = accountOf(reply.config);
  await keep(host, given, { ...account, name: name ?? account.name }, reply.config);
}

/** Has the server register a client; where it does not, takes the one that everybody may use. */
async function registered(host: Host, given: Arguments, wish: GenWish): Promise<GenWish> {
  const { account, flows } = wish;
  host.answer("Registering Client ...\n");
  const authorization = valueOf(given, "at");
  try {
    const { client } = await ask({
      request: "register",
      config: accountJson(account),
      flow: [...flows],
      ...(authorization ? { authorization } : {}),
    });
    return { ...wish, account: withClient(account, client as Record<string, unknown>) };
  } catch (error) {
    if (!(error instanceof ToolExit)) throw error;
    const settings = accountFiles(host).issuers().find(({ issuer }) => issuer === account.issuer);
    const shared = settings?.publicClient;
    if (!shared) throw error;
    host.say([
      ...error.lines,
      "Dynamic client registration not supported by this issuer.",
      "Try using a public client ...",
    ].join("\n"));
    return {
      ...wish,
      account: { ...account, ...shared, publicClient: true, scope: shared.scope ?? account.scope },
    };
  }
}

/** The registration stays with the account. Truth values do not: 4.2.6 cannot read a file that has them. */
function withClient(account: AccountConfig, client: Record<string, unknown>): AccountConfig {
  const { clientId, clientSecret, registrationAccessToken, registrationClientUri, redirectUris, others } =
    accountOf(client);
  const plain = Object.entries(others).filter(([, value]) => typeof value !== "boolean" && value !== null);
  return {
    ...account,
    clientId,
    clientSecret,
    registrationAccessToken,
    registrationClientUri,
    redirectUris,
    others: { ...account.others, ...Object.fromEntries(plain) },
  };
}

async function unregister(account: AccountConfig): Promise<void> {
  const { registrationAccessToken, registrationClientUri, certPath = "" } = account;
  if (!registrationAccessToken || !registrationClientUri) return;
  await ask({
    request: "delete_client",
    registration_client_uri: registrationClientUri,
    registration_access_token: registrationAccessToken,
    cert_path: certPath,
  }).catch(() => {});
}
