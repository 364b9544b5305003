/**
 * Measures this package beside its peers: `deno task bench [TABLE ...]`.
 *
 * Prints the tables on standard output. A run of all tables also writes `dist/bench.json`, a list of
 * `{table, row, who, value, unit}`, and `docs/benchmarks.md`.
 *
 * The peers are pinned in the `deno.json` beside this file; Deno installs them there when it starts this program.
 *
 * @module
 */

import { mkdir, writeFile } from "node:fs/promises";
import process from "node:process";
import { root } from "../toolchain.ts";
import { machine, watchHost } from "./machine.ts";
import { markdown } from "./markdown.ts";
import { asText, figuresOf, type Table } from "./table.ts";
import { agent } from "./tables/agent.ts";
import { cachedCall } from "./tables/cached_call.ts";
import { callers } from "./tables/callers.ts";
import { expiry } from "./tables/expiry.ts";
import { imports } from "./tables/import.ts";
import { manyProcesses } from "./tables/many_processes.ts";
import { oneRequest } from "./tables/one_request.ts";
import { refresh } from "./tables/refresh.ts";
import { safety } from "./tables/safety.ts";
import { sharing } from "./tables/sharing.ts";
import { size } from "./tables/size.ts";
import { startUp } from "./tables/start_up.ts";

/** Each table by its name, in the order in which they are printed. */
const tables: Readonly<Record<string, () => Promise<Table>>> = {
  size,
  import: imports,
  "cached-call": cachedCall,
  callers,
  "one-request": oneRequest,
  expiry,
  "many-processes": manyProcesses,
  safety,
  refresh,
  sharing,
  "start-up": startUp,
  agent,
};

async function main(names: readonly string[]): Promise<number> {
  const unknown = names.filter((name) => !(name in tables));
  if (unknown.length > 0) {
    console.error(`Cannot measure ${unknown.join(", ")}: the tables are ${Object.keys(tables).join(", ")}`);
    return 2;
  }
  const measured: Table[] = [];
  let failed = 0;
  for (const name of names.length > 0 ? names : Object.keys(tables)) {
    try {
      const withheld = watchHost();
      const found = await tables[name]();
      const table = { ...found, notes: [...found.notes, ...withheld()] };
      measured.push(table);
      console.log(asText(table, machine()));
    } catch (error) {
      failed++;
      console.error(
        `Cannot measure ${name}: ${error instanceof Error ? error.message : String(error)}\n`,
      );
    }
  }
  if (names.length === 0) await write(measured);
  return failed === 0 ? 0 : 1;
}

async function write(measured: readonly Table[]): Promise<void> {
  await mkdir(`${root}dist`, { recursive: true });
  await writeFile(
    `${root}dist/bench.json`,
    JSON.stringify(measured.flatMap(figuresOf), null, 2) + "\n",
  );
  await mkdir(`${root}docs`, { recursive: true });
  await writeFile(`${root}docs/benchmarks.md`, markdown(measured, machine()));
  console.error("Wrote dist/bench.json and docs/benchmarks.md");
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
