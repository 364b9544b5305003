/**
 * The original agent (oidc-agent 4.2.6 of Debian), an account in it, and a provider for both.
 *
 * @module
 */

import { join } from "node:path";
import process from "node:process";
import { accountFiles } from "../../../lib/agent/account_files.ts";
import { clientSecretBasic } from "../../../lib/oauth/client_authentication.ts";
import { passwordGrant } from "../../../lib/oauth/grants/password.ts";
import { discover } from "../../../lib/oauth/issuer.ts";
import type { TokenSet } from "../../../lib/oauth/token_set.ts";
import { PASSWORD_USER, type RunningProvider, startProvider } from "../../interop/oidc_provider.ts";
import { type AccountMachine, ORIGINAL } from "../account_machine.ts";

/** The client of the accounts: one with a secret, since the original says `Basic id:` for a public one. */
export const CLIENT = { client_id: "agent-client", client_secret: "agent-client-secret" };

/** A provider with that client. */
export function startAgentProvider(options: { accessTokenLifetime?: number } = {}): Promise<RunningProvider> {
  return startProvider({
    ...options,
    clients: [{
      ...CLIENT,
      redirect_uris: [],
      response_types: [],
      token_endpoint_auth_method: "client_secret_basic",
      grant_types: ["password", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
    }],
  });
}

/** Signs in, and writes the account's file as `oidc-gen` does. */
export async function writeAccount(
  machine: AccountMachine,
  provider: RunningProvider,
  name: string,
  password: string,
): Promise<TokenSet> {
  const issuer = await discover(provider.issuer, { allowInsecureLoopback: true });
  const scope = "openid offline_access storage.read:/";
  const authentication = clientSecretBasic(CLIENT.client_secret);
  const tokens = await passwordGrant(issuer, { clientId: CLIENT.client_id, authentication }, {
    ...PASSWORD_USER,
    scope,
  });
  const account = {
    name,
    // without the slash, 4.x asks a host that is called 127.0.0.1:8080.well-known
    issuer_url: `${provider.issuer}/`,
    device_authorization_endpoint: "",
    daeSetByUser: 0,
    ...CLIENT,
    refresh_token: tokens.refreshToken,
    cert_path: "/etc/ssl/certs/ca-certificates.crt",
    scope,
    auth_scope: scope,
    audience: "",
    redirect_uris: [],
    username: "",
    password: "",
  };
  await accountFiles(machine.host).replace(name, JSON.stringify(account), { password });
  return tokens;
}

/** The original agent. */
export interface OriginalAgent {
  readonly socket: string;
  end(): void;
}

/** Starts it. */
export async function startOriginalAgent(machine: AccountMachine): Promise<OriginalAgent> {
  const socket = join(machine.home, "original.sock");
  const started = await machine.run(`${ORIGINAL}oidc-agent`, ["-a", socket]);
  const pid = Number(/OIDCD_PID=(\d+)/.exec(started.stdout)?.[1]);
  if (!pid) throw new Error(`Cannot start the original agent: ${started.stderr}`);
  return { socket, end: () => void process.kill(pid) };
}
