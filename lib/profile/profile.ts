/**
 * A name for issuer, client, grant and scope. No secrets in it.
 *
 * @module
 */

import * as v from "valibot";
import { TokenError } from "../errors.ts";
import type { OptionalQuirk } from "../oauth/quirks.ts";
import { safeText } from "../safe_text.ts";

const optionalQuirks: readonly OptionalQuirk[] = [
  "issuer-trailing-slash",
  "audience-parameter",
  "basic-raw",
  "assertion-audience-token-endpoint",
];
const flow = v.picklist(["device", "browser", "client-credentials", "password"]);
const text = v.pipe(v.string(), v.minLength(1), v.maxLength(4096));

const protection = v.variant("kind", [
  v.strictObject({ kind: v.literal("key-file"), path: text }),
  v.strictObject({ kind: v.literal("memory") }),
]);

const schema = v.object({
  format: v.literal(1),
  name: text,
  issuer: text,
  clientId: text,
  authentication: v.picklist(["none", "client_secret_basic", "client_secret_post"]),
  flow,
  scope: v.optional(text),
  audience: v.picklist(["audience", "resource", "both", "none"]),
  quirks: v.array(v.picklist(optionalQuirks)),
  redirectUri: v.optional(text),
  secretFile: v.optional(text),
  username: v.optional(text),
  passwordFile: v.optional(text),
  caFile: v.optional(text),
  allowInsecureLoopback: v.optional(v.boolean()),
  protect: protection,
});

/** A name for issuer + client + grant + scope + where its session is kept and what protects it. */
export type Profile = v.InferOutput<typeof schema>;
/** What protects the session of a profile. */
export type Protection = Profile["protect"];

/** Letters, digits, `.`, `_` and `-`; neither `.` nor `-` in front. */
const NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/;

/**
 * @throws {TokenError} `invalid_argument` for a name that cannot be a profile's
 */
export function checkProfileName(name: string): string {
  if (NAME.test(name)) return name;
  throw new TokenError("invalid_argument", `Cannot use "${safeText(name, 80)}" as the name of a profile`, {
    nextStep: "Use up to 64 letters, digits, dots, hyphens and underscores",
  });
}

/**
 * A profile from the text of its file.
 *
 * @throws {TokenError} `storage` when it is broken; the file is left as it is
 */
export function parseProfile(json: string, path: string): Profile {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw broken(path, "it is not JSON");
  }
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  if (typeof value === "object" && value !== null && Number((value as { format?: unknown }).format) > 1) {
    throw broken(path, "it was written by a newer release");
  }
  const [issue] = result.issues;
  throw broken(path, `"${safeText(v.getDotPath(issue) ?? "it", 80)}" is missing or wrong`);
}

function broken(path: string, why: string): TokenError {
  return new TokenError("storage", `Cannot read the profile ${safeText(path, 400)}: ${why}`, {
    nextStep: "Mend or delete that file, then sign in again",
  });
}
