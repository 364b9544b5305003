/**
 * Credentials that systemd encrypts for this user on this machine, with its TPM where it has one
 * (`systemd-creds --user`, systemd 256 and newer). It keeps nothing itself.
 *
 * @module
 */

import { TokenError } from "../errors.ts";
import { findExecutable } from "./_executables.ts";
import { runSystemProgram } from "./_system_program.ts";
import type { Keyring, KeyringSurroundings } from "./keyring.ts";

/** Encryption by systemd for this user; its note is the encrypted secret. */
export function systemdCreds(surroundings: KeyringSurroundings): Keyring {
  const { clock } = surroundings;
  const program = findExecutable("systemd-creds", surroundings);

  async function convert(verb: "encrypt" | "decrypt", id: string, input: string): Promise<string> {
    if (program) {
      const args = ["--user", `--name=apex-token-${id}`, verb, "-", "-"];
      const { code, stdout } = await runSystemProgram(program, args, { clock, input });
      if (code === 0 && stdout !== "") return stdout.trim();
    }
    const why = program ? "it refused (it needs systemd 256 or newer)" : "there is no such command here";
    throw new TokenError("key", `Cannot use systemd-creds: ${why}`, {
      nextStep: verb === "encrypt"
        ? "Protect it in another way: --protect key-file or --protect passphrase"
        : "It opens for the same user on the same machine alone; elsewhere, sign in again",
    });
  }

  return {
    title: "systemd-creds",
    state: async () => {
      try {
        return await convert("encrypt", "probe", "x") ? "ready" : "absent";
      } catch {
        return "absent";
      }
    },
    write: (item, secret) => convert("encrypt", item.id, secret),
    read: async ({ id, note }) => note === undefined ? undefined : await convert("decrypt", id, note),
    remove: () => Promise.resolve(),
  };
}
