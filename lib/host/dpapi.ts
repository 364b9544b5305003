/**
 * The Data Protection API of Windows, through PowerShell: it keeps nothing itself, but encrypts for the user who is
 * logged in. The secret goes in and out as base64 on the standard streams.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { TokenError } from "../errors.ts";
import { runSystemProgram } from "./_system_program.ts";
import type { Environment } from "./directories.ts";
import type { Keyring } from "./keyring.ts";

/** What {@linkcode dpapi} needs. */
export interface DpapiOptions {
  readonly clock: Clock;
  readonly environment: Environment;
  /** Default: the PowerShell of the system. */
  readonly program?: string;
}

const script = (verb: "Protect" | "Unprotect") =>
  [
    "$ErrorActionPreference = 'Stop'",
    "Add-Type -AssemblyName System.Security",
    "$given = [Convert]::FromBase64String([Console]::In.ReadToEnd().Trim())",
    `$made = [Security.Cryptography.ProtectedData]::${verb}($given, $null, 'CurrentUser')`,
    "[Console]::Out.Write([Convert]::ToBase64String($made))",
  ].join("; ");

/** Encryption for the Windows user who is logged in; its note is the encrypted secret. */
export function dpapi({ clock, environment, program }: DpapiOptions): Keyring {
  const powershell = program ??
    `${environment("SystemRoot") ?? "C:\\Windows"}\\System32\\WindowsPowerShell\\v1.0\\powershell.exe`;

  async function convert(verb: "Protect" | "Unprotect", base64: string): Promise<string> {
    const args = ["-NoProfile", "-NonInteractive", "-Command", script(verb)];
    const { code, stdout } = await runSystemProgram(powershell, args, {
      clock,
      input: base64,
      patience: 20_000,
    });
    if (code === 0 && /^[\w+/=]+$/.test(stdout.trim())) return stdout.trim();
    throw new TokenError("key", "Windows did not let us use the data protection of this user", {
      nextStep: "Log in to Windows with a password, not over the network, and try again",
    });
  }

  return {
    title: "Windows' data protection",
    state: async () => {
      try {
        return await convert("Protect", "AA==") ? "ready" : "absent";
      } catch {
        return "absent";
      }
    },
    write: (_item, secret) => convert("Protect", btoa(secret)),
    read: async ({ note }) => note === undefined ? undefined : atob(await convert("Unprotect", note)),
    remove: () => Promise.resolve(),
  };
}
