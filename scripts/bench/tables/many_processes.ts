/**
 * Many processes that want the token of one sign-in at the same moment.
 *
 * @module
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runProcess } from "../../../tests/process.ts";
import { bun, deno, node, root } from "../../toolchain.ts";
import { ownBinary } from "../compile.ts";
import { versionsOf } from "../machine.ts";
import { median } from "../measure.ts";
import { personHome, PROFILE } from "../person_home.ts";
import { startRotatingServer } from "../processes.ts";
import { type Line, type Table, US } from "../table.ts";

const LATENCY = 50;
const ROUNDS = 3;

/** Starts them. */
export async function manyProcesses(): Promise<Table> {
  const scratch = await mkdtemp(join(tmpdir(), "apex-token-bench-"));
  const server = await startRotatingServer({ latency: LATENCY, life: 3600 });
  try {
    const binary = await ownBinary();
    const home = await personHome(binary, scratch, server.address, ["--allow-insecure-loopback"]);
    const cli = `${root}cli.ts`;
    const mixed = [[binary], [deno(), "run", "-A", "--cached-only", cli], [bun(), cli], [node(), cli]];
    const refreshes = async (): Promise<number> =>
      (await (await fetch(`${server.address}/requests`)).json()).token ?? 0;

    const measure = async (row: string, commands: readonly (readonly string[])[]): Promise<Line> => {
      const counts: number[] = [];
      const times: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        await home.forget();
        const before = await refreshes();
        const start = performance.now();
        const ended = await Promise.all(
          commands.map(([program, ...args]) =>
            runProcess(program, [...args, "get", PROFILE], {
              env: home.env,
              cwd: home.path,
              timeout: 120_000,
            })
          ),
        );
        times.push(performance.now() - start);
        counts.push(await refreshes() - before);
        const failed = ended.find(({ code }) => code !== 0);
        if (failed) throw new Error(`One of them ended with ${failed.code}: ${failed.stderr}`);
        if (new Set(ended.map(({ stdout }) => stdout)).size > 1) throw new Error("They got different tokens");
      }
      return { row, who: US, values: { "token requests": Math.max(...counts), ms: median(times) } };
    };

    const times = (count: number, commands: readonly (readonly string[])[]) =>
      Array.from({ length: count }, (_, index) => commands[index % commands.length]);
    return {
      name: "many-processes",
      title: "one refresh for many processes that start at once",
      notes: [
        `"get" of one sign-in without a cached token; the server takes ${LATENCY} ms for an answer and each refresh ` +
        `token once. The most requests and the median time of ${ROUNDS} rounds, from the start of the first process ` +
        "to the end of the last: most of it is what the start of so many processes takes on this machine.",
      ],
      versions: versionsOf([US, "Bun", "Deno", "Node"]),
      lines: [
        await measure("200 of the compiled program", times(200, [[binary]])),
        await measure("30 of the compiled program, Deno, Bun and Node", times(30, mixed)),
      ],
    };
  } finally {
    await server.close();
    await rm(scratch, { recursive: true, force: true });
  }
}
