/** Takes the lock of its argument and keeps it until its input ends. Says `waiting` when somebody else has it. */

import process from "node:process";
import { systemClock } from "../../../lib/clock.ts";
import { acquireLock } from "../../../lib/host/lock.ts";

const path = process.argv[2];
let isSaid = false;
const done = (): boolean => {
  if (!isSaid) console.log("waiting");
  isSaid = true;
  return false;
};
const lock = await acquireLock(path, { clock: systemClock, done });
console.log("held");
for await (const _chunk of process.stdin);
lock?.release();
