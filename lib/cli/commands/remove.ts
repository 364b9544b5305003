/**
 * `apex-token remove NAME`: forgets a profile and its sign-in on this machine.
 *
 * @module
 */

import type { Host } from "../../host/host.ts";
import { forget } from "../../profile/remove.ts";

/** Forgets one profile. */
export async function remove(host: Host, name: string): Promise<void> {
  await forget(host, name);
  host.say(`"${name}" and its sign-in are gone from this machine.`);
}
