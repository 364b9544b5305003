/**
 * Signing in on a machine of a test, at a provider that runs in the test.
 *
 * @module
 */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { get } from "node:http";
import { join } from "node:path";
import type { ProcessOptions, ProcessResult, RunningProcess } from "../process.ts";
import { PASSWORD_USER, type RunningProvider, SERVICE_SECRET } from "../interop/oidc_provider.ts";
import type { Machine } from "./machine.ts";

/** The options that lead to a provider. */
export function at(provider: { readonly issuer: string }): string[] {
  return ["--issuer", provider.issuer, "--allow-insecure-loopback"];
}

/** The quickest way to a person's sign-in with a refresh token: the password grant. */
export async function signIn(machine: Machine, provider: RunningProvider, name: string, more: string[] = []) {
  const args = ["--client-id", "password-client", "--flow", "password", "--username", PASSWORD_USER.username];
  return done(
    await machine.run(["login", name, ...at(provider), ...args, "--password-file", "-", ...more], {
      stdin: PASSWORD_USER.password,
    }),
  );
}

/** A profile with client credentials; the secret is in a file. */
export async function signInService(
  machine: Machine,
  provider: RunningProvider,
  name: string,
  more: string[] = [],
) {
  const file = join(machine.home, "client-secret");
  writeFileSync(file, SERVICE_SECRET + "\n", { mode: 0o600 });
  const args = ["--client-id", "apex-service", "--secret-file", file];
  return done(await machine.run(["login", name, ...at(provider), ...args, ...more]));
}

/** A device sign-in that has shown its page and its code. */
export interface Shown {
  readonly running: RunningProcess;
  readonly page: string;
  readonly userCode: string;
}

/** Starts a device sign-in and waits until a person could read what to do. */
export async function startDevice(
  machine: Machine,
  provider: { readonly issuer: string },
  name: string,
  more: string[] = [],
  options?: ProcessOptions,
): Promise<Shown> {
  const args = ["--client-id", "project-a-catalogue-dev-api", "--flow", "device", ...more];
  const running = machine.start(["login", name, ...at(provider), ...args], options);
  const [, page] = await running.waitFor("stderr", /^ {4}(http\S+)\n/m);
  const [, userCode] = await running.waitFor("stderr", /enter the code +(\S+) /);
  return { running, page, userCode };
}

/** Signs in with a device code that somebody approves. */
export async function signInOnDevice(
  machine: Machine,
  provider: RunningProvider,
  name: string,
  more: string[] = [],
): Promise<ProcessResult> {
  const { running, page, userCode } = await startDevice(machine, provider, name, more);
  await provider.approveDevice(page, { userCode });
  return done(await running.ended);
}

/** Opens a page as a browser does on its way back. What `fetch` of Node says of itself, the listener turns away. */
export function arrive(url: string): Promise<void> {
  const headers = { "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" };
  return new Promise((resolve, reject) => {
    get(url, { headers, agent: false }, (answer) => answer.resume().on("end", resolve)).on("error", reject);
  });
}

/** What a command that went well said. */
export function done(result: ProcessResult): ProcessResult {
  assert.equal(result.code, 0, result.stderr);
  return result;
}

/** What a command that could not be carried out said: nothing on stdout, one sentence and the next step on stderr. */
export function refused(result: ProcessResult, code: number, ...patterns: RegExp[]): ProcessResult {
  assert.equal(result.stdout, "");
  assert.equal(result.code, code, result.stderr);
  for (const pattern of patterns) assert.match(result.stderr, pattern);
  // deno-lint-ignore no-control-regex
  assert.doesNotMatch(result.stderr, /[\x00-\x08\x0b-\x1f\x7f-\x9f]/, "something that a terminal acts upon");
  assert.doesNotMatch(result.stderr, /^\s+at .*:\d+/m, "a stack");
  return result;
}

/** The two lines of a failure: what happened, and what to do. */
export function sentences({ stderr }: ProcessResult): string[] {
  const lines = stderr.trimEnd().split("\n");
  return lines.slice(lines.findLastIndex((line) => line.startsWith("apex-token: ")));
}
