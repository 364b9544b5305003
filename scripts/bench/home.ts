/**
 * A home directory in which somebody has signed in.
 *
 * @module
 */

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { SERVICE_SECRET } from "../../tests/interop/provider_clients.ts";
import { run } from "../run.ts";
import { deno, root } from "../toolchain.ts";
import { startServer } from "./processes.ts";

/**
 * Signs a service in, at a real provider that is gone afterwards: a token of this profile comes from the cache alone.
 *
 * @param binary our own program
 * @param folder where the home is made
 * @param runtime a private directory in memory; with it, there is a second profile, `NAME-fast`, with `--fast-cache`
 * @param desktop the variables of a desktop with a keyring; with it, there is a profile `NAME-keyring`
 * @returns the path of the home
 */
export async function signedInHome(
  binary: string,
  folder: string,
  profile: string,
  runtime?: string,
  desktop?: Readonly<Record<string, string>>,
): Promise<string> {
  const home = `${folder}/home`;
  const secretFile = `${home}/secret`;
  await mkdir(home, { mode: 0o700 });
  await writeFile(secretFile, SERVICE_SECRET, { mode: 0o600 });
  const call = async (...args: string[]) => {
    const options = {
      cwd: home,
      env: { HOME: home, PATH: "", ...desktop, XDG_RUNTIME_DIR: runtime ?? "" },
      timeout: 60_000,
    };
    const { code, output } = await run(binary, args, options);
    if (code !== 0) throw new Error(`apex-token ${args[0]} ended with ${code}: ${output.trim()}`);
  };
  // the provider's packages are those of the checkout's own configuration
  const program = ["-c", `${root}deno.json`, `${root}scripts/bench/programs/provider.ts`];
  const provider = await startServer([deno(), "run", "-A", ...program]);
  try {
    const server = ["--issuer", provider.address, "--allow-insecure-loopback"];
    const client = ["--client-id", "apex-service", "--scope", "openid roles", "--secret-file", secretFile];
    const keyFile = ["--protect", "key-file"];
    await call("login", profile, ...server, ...client, ...keyFile);
    if (runtime) await call("login", `${profile}-fast`, ...server, ...client, ...keyFile, "--fast-cache");
    if (desktop) await call("login", `${profile}-keyring`, ...server, ...client, "--protect", "keyring");
    await call("get", profile);
  } finally {
    await provider.close();
  }
  await call("get", profile);
  return home;
}

/** Puts `count` more profiles with their tokens beside one. */
export async function crowd(home: string, profile: string, count: number): Promise<void> {
  const places = [
    [`${home}/.config/apex-token/profiles`, ".json"],
    [`${home}/.local/state/apex-token/tokens`, ".token"],
  ];
  for (const [folder, ending] of places) {
    const bytes = await readFile(`${folder}/${profile}${ending}`);
    for (let number = 0; number < count; number++) {
      await writeFile(`${folder}/crowd-${number}${ending}`, bytes, { mode: 0o600 });
    }
  }
}
