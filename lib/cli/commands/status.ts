/**
 * `apex-token status [NAME]`: how every sign-in stands. Never a secret, and nobody is asked for anything.
 *
 * @module
 */

import { isTokenError, type TokenError } from "../../errors.ts";
import type { Host } from "../../host/host.ts";
import type { Profile } from "../../profile/profile.ts";
import { defaultProfileName, profileNames, readProfile } from "../../profile/profile_files.ts";
import { type SignInStatus, signInStatus } from "../../profile/status.ts";
import { safeText } from "../../safe_text.ts";
import { escapeControls } from "../output/json.ts";
import { person } from "../person.ts";
import { protectionWords } from "../protection.ts";
import { duration, timestamp } from "../times.ts";

interface WholeRow {
  readonly profile: Profile;
  readonly status: SignInStatus;
}

interface BrokenRow {
  readonly name: string;
  readonly problem: TokenError;
}

type Row = WholeRow | BrokenRow;

/** Shows how one profile stands, or each of them; one that is broken does not hide the others. */
export async function status(
  host: Host,
  name: string | undefined,
  { json }: { readonly json?: boolean },
): Promise<void> {
  const rows: Row[] = [];
  for (const one of name === undefined ? profileNames(host) : [name]) rows.push(await rowOf(host, one, name));
  const standard = defaultProfileName(host);
  if (json) {
    const profiles = rows.map((row) => "profile" in row ? facts(row, standard) : broken(row));
    return host.answer(escapeControls(JSON.stringify({ format_version: 1, profiles })) + "\n");
  }
  if (rows.length === 0) {
    return host.say(
      "There are no profiles yet.\nMake one: apex-token login NAME --issuer URL --client-id ID",
    );
  }
  const now = host.clock.now() / 1000;
  const paragraphs = rows.map((row) =>
    "profile" in row ? paragraph(row, standard, now) : `${row.name}\n${line("problem", words(row.problem))}`
  );
  host.answer(paragraphs.join("\n\n") + "\n");
}

/** The profile that was asked for must be there; of all, a broken one is a row like the others. */
async function rowOf(host: Host, name: string, asked: string | undefined): Promise<Row> {
  let profile: Profile;
  try {
    profile = readProfile(host, name);
  } catch (error) {
    if (!isTokenError(error) || asked !== undefined) throw error;
    return { name, problem: error };
  }
  return { profile, status: await signInStatus(host, profile) };
}

function facts({ profile, status }: WholeRow, standard: string | undefined): object {
  const { session, token, problem, fastCopy } = status;
  const scope = session?.scope ?? token?.scope ?? profile.scope;
  return {
    name: profile.name,
    default: profile.name === standard,
    issuer: profile.issuer,
    client_id: profile.clientId,
    flow: profile.flow,
    state: status.state,
    subject: session?.claims?.sub ?? null,
    user: session?.claims ? person(session.claims) : null,
    scopes: scope?.split(/\s+/).filter(Boolean) ?? [],
    access_token: token
      ? {
        ...at("expires", token.expiresAt),
        ...at("renews", status.state === "ended" ? undefined : Math.floor(token.softAt)),
      }
      : null,
    sign_in: session
      ? { ...at("signed_in", session.signedInAt), ...at("expires", session.refreshExpiresAt) }
      : null,
    protected_by: profile.protect,
    also_opened_by: status.alsoOpenedBy,
    kept_in: status.keptIn,
    fast_cache: profile.fastCache ?? false,
    fast_cache_file: fastCopy ?? null,
    problem: problem ? words(problem) : null,
  };
}

function broken({ name, problem }: BrokenRow): object {
  return { name, state: "unusable", problem: words(problem) };
}

/** A time twice: for programs, and for people who read what programs do. */
function at(name: string, seconds: number | undefined): Record<string, number | string | null> {
  return { [`${name}_at`]: seconds ?? null, [name]: seconds === undefined ? null : timestamp(seconds) };
}

function paragraph(
  { profile, status }: WholeRow,
  standard: string | undefined,
  now: number,
): string {
  const { session, token, problem, fastCopy } = status;
  const rows: [string, string | undefined][] = [
    ["sign-in", signInWords(profile, status, now)],
    ["issuer", profile.issuer],
    ["scopes", session?.scope ?? token?.scope ?? profile.scope],
    ["access token", token && tokenWords(token, status.state, now)],
    ["protected by", protectionWords(profile.protect)],
    ["also opened by", alsoWords(profile, status.alsoOpenedBy)],
    ["kept in", status.keptIn.join(", ")],
    ["fast cache", profile.fastCache ? fastCopy ?? "on; there is no bare copy at the moment" : "off"],
    ["problem", problem && words(problem)],
  ];
  const title = profile.name === standard ? `${profile.name} (default)` : profile.name;
  return [title, ...rows.filter(([, text]) => text).map(([label, text]) => line(label, text!))].join("\n");
}

function line(label: string, text: string): string {
  return `  ${(label + ":").padEnd(16)}${safeText(text, 2000)}`;
}

function signInWords(profile: Profile, { state, session }: SignInStatus, now: number): string {
  switch (state) {
    case "signed_in": {
      const who = session!.claims ? person(session!.claims) : `the client ${profile.clientId}`;
      const end = session!.refreshExpiresAt;
      return end === undefined ? who : `${who}, ${until(end, now)}`;
    }
    case "ended":
      return `ended by the server ("${session!.dead!.words}"): apex-token login ${profile.name}`;
    case "signed_out":
      return profile.protect.kind === "memory"
        ? "none: each command asks for it"
        : `none: apex-token login ${profile.name}`;
    case "locked":
      return profile.protect.kind === "passphrase"
        ? `locked: apex-token get ${profile.name} asks for the passphrase, in a terminal`
        : `locked: unlock ${protectionWords(profile.protect)}`;
    case "unusable":
      return "cannot be used";
  }
}

function tokenWords(
  token: NonNullable<SignInStatus["token"]>,
  state: SignInStatus["state"],
  now: number,
): string {
  if (token.expiresAt <= now || state === "ended") return until(token.expiresAt, now);
  return `${until(token.expiresAt, now)}; renewed from ${timestamp(token.softAt)} on`;
}

function alsoWords({ name, protect }: Profile, kinds: readonly string[]): string | undefined {
  if (kinds.length === 0) return undefined;
  return `${kinds.join(", ")}; finish the change: apex-token protect ${name} --protect ${protect.kind}`;
}

function until(seconds: number, now: number): string {
  return seconds > now
    ? `until ${timestamp(seconds)}, ${duration(seconds - now)}`
    : `ended ${timestamp(seconds)}`;
}

function words({ message, nextStep }: TokenError): string {
  return nextStep ? `${message}. ${nextStep}` : message;
}
