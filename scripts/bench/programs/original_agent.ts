/**
 * Debian's oidc-agent with an account at a server, started: prints what its clients need as one line of JSON, and runs
 * until its standard input ends. It needs the packages of the checkout's own `deno.json`.
 *
 * Arguments: a folder for its home, the origin of the server, and the file of the authority that signed its certificate.
 *
 * @module
 */

import { mkdir, readFile } from "node:fs/promises";
import process from "node:process";
import { accountFiles } from "../../../lib/agent/account_files.ts";
import { hostAt } from "../../../tests/cli/machine.ts";
import { trustingFetch } from "../../../tests/hostile/trusting_fetch.ts";
import { runProcess } from "../../../tests/process.ts";

/** What its clients need. */
export interface OriginalAgent {
  readonly version: string;
  readonly account: string;
  readonly env: Readonly<Record<string, string>>;
}

const ACCOUNT = "person";
const PASSWORD = "bench";
const [home, origin, ca] = process.argv.slice(2);

await mkdir(`${home}/.oidc-agent`, { recursive: true, mode: 0o700 });
const socket = `${home}/agent.sock`;
const env = { HOME: home, PATH: "/usr/bin:/bin", OIDC_SOCK: socket, PASSWORD };
const run = async (program: string, ...args: string[]) => {
  const result = await runProcess(`/usr/bin/${program}`, args, { env, cwd: home, timeout: 20_000 });
  if (result.code === 0) return result.stdout;
  throw new Error(`${program} ended with ${result.code}: ${result.stderr || result.stdout}`);
};
const account = {
  name: ACCOUNT,
  issuer_url: `${origin}/`,
  device_authorization_endpoint: "",
  daeSetByUser: 0,
  client_id: "service",
  client_secret: "service-secret",
  refresh_token: await firstRefreshToken(),
  cert_path: ca,
  scope: "openid offline_access",
  auth_scope: "openid offline_access",
  audience: "",
  redirect_uris: [],
  username: "",
  password: "",
};
const host = hostAt(home, { environment: (name) => ({ HOME: home })[name] });
await accountFiles(host).replace(ACCOUNT, JSON.stringify(account), { password: PASSWORD });
const pid = Number(/OIDCD_PID=(\d+)/.exec(await run("oidc-agent", "-a", socket))?.[1]);
await run("oidc-add", "--pw-store", "--pw-env=PASSWORD", ACCOUNT);
const version = (await run("oidc-token", "--version")).trim().split("\n")[0];
const answer: OriginalAgent = { version, account: ACCOUNT, env };
process.stdout.write(JSON.stringify(answer) + "\n");
process.stdin.resume().on("end", () => {
  process.kill(pid);
  process.exit(0);
});

async function firstRefreshToken(): Promise<string> {
  const fetch = trustingFetch(await readFile(ca, "utf8"));
  const form = {
    grant_type: "password",
    username: "ada",
    password: "lovelace",
    scope: "openid offline_access",
  };
  const metadata = await (await fetch(`${origin}/.well-known/openid-configuration`, {})).json();
  const answer = await fetch(metadata.token_endpoint, {
    method: "POST",
    headers: {
      authorization: `Basic ${btoa("service:service-secret")}`,
      "content-type": "application/x-www-form-urlencoded",
    },
    body: new URLSearchParams(form).toString(),
  });
  return (await answer.json()).refresh_token;
}
