/**
 * What it costs to import each library.
 *
 * @module
 */

import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { node } from "../../toolchain.ts";
import { packages, versionsOf } from "../machine.ts";
import { excess, median } from "../measure.ts";
import { packedProject } from "../packed.ts";
import { ask, commandOf } from "../processes.ts";
import type { Answer, Command, Question } from "../programs/start_up.ts";
import { type Line, type Table, US, withRatios } from "../table.ts";

const ROUNDS = 25;
/** How often the memory is read. */
const READINGS = 5;
const EMPTY = "an empty process";

/** Measures the imports. */
export async function imports(): Promise<Table> {
  const peers = Object.keys(packages()).filter((name) => name !== "esbuild" && name !== "valibot");
  const project = await packedProject(peers);
  try {
    const commands: Record<string, Command> = {};
    const memory: Record<string, number> = {};
    for (const [index, who] of [EMPTY, US, ...peers].entries()) {
      const text = who === EMPTY ? "" : `import ${JSON.stringify(who === US ? "@apex/token" : who)};\n`;
      const path = await project.write(`${index}.js`, text);
      commands[who] = { command: [node(), path], cwd: project.path, env: { HOME: tmpdir() } };
      const reading = `${text}console.log(process.memoryUsage.rss());\n`;
      memory[who] = memoryOf(await project.write(`${index}-memory.js`, reading));
    }
    const question: Question = { commands, rounds: ROUNDS };
    const samples = await ask<Answer>(commandOf("Bun", "start_up.ts"), question);
    return {
      name: "import",
      title: "import of the packed module on Node",
      notes: [
        `A process that imports the whole module and ends, above an empty process; this package as "deno task npm" ` +
        `makes it. Medians of ${ROUNDS} rounds. Memory is the resident set after the import, above that of an empty process.`,
      ],
      versions: versionsOf([US, "Node", ...peers]),
      lines: linesOf(samples, memory),
    };
  } finally {
    await project.remove();
  }
}

function linesOf(samples: Answer, memory: Readonly<Record<string, number>>): Line[] {
  const row = "import";
  const empty = samples[EMPTY];
  const lines = Object.keys(memory).filter((who) => who !== EMPTY).map((who) => ({
    row,
    who,
    values: { "ms above empty": excess(samples[who], empty), "MB above empty": memory[who] - memory[EMPTY] },
  }));
  const [own, ...others] = lines;
  others.sort((one, other) => one.values["ms above empty"] - other.values["ms above empty"]);
  const whole = {
    row: EMPTY,
    who: "Node",
    values: { "ms in all": median(empty), "MB in all": memory[EMPTY] },
  };
  return [...withRatios([own, ...others], "ms above empty"), whole];
}

/** MB of 1,000,000 bytes. */
function memoryOf(path: string): number {
  const read = () => Number(execFileSync(node(), [path], { encoding: "utf8" }));
  return median(Array.from({ length: READINGS }, read)) / 1e6;
}
