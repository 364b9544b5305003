/**
 * The torture: real processes on one store, killed at every step, against a real server that takes each refresh token
 * once.
 *
 * @module
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freshBinary } from "../cli/binary.ts";
import { hostAt } from "../cli/machine.ts";
import { randomOf } from "../simulator/random.ts";
import { executioner } from "./executioner.ts";
import { command, commands, programs } from "./lives.ts";
import { environmentOf, type Participant, participants } from "./participants.ts";
import { makeRecords } from "./records.ts";
import { PROFILE, type Scene, type Tally, THE_END } from "./scene.ts";
import { startServer } from "./server_process.ts";
import { person } from "./sign_ins.ts";
import { type StoreJournal, watchStore } from "./store_journal.ts";

/** How to torture. */
export interface TortureOptions {
  readonly seconds: number;
  /** Decides who is killed and where; not who is faster. */
  readonly seed: number;
  /** How long the server takes a used refresh token again, in seconds. Default: 0, never. */
  readonly grace?: number;
  /** Whether enough has happened to be over when the time is; until then it goes on. Default: it has. */
  readonly enough?: (tally: Tally) => boolean;
  /** Takes the lock away, to see that the torture finds it out; it ends as soon as it has. */
  readonly lockless?: boolean;
}

/** How long an access token lives, in seconds. */
const LIFE = 4;
/** How many commands run at once, besides the programs. */
const COMMANDS = 4;

/** Tortures. */
export async function torture(options: TortureOptions): Promise<Tally> {
  const home = mkdtempSync(join(tmpdir(), "apex-token-torture-"));
  try {
    return await inHome(home, options);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

async function inHome(
  home: string,
  { seconds, seed, grace = 0, enough = () => true, lockless = false }: TortureOptions,
): Promise<Tally> {
  let files = 0;
  let journal: StoreJournal | undefined;
  const kinds = participants.filter(({ runtime }) => !lockless || runtime !== "binary");
  const scene: Scene = {
    random: randomOf(seed),
    home,
    binary: await freshBinary(),
    lockless,
    env: environmentOf(home),
    alive: new Map(),
    records: makeRecords(() => journal?.durable ?? new Set()),
    tally: emptyTally(kinds),
    over: false,
    file: () => join(home, `trace-${++files}`),
  };
  const look = async () => await journal?.look();
  const server = await startServer(
    { log: join(home, "server.log"), life: LIFE, grace },
    executioner(scene, look),
  );
  try {
    const who = person(scene, server.issuer);
    await who.signIn();
    journal = watchStore(hostAt(home), PROFILE);
    const last = performance.now() + seconds * 1000;
    const end = setInterval(() => scene.over ||= performance.now() >= last && enough(scene.tally), 100);
    const lives = kinds.filter(({ what }) => what === "program").map((kind) => programs(scene, who, kind));
    const brief = kinds.filter(({ what }) => what === "command");
    for (let slot = 0; slot < COMMANDS; slot++) lives.push(commands(scene, who, brief));
    await Promise.all(lives).finally(() => clearInterval(end));
    // when nobody is killed any more, everybody has a token, if need be after a sign-in
    for (const kind of brief) await command(scene, who, kind);
    return scene.tally;
  } finally {
    scene.over = true;
    await Promise.all([...scene.alive.values()].map((victim) => victim.kill(THE_END)));
    journal?.close();
    await server.close();
  }
}

function emptyTally(kinds: readonly Participant[]): Tally {
  const part = () => ({ processes: 0, tokens: 0, refreshes: 0, kills: 0 });
  return {
    parts: new Map(kinds.map((kind) => [kind, part()])),
    kills: new Map(),
    revokedByUs: [],
    forcedSignIns: new Map(),
    unexpected: [],
    longestWait: 0,
  };
}
