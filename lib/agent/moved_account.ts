/**
 * An account whose sign-in was taken over: what is left of it, out of the way.
 *
 * @module
 */

import { rmSync } from "node:fs";
import type { Host } from "../host/host.ts";
import { writeSharedFile } from "../host/shared_files.ts";
import type { OpenAccount } from "./account.ts";
import { accountFiles } from "./account_files.ts";
import { accountPath } from "./oidc_directory.ts";

/**
 * Writes an account's file without what was taken, gives it the name `NAME.moved`, and takes it out of `issuer.config`.
 * The caller holds its lock.
 *
 * @param config what is left
 */
export async function moveAccountAside(
  host: Host,
  account: OpenAccount,
  config: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { name, sessions } = account;
  const files = accountFiles(host);
  const bytes = new TextEncoder().encode(JSON.stringify(config));
  for (let tries = 0; tries < 10; tries++) {
    const version = (await sessions.read(name))?.version;
    if (await sessions.compareAndSet(name, version, bytes) !== undefined) break;
  }
  const path = accountPath(host, name);
  const raw = files.raw(name);
  if (raw) writeSharedFile(`${path}.moved`, raw);
  rmSync(path, { force: true });
  files.unassign(name);
}
