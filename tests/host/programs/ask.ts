/** Asks what its arguments say and leaves the answers in a file. */

import { writeFileSync } from "node:fs";
import process from "node:process";
import { isTokenError } from "../../../lib/errors.ts";
import { workstation } from "../../../lib/host/host.ts";

const [, , file, ...questions] = process.argv;
writeFileSync(`${file}.pid`, String(process.pid));
const { terminal } = workstation();
const answers: unknown[] = [];
try {
  if (terminal === undefined) throw new Error("nobody can be asked");
  for (const question of questions) {
    if (question === "ask") answers.push(await terminal.ask("Client ID", { default: "public" }));
    if (question === "plain") answers.push(await terminal.ask("Which issuer?"));
    if (question === "secret") answers.push(await terminal.askSecret("Client secret"));
    if (question === "choose") {
      answers.push(await terminal.choose("Where?", ["APEx", "EGI", "IAM"], { default: 1 }));
    }
    if (question === "confirm") answers.push(await terminal.confirm("Really?"));
    if (question === "withdrawn") {
      const controller = new AbortController();
      const asked = terminal.ask("Never mind", { signal: controller.signal });
      controller.abort();
      await asked.catch((error) => answers.push(error.code));
    }
  }
} catch (error) {
  answers.push(isTokenError(error) ? error.code : String(error));
}
writeFileSync(file, JSON.stringify(answers));
