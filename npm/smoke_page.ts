/**
 * The package on a page: `deno task npm:smoke` opens it in Chromium, which gets the installed files as they are, by an
 * import map. What came of it is the page's title.
 *
 * @module
 */

import { test } from "./smoke_everywhere.ts";

declare const document: { title: string };

test().then(
  () => document.title = "done",
  (error: unknown) => document.title = `failed: ${error instanceof Error ? error.stack : error}`,
);
