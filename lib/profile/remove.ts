/**
 * Forgetting a profile and everything that belongs to it.
 *
 * @module
 */

import type { Host } from "../host/host.ts";
import { sessionHome } from "./session_home.ts";
import {
  defaultProfileName,
  findProfile,
  readProfile,
  removeDefaultProfile,
  removeProfile,
} from "./profile_files.ts";
import { removeCachedTokens } from "./token_cache.ts";

/**
 * Forgets a profile: its session, its access tokens, its file, in this order, so that a failure leaves something to
 * remove again.
 *
 * @throws {TokenError} `unknown_profile`, `storage`
 */
export async function forget(host: Host, name: string): Promise<void> {
  const profile = readProfile(host, name);
  await sessionHome(host, profile).remove();
  removeCachedTokens(host, name);
  const wasDefault = defaultProfileName(host) === name;
  removeProfile(host, name);
  if (wasDefault && !findProfile(host, name)) removeDefaultProfile(host);
}
