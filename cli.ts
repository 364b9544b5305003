/**
 * The command line of this package: `deno run -A jsr:@apex/token/cli`, `npx @apex/token`, the binary `apex-token`.
 *
 * @module
 */

import { fastGet } from "./lib/cli/fast_get.ts";
import { fastToken } from "./lib/cli/fast_token.ts";

if (!await fastGet()) {
  const heard = await fastToken();
  if (heard !== "printed") {
    const { start } = await import("./lib/cli/start.ts");
    await start(heard);
  }
}
