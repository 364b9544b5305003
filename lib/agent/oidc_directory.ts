/**
 * The directory of oidc-agent: where it is, and which of its files are accounts.
 *
 * @module
 */

import { existsSync, lstatSync, readdirSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { TokenError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { safeText } from "../safe_text.ts";

/** What oidc-agent does not take for accounts either, and what this program keeps beside them. */
const OTHER_FILES =
  /^\.|^config$|\.(?:config|stats|log|options|moved|tmp|clientconfig\d*)$|[/\\]|^oidc-agent-service\.options$/;

/**
 * The directory of accounts: `OIDC_CONFIG_DIR`, `~/.config/oidc-agent` or `~/.oidc-agent`, whichever is there; where
 * none is, the first that can be made.
 */
export function oidcDirectory(host: Host): string {
  const home = host.environment("HOME") ?? homedir();
  const own = host.environment("OIDC_CONFIG_DIR");
  const candidates = [...(own ? [own] : []), join(home, ".config/oidc-agent"), join(home, ".oidc-agent")];
  return candidates.find(isDirectory) ?? candidates.find((path) => isDirectory(dirname(path))) ??
    candidates[0];
}

/** The directory of the machine's own configuration. */
export function systemOidcDirectory(host: Host): string {
  return host.environment("APEX_TOKEN_OIDC_AGENT_ETC") ?? "/etc/oidc-agent";
}

/** Where this program keeps what belongs to the account files: locks, records, room on the disk. */
export function besideAccounts(host: Host): string {
  return join(oidcDirectory(host), ".apex-token");
}

/** Whether an account can have that name. */
export function isAccountName(name: string): boolean {
  return name !== "" && name.length <= 200 && !OTHER_FILES.test(name) && name.isWellFormed() &&
    !/\p{Cc}/u.test(name);
}

/**
 * The path of an account's file.
 *
 * @throws {TokenError} `invalid_argument` for a name that cannot be an account's
 */
export function accountPath(host: Host, name: string): string {
  if (isAccountName(name)) return join(oidcDirectory(host), name);
  throw new TokenError("invalid_argument", `Cannot use "${safeText(name, 80)}" as the name of an account`, {
    nextStep: "Use letters, digits, dots, hyphens and underscores",
  });
}

/** The names of all accounts, sorted by their bytes. */
export function accountNames(host: Host): string[] {
  const directory = oidcDirectory(host);
  if (!existsSync(directory)) return [];
  return readdirSync(directory).filter((name) => isAccountName(name) && isFile(join(directory, name)))
    .sort((one, other) => one < other ? -1 : 1);
}

function isDirectory(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ||
    (statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false);
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
