/**
 * `apex-token list`: the profiles of this person.
 *
 * @module
 */

import { isTokenError, type TokenError } from "../../errors.ts";
import type { Host } from "../../host/host.ts";
import type { Profile } from "../../profile/profile.ts";
import { defaultProfileName, profileNames, readProfile } from "../../profile/profile_files.ts";
import { safeText } from "../../safe_text.ts";
import { escapeControls } from "../output/json.ts";
import { report } from "../report.ts";

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
  if (json) {
    const rows = profiles.map(({ name, issuer, clientId, flow, scope }) => ({
      name,
      issuer,
      client_id: clientId,
      flow,
      scope: scope ?? null,
      default: name === standard,
    }));
    return host.answer(escapeControls(JSON.stringify({ format_version: 1, profiles: rows })) + "\n");
  }
  if (profiles.length === 0) {
    return host.say(
      "There are no profiles yet.\nMake one: apex-token login NAME --issuer URL --client-id ID",
    );
  }
  const width = Math.max(...profiles.map(({ name }) => name.length));
  const lines = profiles.map(({ name, issuer, clientId }) => {
    const mark = name === standard ? "*" : " ";
    return `${mark} ${name.padEnd(width)}  ${safeText(issuer)}  ${safeText(clientId, 80)}`;
  });
  host.answer(lines.join("\n") + "\n");
}
