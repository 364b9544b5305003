/**
 * A real OpenID Provider in a process of its own: prints its issuer and runs until its standard input ends. It needs
 * the packages of the checkout's own `deno.json`, not those of the bench.
 *
 * @module
 */

import process from "node:process";
import { startProvider } from "../../../tests/interop/oidc_provider.ts";

const { issuer, close } = await startProvider({ path: "/realms/apex", accessTokenLifetime: 86_400 });
process.stdout.write(`${issuer}\n`);
process.stdin.resume().on("end", async () => {
  await close();
  process.exit(0);
});
