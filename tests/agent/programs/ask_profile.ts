/**
 * A program of a user: asks `@apex/token/profile` for tokens, one line of JSON for each wish (JSON) among its arguments,
 * the name of the profile first.
 *
 * @module
 */

import process from "node:process";
import { profile } from "../../../lib/agent/profile.ts";
import { isTokenError } from "../../../lib/errors.ts";

const [name, ...wishes] = process.argv.slice(2);
const source = profile(name);
for (const wish of wishes) {
  const line = await source.get(JSON.parse(wish)).then(
    ({ accessToken, expiresAt }) => ({ accessToken, expiresAt }),
    (error) => {
      if (!isTokenError(error)) throw error;
      return { code: error.code, message: error.message, nextStep: error.nextStep };
    },
  );
  process.stdout.write(JSON.stringify(line) + "\n");
}
