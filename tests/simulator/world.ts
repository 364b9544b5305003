/** Time, turns and misfortune: lets one virtual process at a time take one step, and strikes where the seed says so. */

import type { FileCalls } from "../../lib/host/_file_calls.ts";
import { type Disk, systemError, virtualDisk } from "./disk.ts";
import type { Random } from "./random.ts";

/** How often what goes wrong, each from 0 to 1 for one step. */
export interface Misfortune {
  /** A process dies. */
  readonly death: number;
  /** The machine loses its power. */
  readonly powerCut: number;
  /** A process stands still for a while. */
  readonly stop: number;
  /** A call of the disk fails. */
  readonly diskError: number;
  /** The disk is full for a while. */
  readonly fullDisk: number;
  /** The lock no longer keeps others out: somebody has deleted its file. */
  readonly brokenLock: number;
}

/** A virtual process. One that died is never the same again: its successor is another object. */
export interface VirtualProcess {
  readonly name: string;
  dead: boolean;
  stoppedUntil: number;
  /** Where it waits for its turn, and from when on it can have it. */
  waiting?: { readonly at: number; readonly go: () => void };
  /** What it does beside that: when, and what. */
  heart?: { readonly at: number; readonly go: () => void };
  /** The misfortune that strikes at one of its next calls of the disk. */
  trap?: { calls: number; readonly strike: "death" | "power cut" | "disk error" };
  /** How often its disk may still fail: a few failures can be survived, a broken disk cannot. */
  diskErrors: number;
  readonly files: FileCalls;
}

/** What a simulation happens in. */
export interface World {
  readonly random: Random;
  readonly disk: Disk;
  /** Milliseconds since the epoch. */
  now(): number;
  trace(line: string): void;
  /** Starts a process; when it dies, another one is started in its place. */
  start(name: string, life: (process: VirtualProcess) => Promise<void>, at: number): void;
  /** Waits for a turn, not before `at`. A dead process waits for ever. */
  turn(process: VirtualProcess, at?: number): Promise<void>;
  /** Lets a process do something at `at`, whatever else it waits for. It may wait for nothing itself. */
  beside(process: VirtualProcess, at: number, work: () => Promise<void>): void;
  /** The kernel's lock: it dies with its holder. Returns whether it was had. */
  tryLock(process: VirtualProcess): boolean;
  unlock(process: VirtualProcess): void;
  /** Runs until all processes have ended. */
  run(): Promise<void>;
  /** Whether nothing goes wrong. */
  calm(yes: boolean): void;
  /** Lets time pass. */
  skip(milliseconds: number): void;
  /** How often the disk has become full: each time, others have taken whatever room there was. */
  fills(): number;
  readonly counts: { deaths: number; powerCuts: number; steps: number };
}

/** What the world needs to know of what is in it. */
export interface Inhabitants {
  /** Called when time has passed and before each step. */
  passed(now: number): void;
  /** When something happens by itself. */
  next(): number;
  /** Called after each step. */
  check(): void;
  lockBroken(): void;
}

const START = 1_800_000_000_000;
const LONGEST = 400_000;

