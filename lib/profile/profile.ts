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
/** The ways for a client to prove who it is that a profile can have. */
export const authenticationMethods = [
  "none",
  "client_secret_basic",
  "client_secret_post",
  "client_secret_jwt",
  "private_key_jwt",
] as const;

const flow = v.picklist(["device", "browser", "client-credentials", "password"]);
const text = v.pipe(v.string(), v.minLength(1), v.maxLength(4096));

const plain = <const K extends string>(kind: K) => v.strictObject({ kind: v.literal(kind) });
const protection = v.variant("kind", [
  v.strictObject({ kind: v.literal("key-file"), path: text }),
  plain("keyring"),
  plain("passphrase"),
  plain("systemd-creds"),
  plain("memory"),
]);

const schema = v.object({
  format: v.literal(1),
  name: text,
  issuer: text,
  clientId: text,
  authentication: v.picklist(authenticationMethods),
  flow,
  scope: v.optional(text),
  audience: v.picklist(["audience", "resource", "both", "none"]),
  quirks: v.array(v.picklist(optionalQuirks)),
  /** Whether the client is one that this program registered; what the server said of it is in the session. */
  registered: v.optional(v.boolean()),
  redirectUri: v.optional(text),
  secretFile: v.optional(text),
  privateKeyFile: v.optional(text),
  keyId: v.optional(text),
  /** A JWT that somebody else signs and renews, such as a Kubernetes service account's. */
  assertionFile: v.optional(text),
  dpop: v.optional(v.boolean()),
  pushed: v.optional(v.boolean()),
  /** Whether a sign-in that outlives the browser session is asked for; it is, unless this says no. */
  offline: v.optional(v.boolean()),
  /** The account of the password grant; its password is kept nowhere. */
  username: v.optional(text),
  caFile: v.optional(text),
  allowInsecureLoopback: v.optional(v.boolean()),
  protect: protection,
  /** Whether bare copies of access tokens are kept in memory, in the directory of the log-in session. */
  fastCache: v.optional(v.boolean()),
});

/** A name for issuer + client + grant + scope + where its session is kept and what protects it. */
export type Profile = v.InferOutput<typeof schema>;
/** What protects the session of a profile. */
export type Protection = Profile["protect"];

/** Letters, digits, `.`, `_` and `-`; neither `.` nor `-` in front. */
const NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/;

/** Whether a profile can have that name. */
export function isProfileName(name: string): boolean {
  return NAME.test(name);
}

/**
 * @throws {TokenError} `invalid_argument` for a name that cannot be a profile's
 */
export function checkProfileName(name: string): string {
  if (isProfileName(name)) return name;
  throw new TokenError("invalid_argument", `Cannot use "${safeText(name, 80)}" as the name of a profile`, {
    nextStep:
      "Use up to 64 of A to Z, a to z, 0 to 9, dot, hyphen and underscore, with no dot or hyphen in front",
  });
}

/**
 * A profile from the text of its file.
 *
 * @param file whose text it is: the path, and the name of the profile that is looked for
 * @throws {TokenError} `storage` when it is broken; the file is left as it is
 */
export function parseProfile(json: string, file: { readonly path: string; readonly name: string }): Profile {
  const broken = (why: string, nextStep = `Mend that file, or forget it: apex-token remove ${file.name}`) =>
    new TokenError("storage", `Cannot read the profile ${safeText(file.path, 400)}: ${why}`, { nextStep });
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw broken("it is not JSON");
  }
  const result = v.safeParse(schema, value);
  if (!result.success) {
    if (typeof value === "object" && value !== null && Number((value as { format?: unknown }).format) > 1) {
      throw broken("it was written by a newer release", "Install the newest release of apex-token");
    }
    const [issue] = result.issues;
    throw broken(`"${safeText(v.getDotPath(issue) ?? "it", 80)}" is missing or wrong`);
  }
  // sessions and tokens are found by this name: a copied file must not lead to those of another profile
  if (result.output.name !== file.name) {
    throw broken(`it says that its name is "${safeText(result.output.name, 80)}"`);
  }
  return result.output;
}
