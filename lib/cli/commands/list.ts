/**
 * `apex-token list`: the profiles of this person.
 *
 * @module
 */

import { accountFiles } from "../../agent/account_files.ts";
import { isTokenError, type TokenError } from "../../errors.ts";
import type { Host } from "../../host/host.ts";
import type { Profile } from "../../profile/profile.ts";
import { defaultProfileName, profileNames, readProfile } from "../../profile/profile_files.ts";
import { safeText } from "../../safe_text.ts";
import { escapeControls } from "../output/json.ts";
import { report } from "../report.ts";

/** What stands in place of a client that is not known without a password. */
const OIDC_AGENT = "(oidc-agent)";

/** Lists the profiles, the default one marked; a broken one is named on stderr and does not hide the others. */
export function list(host: Host, { json }: { readonly json?: boolean }): void {
  const profiles: Profile[] = [];
  const failures: TokenError[] = [];
  for (const name of profileNames(host)) {
    try {
      profiles.push(readProfile(host, name));
    } catch (error) {
      if (!isTokenError(error)) throw error;
      failures.push(error);
    }
  }
  if (failures.length > 0 && profiles.length === 0) throw failures[0];
  for (const failure of failures) report(host, failure);
  const standard = defaultProfileName(host);
  const accounts = accountsOf(host, profiles);
  if (json) {
    const rows = [...profiles, ...accounts].map(({ name, issuer, clientId, flow, scope }: Row) => ({
      name,
      issuer: issuer || null,
      client_id: clientId === OIDC_AGENT ? null : clientId,
      flow,
      scope: scope ?? null,
      default: name === standard,
    }));
    return host.answer(escapeControls(JSON.stringify({ format_version: 1, profiles: rows })) + "\n");
  }
  if (profiles.length + accounts.length === 0) {
    return host.say(
      "There are no profiles yet.\nMake one: apex-token login NAME --issuer URL --client-id ID",
    );
  }
  const width = Math.max(...[...profiles, ...accounts].map(({ name }) => name.length));
  const lines = [...profiles, ...accounts].map(({ name, issuer, clientId }) => {
    const mark = name === standard ? "*" : " ";
    return `${mark} ${name.padEnd(width)}  ${safeText(issuer)}  ${safeText(clientId, 80)}`.trimEnd();
  });
  host.answer(lines.join("\n") + "\n");
}

/** The accounts of oidc-agent of which there is no profile. What is in their files, their password alone shows. */
function accountsOf(host: Host, profiles: readonly Profile[]): Row[] {
  const files = accountFiles(host);
  const issuers = files.issuers();
  return files.names().filter((name) => !profiles.some((profile) => profile.name === name)).map((name) => ({
    name,
    issuer: issuers.find(({ accounts }) => accounts.includes(name))?.issuer ?? "",
    clientId: OIDC_AGENT,
    flow: "oidc-agent",
  }));
}

/** What a line says. */
type Row = Pick<Profile, "name" | "issuer" | "clientId" | "scope"> & { readonly flow: string };