/** Makes a world. */
export function makeWorld(
  random: Random,
  misfortune: Misfortune,
  inhabitants: Inhabitants,
  trace: (line: string) => void = () => {},
): World {
  const counts = { deaths: 0, powerCuts: 0, steps: 0 };
  const disk = virtualDisk(() => now);
  const lives = new Map<VirtualProcess, (process: VirtualProcess) => Promise<void>>();
  let now = START;
  let calm = false;
  let holder: VirtualProcess | undefined;
  let fullUntil = 0;
  let fills = 0;
  let yielded = () => {};
  let failure: unknown;

  const say = (line: string) => trace(`${((now - START) / 1000).toFixed(3)} ${line}`);

  function start(name: string, life: (process: VirtualProcess) => Promise<void>, at: number): void {
    const files = disk.files((call) => struck(process, call));
    const process: VirtualProcess = { name, dead: false, stoppedUntil: 0, diskErrors: 2, files };
    const begin = () => {
      life(process).then(() => {
        lives.delete(process);
        yielded();
      }, (error) => {
        failure ??= error;
        yielded();
      });
    };
    process.waiting = { at, go: begin };
    lives.set(process, life);
  }

  function struck(process: VirtualProcess, call: string): void {
    if (process.dead) throw systemError("EIO");
    const { trap } = process;
    if (!trap || trap.calls-- > 0) return;
    process.trap = undefined;
    say(`${process.name}: ${trap.strike} at ${call}`);
    if (trap.strike === "death") kill(process);
    else if (trap.strike === "power cut") cutPower();
    throw systemError("EIO");
  }

  function kill(process: VirtualProcess): void {
    const life = lives.get(process)!;
    process.dead = true;
    process.waiting = process.heart = undefined;
    lives.delete(process);
    if (holder === process) holder = undefined;
    counts.deaths++;
    start(process.name, life, now + random.below(3000));
  }

  function cutPower(): void {
    counts.powerCuts++;
    for (const process of [...lives.keys()]) kill(process);
    disk.cut(random);
  }

  function strike(process: VirtualProcess): void {
    if (random.chance(misfortune.death)) process.trap = { calls: random.below(40), strike: "death" };
    if (random.chance(misfortune.powerCut)) process.trap = { calls: random.below(40), strike: "power cut" };
    if (process.diskErrors > 0 && random.chance(misfortune.diskError)) {
      process.diskErrors--;
      process.trap = { calls: random.below(40), strike: "disk error" };
    }
    if (random.chance(misfortune.stop)) process.stoppedUntil = now + random.below(120_000);
    if (random.chance(misfortune.fullDisk)) {
      say("the disk is full");
      disk.fill(true);
      fills++;
      fullUntil = now + random.below(60_000);
    }
    if (holder && random.chance(misfortune.brokenLock)) {
      say(`the lock of ${holder.name} is broken`);
      holder = undefined;
      inhabitants.lockBroken();
    }
  }

  function tasks({ waiting, heart }: VirtualProcess): { readonly at: number; readonly go: () => void }[] {
    return [waiting, heart].filter((task) => task !== undefined);
  }

  function ready(): VirtualProcess[] {
    const found: VirtualProcess[] = [];
    for (const process of lives.keys()) {
      if (process.stoppedUntil <= now && tasks(process).some(({ at }) => at <= now)) found.push(process);
    }
    return found;
  }

  function nextMoment(): number {
    let next = inhabitants.next();
    for (const process of lives.keys()) {
      for (const { at } of tasks(process)) next = Math.min(next, Math.max(at, process.stoppedUntil));
    }
    return next;
  }

  async function step(): Promise<void> {
    let able = ready();
    while (able.length === 0) {
      now = Math.max(now, nextMoment());
      inhabitants.passed(now);
      able = ready();
    }
    if (fullUntil > 0 && fullUntil <= now) {
      fullUntil = 0;
      disk.fill(false);
    }
    const process = random.pick(able);
    if (!calm) strike(process);
    if (process.stoppedUntil > now) return;
    // between two effects rather than within one
    if (process.trap?.strike === "death" && random.chance(0.1)) {
      process.trap = undefined;
      say(`${process.name}: death`);
      return kill(process);
    }
    const due = tasks(process).filter(({ at }) => at <= now);
    const task = due.length > 1 ? random.pick(due) : due[0];
    if (task === process.heart) process.heart = undefined;
    else process.waiting = undefined;
    const { go } = task;
    await new Promise<void>((resolve) => {
      yielded = resolve;
      go();
    });
    if (failure) throw failure;
    if (random.chance(0.3)) now++;
    inhabitants.passed(now);
    inhabitants.check();
  }

  return {
    random,
    disk,
    now: () => now,
    trace: say,
    start,
    turn: (process, at = now) =>
      new Promise((resolve) => {
        if (!process.dead) process.waiting = { at, go: resolve };
        yielded();
      }),
    beside: (process, at, work) => {
      if (!process.dead) {
        process.heart = {
          at,
          go: () => {
            work().then(() => yielded(), (error) => {
              failure ??= error;
              yielded();
            });
          },
        };
      }
    },
    tryLock: (process) => {
      if (process.dead || holder) return false;
      holder = process;
      return true;
    },
    unlock: (process) => {
      if (holder === process) holder = undefined;
    },
    run: async () => {
      while (lives.size > 0) {
        if (++counts.steps > LONGEST) throw new Error("I8: it does not come to an end");
        await step();
      }
    },
    calm: (yes) => {
      calm = yes;
      fullUntil = 0;
      disk.fill(false);
    },
    fills: () => fills,
    skip: (milliseconds) => now += milliseconds,
    counts,
  };
}
