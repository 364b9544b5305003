/**
 * The keychain of macOS, through `/usr/bin/security`: the secret goes in on standard input (`security -i`).
 *
 * Any program of the same user that starts `security` may ask for it, as with every key that a command keeps there.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { TokenError } from "../errors.ts";
import { runSystemProgram } from "./_system_program.ts";
import type { Keyring, KeyringItem } from "./keyring.ts";

/** What {@linkcode keychain} needs. */
export interface KeychainOptions {
  readonly clock: Clock;
  /** Default: `/usr/bin/security`. */
  readonly program?: string;
}

const SERVICE = "apex-token";
/** `errSecItemNotFound`, as an exit code. */
const NOT_FOUND = 44;

/** The login keychain of this user. */
export function keychain({ clock, program = "/usr/bin/security" }: KeychainOptions): Keyring {
  const run = (args: readonly string[], input?: string) => runSystemProgram(program, args, { clock, input });
  const at = ({ id }: KeyringItem) => ["-s", SERVICE, "-a", word(id)];

  async function read(item: KeyringItem): Promise<string | undefined> {
    const { code, stdout } = await run(["find-generic-password", ...at(item), "-w"]);
    if (code === 0) return stdout.trimEnd();
    if (code === NOT_FOUND) return undefined;
    throw closed();
  }

  return {
    title: "the keychain",
    state: async () => {
      const { code } = await run(["show-keychain-info"]);
      return code === 0 ? "ready" : code === undefined ? "absent" : "locked";
    },
    read,
    write: async (item, secret) => {
      const label = item.label.replace(/[^\w .:-]/g, "");
      await run(["-i"], `add-generic-password -U ${at(item).join(" ")} -l "${label}" -w ${word(secret)}\n`);
      // what `security -i` ends with says nothing about its commands
      if (await read(item) !== secret) throw closed();
      return undefined;
    },
    remove: async (item) => {
      const { code } = await run(["delete-generic-password", ...at(item)]);
      if (code !== 0 && code !== NOT_FOUND) throw closed();
    },
  };
}

/** A word of `security`'s own command line: letters and digits need no quotes. */
function word(text: string): string {
  if (/^[\w:.-]+$/.test(text)) return text;
  throw new TokenError("internal", "Cannot write that into the keychain");
}

function closed(): TokenError {
  return new TokenError("key", "The keychain is locked, or does not let this program in", {
    nextStep: "Unlock it (security unlock-keychain), and try again",
  });
}
