/** Waits to be interrupted, and says how. With `linger` it does not end then; with `dispose` it does not wait at all. */

import process from "node:process";
import { isTokenError } from "../../../lib/errors.ts";
import { workstation } from "../../../lib/host/host.ts";

const host = workstation();
const interrupt = host.interrupt();
if (process.argv[2] === "dispose") {
  interrupt.dispose();
  host.answer("disposed\n");
} else {
  host.answer(`${process.pid} waits\n`);
  await host.clock.sleep(60_000, interrupt.signal).catch((error) => {
    host.answer(`${isTokenError(error) ? error.code : "foreign"}: ${(error as Error).message}\n`);
  });
  if (process.argv[2] === "linger") await host.clock.sleep(60_000);
  process.exitCode = 130;
}
