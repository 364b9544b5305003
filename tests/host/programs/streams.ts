/** Does to the standard streams what its first argument says. */

import process from "node:process";
import { isTokenError } from "../../../lib/errors.ts";
import { workstation } from "../../../lib/host/host.ts";

const host = workstation();
const [, , task, size] = process.argv;
try {
  if (task === "answer") host.answer("x".repeat(Number(size) - 1) + "\n");
  if (task === "say") host.say("for people");
  if (task === "read") host.answer(String((await host.readInput()).length));
  if (task === "look") {
    const { isErrorTerminal, columns, color, terminal } = host;
    host.answer(JSON.stringify({ isErrorTerminal, columns, color, canAsk: terminal !== undefined }));
  }
} catch (error) {
  host.say(isTokenError(error) ? `${error.code}: ${error.message}` : "not a TokenError");
  process.exitCode = 7;
}
