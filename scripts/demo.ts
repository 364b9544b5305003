/**
 * A real token from a real server: starts `oidc-provider` in this process, runs the real command line against it, and
 * prints the access token as the last line on standard output. Each step is shown on standard error.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { type RunningProvider, SERVICE_SECRET, startProvider } from "../tests/interop/oidc_provider.ts";

const CLI = new URL("../cli.ts", import.meta.url).pathname;

interface Run {
  readonly out: string;
  readonly err: string;
}

function tell(text: string): void {
  process.stderr.write(text);
}

/** Runs the command line as a user would, in a home of its own. */
function run(home: string, args: readonly string[], onError?: (text: string) => void): Promise<Run> {
  tell(`\n$ apex-token ${args.map((word) => /\s/.test(word) ? `'${word}'` : word).join(" ")}\n`);
  const { PATH = "", DENO_DIR, HOME = "" } = process.env;
  const environment = { PATH, HOME: home, DENO_DIR: DENO_DIR ?? join(HOME, ".cache/deno") };
  return new Promise((resolve, reject) => {
    // everything is there; without the flag Deno asks the registry again each time, and says so in between
    const child = spawn(process.execPath, ["run", "-A", "--cached-only", CLI, ...args], {
      env: environment,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let out = "";
    let err = "";
    child.stdout.on("data", (chunk) => out += chunk);
    child.stderr.on("data", (chunk) => {
      tell(String(chunk));
      onError?.(err += chunk);
    });
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve({ out, err });
      else reject(new Error(`apex-token ${args[0]} ended with ${code}`));
    });
  });
}

/** Approves the sign-in over HTTP, as a person with a browser would, as soon as the page and the code are shown. */
function approver(provider: RunningProvider): { look: (text: string) => void; done: () => Promise<void> } {
  let approval: Promise<void> | undefined;
  return {
    look: (text) => {
      const page = /^ {4}(http\S+)\n/m.exec(text)?.[1];
      const userCode = /enter the code\s+(\S+)\s/.exec(text)?.[1];
      if (page && userCode) approval ??= provider.approveDevice(page, { userCode });
    },
    done: () => approval ?? Promise.reject(new Error("No page to approve was shown")),
  };
}

/** The header and the claims of a JWT. */
function decode(jwt: string): { header: Record<string, unknown>; claims: Record<string, unknown> } {
  const [header, claims] = jwt.split(".").map((part, index) =>
    index < 2 ? JSON.parse(atob(part.replaceAll("-", "+").replaceAll("_", "/"))) : undefined
  );
  return { header, claims };
}

function assertAccessToken(token: string): void {
  const { header, claims } = decode(token);
  if (header.typ !== "at+jwt") throw new Error(`This is no access token: typ is ${header.typ}`);
  tell(`  a JWT access token (typ ${header.typ}) for ${claims.client_id}, scope "${claims.scope}"\n`);
}

async function demo(home: string, provider: RunningProvider): Promise<string> {
  const issuer = ["--issuer", provider.issuer, "--allow-insecure-loopback"];

  tell("\n1. A service signs in with client credentials.\n");
  const secretFile = join(home, "client-secret");
  writeFileSync(secretFile, SERVICE_SECRET + "\n", { mode: 0o600 });
  const service = ["--client-id", "apex-service", "--scope", "openid roles", "--secret-file", secretFile];
  await run(home, ["login", "service", ...issuer, ...service]);
  assertAccessToken((await run(home, ["get", "service"])).out);

  tell("\n2. A person signs in with a device code; the approval is done over HTTP, as a browser would.\n");
  const approval = approver(provider);
  const client = ["--client-id", "project-a-catalogue-dev-api", "--flow", "device"];
  await run(home, ["login", "apex", ...issuer, ...client], approval.look);
  await approval.done();
  const first = (await run(home, ["get", "apex"])).out;
  assertAccessToken(first);

  tell("\n3. The refresh token brings a new one.\n");
  const renewed = (await run(home, ["get", "apex", "--force"])).out;
  assertAccessToken(renewed);
  if (renewed === first) throw new Error("The token was not renewed");
  return renewed;
}

const home = mkdtempSync(join(tmpdir(), "apex-token-demo-"));
const provider = await startProvider({ path: "/realms/apex", interval: 1 });
tell(`A real OpenID Provider (oidc-provider) runs at ${provider.issuer}\n`);
try {
  const token = await demo(home, provider);
  tell("\nThe last line is the access token:\n");
  process.stdout.write(token);
} finally {
  await provider.close();
  rmSync(home, { recursive: true, force: true });
}
