/**
 * Sends a running agent frames that nobody should send, in pieces: `deno task fuzz:agent [--frames N] [--seed S]`.
 *
 * @module
 */

import process from "node:process";
import { parseArgs } from "node:util";
import { agentMachine } from "../tests/agent/agent_machine.ts";
import { campaign, goodRequest } from "../tests/agent/fuzz.ts";

const { values } = parseArgs({
  options: { frames: { type: "string", default: "1000000" }, seed: { type: "string", default: "1" } },
});
const [frames, seed] = [Number(values.frames), Number(values.seed)];
const place = await agentMachine();
await place.account("good");
const path = await place.listen();
const check = goodRequest(path);
const begun = performance.now();
let checks = 0;
await campaign({
  path,
  frames,
  seed,
  check: async () => {
    await check();
    if (++checks % 50 === 0) process.stderr.write(`${checks * 1000} frames\n`);
  },
});
const seconds = (performance.now() - begun) / 1000;
console.log(`${frames} frames in ${seconds.toFixed(0)} s, and ${checks} good requests were answered`);
place.close();
process.exit(0);
