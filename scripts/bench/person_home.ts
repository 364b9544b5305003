/**
 * A home in which a person has signed in, at a server that takes each refresh token once.
 *
 * @module
 */

import { mkdir, rm } from "node:fs/promises";
import { homedir } from "node:os";
import process from "node:process";
import { runProcess } from "../../tests/process.ts";
import { compileCaches } from "../toolchain.ts";

/** The profile in it. */
export const PROFILE = "person";

/** A home. */
export interface PersonHome {
  readonly path: string;
  /** The environment of whatever runs there. */
  readonly env: Readonly<Record<string, string>>;
  /** Forgets the access tokens, so that the next `get` needs the server. */
  forget(): Promise<void>;
}

/**
 * Signs in.
 *
 * @param more further options of `login`
 */
export async function personHome(
  binary: string,
  folder: string,
  origin: string,
  more: readonly string[] = [],
): Promise<PersonHome> {
  const path = `${folder}/person`;
  await mkdir(path, { mode: 0o700 });
  const env = {
    HOME: path,
    PATH: "/usr/bin:/bin",
    DENO_DIR: process.env.DENO_DIR ?? `${homedir()}/.cache/deno`,
    DENO_NO_UPDATE_CHECK: "1",
    ...compileCaches,
  };
  const who = ["--client-id", "app", "--flow", "password", "--username", "ada", "--password-file", "-"];
  const args = ["login", PROFILE, "--issuer", origin, "--protect", "key-file", ...who, ...more];
  const { code, stderr } = await runProcess(binary, args, { env, cwd: path, stdin: "lovelace" });
  if (code !== 0) throw new Error(`apex-token login ended with ${code}: ${stderr}`);
  const tokens = `${path}/.local/state/apex-token/tokens`;
  return { path, env, forget: () => rm(tokens, { recursive: true, force: true }) };
}
