/**
 * A program of a user: it asks for tokens by `@apex/token/profile` until it is killed, one line of JSON for each.
 *
 * Arguments: the profile, and how often (0 to 1) it calls its token bad.
 *
 * @module
 */

import process from "node:process";
import { isTokenError } from "../../lib/errors.ts";
import { profile } from "../../lib/agent/profile.ts";
import { nameOf } from "./server_events.ts";

const [name, force] = process.argv.slice(2);
const source = profile(name);

for (;;) {
  const began = performance.now();
  const waited = () => Math.round(performance.now() - began);
  let line: Record<string, unknown>;
  try {
    const { accessToken } = await source.get({ force: Math.random() < Number(force) });
    line = { access: nameOf(accessToken), waited: waited() };
  } catch (error) {
    const code = isTokenError(error) ? error.code : "internal";
    line = { error: code, message: String((error as Error).message), waited: waited() };
  }
  process.stdout.write(JSON.stringify(line) + "\n");
  // somebody has to sign in first
  await new Promise((resolve) => setTimeout(resolve, line.error ? 200 : Math.random() * 150));
}
