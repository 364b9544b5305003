/**
 * `apex-token completion`: what makes a shell complete; and `apex-token __complete`: what such a shell asks.
 *
 * @module
 */

import type { Command } from "commander";
import type { Host } from "../../host/host.ts";
import { profileNames } from "../../profile/profile_files.ts";
import { providers } from "../../providers.ts";
import { safeText } from "../../safe_text.ts";
import { complete } from "../completion.ts";
import { type Shell, shells } from "../shells/mod.ts";

/** Prints the script of a shell. */
export function completion(host: Host, shell: Shell): void {
  host.answer(shells[shell]);
}

/** Answers a shell that asks what could come next; nobody reads an error there. */
export function answerShell(host: Host, root: Command, [current = "=", ...before]: readonly string[]): void {
  const found = complete(root, before, current.replace(/^=/, ""), {
    profiles: () => profileNames(host),
    issuers: () => providers.map(({ name, title }) => ({ word: name, meaning: title })),
  });
  if (found === "file") return host.answer("file\n");
  const lines = found.words.map(({ word, meaning }) => meaning ? `${word}\t${safeText(meaning)}` : word);
  host.answer(["words", ...lines].join("\n") + "\n");
}
