/**
 * What `oidc-gen` is to make: from options, from a file, from an account that is changed, and from a person.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import process from "node:process";
import type { Host } from "../../host/host.ts";
import { safeText } from "../../safe_text.ts";
import { type AccountConfig, accountOf, sameIssuer } from "../account_config.ts";
import { accountFiles } from "../account_files.ts";
import { issuersToChoose } from "../known_issuers.ts";
import { ask, failure, has, valueOf, valuesOf } from "./_tool.ts";
import type { Arguments } from "./argp.ts";

/** What to make. */
export interface GenWish {
  /** The account as it is so far. */
  readonly account: AccountConfig;
  /** The flows to try, in their order. */
  readonly flows: readonly string[];
  /** Whether a client has to be registered first. */
  readonly register: boolean;
}

const FLOWS = ["code", "device", "password", "refresh", "client_credentials"];

/**
 * @param before the account that is changed
 * @param manual whether there is a client already
 */
export async function wishOf(
  host: Host,
  given: Arguments,
  name: string,
  manual: boolean,
  before?: AccountConfig,
): Promise<GenWish> {
  const flows = flowsOf(host, given);
  const file = accountInFile(given);
  const start = { ...before, ...withoutGaps(file ?? {}), ...withoutGaps(fromOptions(given)) };
  const issuer = slashed(start.issuer || await askIssuer(host, given, name));
  const settings = accountFiles(host).issuers().find((one) => sameIssuer(one.issuer, issuer));
  const certPath = start.certPath ?? settings?.certPath;
  const reached = {
    ...start,
    certPath,
    issuer,
    configurationEndpoint: start.configurationEndpoint ?? settings?.configurationEndpoint,
  };
  const shared = manual && !start.clientId && has(given, "pub") ? settings?.publicClient : undefined;
  if (manual && !start.clientId && has(given, "pub") && !shared) {
    throw failure("Could not find a public client for this issuer.");
  }
  const clientId = manual
    ? start.clientId || shared?.clientId || await askText(host, given, "Client_id")
    : "";
  const clientSecret = start.clientSecret ?? shared?.clientSecret ??
    await askSecretOfClient(host, given, manual);
  const scope = await scopeOf(host, given, { ...reached, scope: start.scope ?? shared?.scope });
  const password = await passwordFlow(host, given, flows, start);
  return {
    flows,
    register: !manual,
    account: {
      redirectUris: flows.includes("code") && manual ? DEFAULT_REDIRECTS : [],
      memory: {},
      others: {},
      ...reached,
      ...password,
      name,
      clientId,
      clientSecret: clientSecret || undefined,
      clientName: `oidc-agent:${name}-${valueOf(given, "cnid") ?? hostname()}`,
      scope,
      publicClient: start.publicClient || shared !== undefined,
      deviceAuthorizationEndpoint: start.deviceAuthorizationEndpoint ?? settings?.deviceAuthorizationEndpoint,
    },
  };
}

const DEFAULT_REDIRECTS = ["http://localhost:8080", "http://localhost:4242", "http://localhost:43985"];

/** What oidc-agent 4 writes, and puts a path behind without looking. */
function slashed(issuer: string): string {
  return issuer.endsWith("/") ? issuer : `${issuer}/`;
}

/** The flows to try: those that were asked for; else the browser where there is one, and a device code. */
export function flowsOf(host: Host, given: Arguments): string[] {
  const named = valuesOf(given, "flow").flatMap((flow) => flow.split(/[\s,]+/)).filter(Boolean);
  const unknown = named.find((flow) => !FLOWS.includes(flow));
  if (unknown !== undefined) throw failure(`Unknown flow '${safeText(unknown, 80)}'`);
  if (named.length > 0) return named;
  if (has(given, "rt") || has(given, "rt-env")) return ["refresh"];
  return host.browser().available ? ["code", "device"] : ["device"];
}

function fromOptions(given: Arguments): Partial<AccountConfig> {
  const variable = valueOf(given, "rt-env") ?? "OIDC_REFRESH_TOKEN";
  const refreshToken = valueOf(given, "rt") ?? (has(given, "rt-env") ? process.env[variable] : undefined);
  const scopes = [...valuesOf(given, "scope"), ...(has(given, "scope-max") ? ["max"] : [])].join(" ");
  const dae = valueOf(given, "dae");
  return {
    issuer: valueOf(given, "issuer"),
    clientId: valueOf(given, "client-id"),
    clientSecret: valueOf(given, "client-secret"),
    scope: scopes || undefined,
    audience: valueOf(given, "aud"),
    certPath: valueOf(given, "cp"),
    configurationEndpoint: valueOf(given, "configuration-endpoint"),
    ...(dae ? { deviceAuthorizationEndpoint: dae, ownDeviceAuthorizationEndpoint: true } : {}),
    oauth: has(given, "oauth2") || undefined,
    redirectUris: redirectsOf(given),
    username: valueOf(given, "op-username"),
    password: valueOf(given, "op-password"),
    refreshToken,
  };
}

