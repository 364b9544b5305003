/**
 * The command line of this package: `deno run -A jsr:@apex/token/cli`, `npx @apex/token`, the binary `apex-token`.
 *
 * @module
 */

import { fastGet } from "./lib/cli/fast_get.ts";

if (!await fastGet()) {
  const { start } = await import("./lib/cli/start.ts");
  await start();
}
