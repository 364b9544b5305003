/**
 * oidc-agent, the original, beside which the command line is measured.
 *
 * @module
 */

import { accessSync, constants } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { makeCertificates } from "../../tests/hostile/certificates.ts";
import { deno, root } from "../toolchain.ts";
import { type Server, startRotatingServer, startServer } from "./processes.ts";
import type { OriginalAgent } from "./programs/original_agent.ts";

/** Its client, from Debian's package oidc-agent-cli. */
export const OIDC_TOKEN = "/usr/bin/oidc-token";

/** A server with TLS that takes each refresh token once. */
export interface TlsServer extends Server {
  /** The file of the authority that signed its certificate. */
  readonly ca: string;
}

/** Starts one; the file of its authority is put into `folder`. */
export async function startTlsServer(folder: string): Promise<TlsServer> {
  const { authority, good } = makeCertificates();
  const ca = `${folder}/ca.pem`;
  await writeFile(ca, authority);
  return { ...await startRotatingServer({ latency: 0, life: 3600, certificate: good }), ca };
}

/** Starts its agent, with an account at `server` unlocked in memory; `undefined` where it is not installed. */
export async function startOriginalAgent(
  folder: string,
  { address, ca }: TlsServer,
): Promise<OriginalAgent & { close(): Promise<void> } | undefined> {
  try {
    accessSync(OIDC_TOKEN, constants.X_OK);
  } catch {
    return undefined;
  }
  const home = `${folder}/agent`;
  await mkdir(home);
  const program = ["-c", `${root}deno.json`, `${root}scripts/bench/programs/original_agent.ts`];
  const running = await startServer([deno(), "run", "-A", ...program, home, address, ca]);
  return { ...JSON.parse(running.address) as OriginalAgent, close: running.close };
}
