/**
 * A profile as a test needs one that is about something else.
 *
 * @module
 */

import type { Host } from "../../lib/host/host.ts";
import type { Profile } from "../../lib/profile/profile.ts";
import { defaultKeyPath } from "../../lib/profile/session_home.ts";

/** The profile `p` of the public client `app` at that issuer, with its key in the standard file. */
export function publicProfile(host: Host, issuer: string, more: Partial<Profile> = {}): Profile {
  return {
    format: 1,
    name: "p",
    issuer,
    clientId: "app",
    authentication: "none",
    flow: "device",
    audience: "both",
    quirks: [],
    protect: { kind: "key-file", path: defaultKeyPath(host) },
    ...more,
  };
}
