/**
 * A process that uses a file store as it is told on standard input, one command a line:
 *
 * - `write NUMBER KEY VERSION TEXT` (`-` for no version) answers `NUMBER won VERSION` or `NUMBER lost`
 * - `count KEY TIMES` adds one to the number in KEY, TIMES times, and answers `counted`
 * - `fill KEY` writes without end, and says `filled VERSION` after each write
 *
 * It says `ready` when it can be told something.
 *
 * @module
 */

import process from "node:process";
import { createInterface } from "node:readline";
import { fileStore } from "../../lib/host/file_store.ts";

const store = fileStore(process.argv[2]);
const bytes = (text: string) => new TextEncoder().encode(text);
const say = (line: string) => new Promise((resolve) => process.stdout.write(`${line}\n`, resolve));

async function write(number: string, key: string, version: string, text: string): Promise<void> {
  const won = await store.compareAndSet(key, version === "-" ? undefined : version, bytes(text));
  await say(won === undefined ? `${number} lost` : `${number} won ${won}`);
}

async function count(key: string, times: number): Promise<void> {
  for (let counted = 0; counted < times;) {
    const before = await store.read(key);
    const next = Number(before ? new TextDecoder().decode(before.value) : 0) + 1;
    if (await store.compareAndSet(key, before?.version, bytes(String(next)))) counted++;
  }
  await say("counted");
}

async function fill(key: string): Promise<void> {
  for (;;) {
    const before = await store.read(key);
    const next = Number(before?.version ?? 0) + 1;
    // Its own number, many times over: a mixture of two writes would show.
    await store.compareAndSet(key, before?.version, bytes(`${next} `.repeat(2000)));
    await say(`filled ${next}`);
  }
}

const input = createInterface({ input: process.stdin });
await say("ready");
for await (const line of input) {
  const [command, ...args] = line.split(" ");
  if (command === "write") await write(args[0], args[1], args[2], args[3]);
  if (command === "count") await count(args[0], Number(args[1]));
  if (command === "fill") await fill(args[0]);
}