/** An empty one means that there are none, and nobody is asked. */
function redirectsOf(given: Arguments): string[] | undefined {
  if (!has(given, "redirect-uri") && !has(given, "port")) return undefined;
  const ports = valuesOf(given, "port").map((port) => `http://localhost:${port}`);
  const uris = valuesOf(given, "redirect-uri").flatMap((uri) => uri.split(/\s+/)).filter(Boolean);
  return [...uris, ...ports].map(checkedRedirect);
}

function checkedRedirect(uri: string): string {
  if (/^edu\.kit\.data\.oidc-agent:\//.test(uri)) return uri;
  const port = Number(/^http:\/\/localhost:(\d{1,5})(?:\/.*)?$/.exec(uri)?.[1]);
  if (port >= 1024 && port <= 49151) return uri;
  throw failure(
    `${safeText(uri)} is not a valid redirect_uri`,
    "It is http://localhost:PORT with a port from 1024 to 49151, or edu.kit.data.oidc-agent:/…",
  );
}

/** The client of `-f FILE`: the server's own answer to a registration, or an account. */
function accountInFile(given: Arguments): Partial<AccountConfig> | undefined {
  const file = valueOf(given, "file");
  if (file === undefined) return undefined;
  try {
    const { name: _name, redirectUris, ...account } = accountOf(JSON.parse(readFileSync(file, "utf8")));
    return { ...account, ...(redirectUris.length > 0 ? { redirectUris } : {}) };
  } catch {
    throw failure(`could not read the client configuration in ${safeText(file, 400)}`);
  }
}

function withoutGaps<T extends object>(value: T): Partial<T> {
  const said = Object.entries(value).filter(([, one]) => one !== undefined && one !== "");
  return Object.fromEntries(said) as Partial<T>;
}

/** Asks a person for a line. */
export async function askText(
  host: Host,
  given: Arguments,
  question: string,
  preset?: string,
): Promise<string> {
  if (!host.terminal || valueOf(given, "prompt") === "none") {
    throw failure(
      `${question.replace(/ .*/, "")} is needed, and nobody can be asked here`,
      "Give it with an option: oidc-gen --help",
    );
  }
  for (;;) {
    const answer = await host.terminal.ask(question, { default: preset });
    if (answer !== "") return answer;
  }
}

async function askIssuer(host: Host, given: Arguments, name: string): Promise<string> {
  const issuers = issuersToChoose(accountFiles(host).issuers().map(({ issuer }) => issuer));
  const preset = issuers.find((issuer) => issuer.toLowerCase().includes(name.toLowerCase())) ?? issuers[0];
  if (host.terminal && valueOf(given, "prompt") !== "none") {
    issuers.forEach((issuer, index) => host.say(`[${index + 1}] ${safeText(issuer)}`));
  }
  for (;;) {
    const answer = await askText(host, given, "Issuer", preset);
    if (/^\d{1,4}$/.test(answer)) {
      const chosen = issuers[Number(answer) - 1];
      if (chosen) return chosen;
    } else if (URL.canParse(answer) && /^https?:\/\//.test(answer)) return answer;
    host.say(`Please enter a number from 1 to ${issuers.length}, or the URL of an issuer.`);
  }
}

/** A client that somebody registered may have a secret; with `--pub` it has none, and without a terminal neither. */
async function askSecretOfClient(host: Host, given: Arguments, manual: boolean): Promise<string | undefined> {
  if (!manual || has(given, "pub") || !host.terminal || valueOf(given, "prompt") === "none") return undefined;
  return await host.terminal.askSecret("Client_secret");
}

async function scopeOf(host: Host, given: Arguments, account: Partial<AccountConfig>): Promise<string> {
  const asked = account.scope ?? await askScope(host, given, account);
  if (!asked.split(/\s+/).includes("max")) return asked;
  const supported = await supportedScopes(account);
  if (supported === "") {
    throw failure("the server does not say which scopes it has", "Name those that you need with --scope");
  }
  return supported;
}

async function askScope(host: Host, given: Arguments, account: Partial<AccountConfig>): Promise<string> {
  const preset = account.oauth ? "offline_access" : "openid profile offline_access";
  if (!host.terminal || valueOf(given, "prompt") === "none") return preset;
  const supported = await supportedScopes(account);
  if (supported !== "") host.say(`The following scopes are supported: ${safeText(supported, 8000)}`);
  return await askText(host, given, "Scopes or 'max' (space separated)", preset);
}

async function supportedScopes(
  { issuer, certPath, configurationEndpoint }: Partial<AccountConfig>,
): Promise<string> {
  const { info } = await ask({
    request: "scopes",
    issuer,
    cert_path: certPath ?? "",
    config_endpoint: configurationEndpoint ?? "",
  });
  return typeof info === "string" ? info : "";
}

async function passwordFlow(
  host: Host,
  given: Arguments,
  flows: readonly string[],
  { username, password }: Partial<AccountConfig>,
): Promise<Pick<AccountConfig, "username" | "password">> {
  if (!flows.includes("password")) return {};
  const name = username ?? await askText(host, given, "Username");
  if (password !== undefined) return { username: name, password };
  if (!host.terminal) {
    throw failure("Password is needed, and nobody can be asked here", "Give it with --op-password");
  }
  return { username: name, password: await host.terminal.askSecret("Password") };
}
