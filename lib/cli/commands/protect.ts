/**
 * `apex-token protect NAME --protect …`: changes what protects a sign-in, without a new one.
 *
 * @module
 */

import type { Host } from "../../host/host.ts";
import { usePassphraseFiles } from "../../profile/passphrase.ts";
import { readProfile } from "../../profile/profile_files.ts";
import { protectOtherwise } from "../../profile/protect.ts";
import { safeText } from "../../safe_text.ts";
import { parseProtection, protectionWords } from "../protection.ts";

/** The options of `protect`. */
export interface ProtectCommand {
  readonly protect: string;
  readonly passphraseFile?: string;
  readonly newPassphraseFile?: string;
}

/** Changes what protects one profile. */
export async function protect(host: Host, name: string, options: ProtectCommand): Promise<void> {
  const { signal, dispose } = host.interrupt();
  usePassphraseFiles(host, { present: options.passphraseFile, fresh: options.newPassphraseFile });
  try {
    const profile = readProfile(host, name);
    const wanted = parseProtection(host, options.protect);
    await protectOtherwise(host, profile, wanted, signal);
    host.say(
      `The sign-in of "${name}" is protected by ${safeText(protectionWords(wanted), 1000)} from now on.`,
    );
  } finally {
    dispose();
  }
}
