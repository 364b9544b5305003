/**
 * How long the command takes that runs a thousand times a day, and the help.
 *
 * @module
 */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { startDesktop } from "../../../tests/host/desktop.ts";
import { deno, root } from "../../toolchain.ts";
import { emptyBinary, ownBinary } from "../compile.ts";
import { crowd, signedInHome } from "../home.ts";
import { versionsOf } from "../machine.ts";
import { median, ratio } from "../measure.ts";
import { OIDC_TOKEN, startOriginalAgent, startTlsServer } from "../original.ts";
import { ask, commandOf } from "../processes.ts";
import type { OriginalAgent } from "../programs/original_agent.ts";
import type { Answer, Command, Question } from "../programs/start_up.ts";
import { type Line, type Table, US } from "../table.ts";

const PROFILE = "service";
/** How many other profiles there may be. */
const CROWD = 10_000;
const EMPTY = "empty program";
const CLIENT = "oidc-token";
const NOTHING = "/bin/true";
/** How many rounds: of what takes milliseconds, and of what takes longer. */
const MANY = 200;
const FEW = 60;

/** One program beside another. */
interface Pair {
  readonly row: string;
  readonly who: string;
  readonly command: readonly string[];
  readonly besideWho: string;
  readonly beside: readonly string[];
  readonly rounds: number;
  /** What the one finds in its environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** What the other one finds in its environment. */
  readonly besideEnv?: Readonly<Record<string, string>>;
}

/** Measures the start of programs. */
export async function startUp(): Promise<Table> {
  const scratch = await mkdtemp(join(tmpdir(), "apex-token-bench-"));
  // the one directory in memory that every Linux has
  const runtime = await mkdtemp("/dev/shm/apex-token-bench-");
  const server = await startTlsServer(scratch);
  const desktop = await startDesktop();
  let original: Awaited<ReturnType<typeof startOriginalAgent>>;
  try {
    original = await startOriginalAgent(scratch, server);
    const binary = await ownBinary();
    const home = await signedInHome(binary, scratch, PROFILE, runtime, desktop.environment);
    const pairs = pairsOf(
      binary,
      await emptyBinary(scratch),
      await emptyScript(scratch),
      desktop.environment,
      original,
    );
    const lines: Line[] = [];
    for (const pair of pairs) lines.push(...await measure(pair, home));
    await crowd(home, PROFILE, CROWD);
    for (
      const pair of pairs.filter(({ command }) => command[0] === binary && command[1] === "get").slice(0, 2)
    ) {
      const row = `${pair.row} among ${CROWD} profiles`;
      lines.push(...await measure({ ...pair, row }, home));
    }
    return {
      name: "start-up",
      title: "from the start of a process to its end",
      notes: [
        "Each program beside another one, in turn and in random order; a ratio is the median of the rounds. " +
        `"get" prints a cached token of a profile that a real login made, into a pipe. The empty program was ` +
        "compiled by Bun with the same flags; under deno run it is an empty file. Starting and reading a process " +
        `that does nothing (${NOTHING}) is part of every figure.`,
        'The wish: a cached "get" in at most 1.3 times the empty program and 4 times the C client, --help in 40 ms. ' +
        "Reading the key and decrypting is what is beyond 1.3; --fast-cache leaves both out. With the keyring, two " +
        "round trips on the session bus and a second key to open are in it. The C client asks an " +
        "agent that has the token in memory, which has to be started and unlocked once; most of its distance is what " +
        "an empty program takes to start here.",
        ...(original ? [] : [`${CLIENT} of oidc-agent is not installed here.`]),
      ],
      versions: [...versionsOf([US, "Bun", "Deno"]), ...original ? [original.version] : []],
      lines,
    };
  } finally {
    await original?.close();
    await server.close();
    await desktop.close();
    await rm(scratch, { recursive: true, force: true });
    await rm(runtime, { recursive: true, force: true });
  }
}

function pairsOf(
  binary: string,
  empty: string,
  emptyScript: string,
  desktop: Readonly<Record<string, string>>,
  original: OriginalAgent | undefined,
): Pair[] {
  const denoRun = [deno(), "run", "-A"];
  const compiled = { who: US, besideWho: EMPTY, beside: [empty] };
  const script = { who: US, besideWho: EMPTY, beside: [...denoRun, emptyScript] };
  const pairs: Pair[] = [
    { ...compiled, row: "cached get", command: [binary, "get", PROFILE], rounds: MANY },
    {
      ...compiled,
      row: "cached get with --fast-cache",
      command: [binary, "get", `${PROFILE}-fast`],
      rounds: MANY,
    },
    {
      ...compiled,
      row: "cached get with the keyring",
      command: [binary, "get", `${PROFILE}-keyring`],
      env: desktop,
      rounds: MANY,
    },
    { ...compiled, row: "cached get of the default profile", command: [binary, "get"], rounds: MANY },
    {
      ...script,
      row: "cached get by deno run -A mod.ts",
      command: [...denoRun, `${root}mod.ts`, "get", PROFILE],
      rounds: FEW,
    },
    { ...compiled, row: "--help", command: [binary, "--help"], rounds: FEW },
    { ...compiled, row: "--version", command: [binary, "--version"], rounds: FEW },
  ];
  if (original) {
    const get = { who: US, command: [binary, "get", PROFILE], besideWho: CLIENT, rounds: MANY };
    const beside = [OIDC_TOKEN, original.account];
    pairs.push(
      { ...get, row: "cached token, ours and the C client's", beside, besideEnv: original.env },
      {
        ...get,
        row: "the same with --fast-cache",
        command: [binary, "get", `${PROFILE}-fast`],
        beside,
        besideEnv: original.env,
      },
      { ...get, row: "cached get beside oidc-token --version", beside: [OIDC_TOKEN, "--version"] },
    );
  }
  const nothing = { besideWho: NOTHING, beside: [NOTHING] };
  return [...pairs, { row: "what measuring costs", who: EMPTY, command: [empty], ...nothing, rounds: MANY }];
}

async function measure(
  { row, who, command, besideWho, beside, env = {}, besideEnv = {}, rounds }: Pair,
  home: string,
): Promise<Line[]> {
  const surroundings = { HOME: home, PATH: "/usr/bin:/bin", DENO_DIR: denoDir() };
  const inHome = (command: readonly string[], more = {}): Command => ({
    command,
    cwd: home,
    env: { ...surroundings, ...more },
  });
  const question: Question = {
    commands: { it: inHome(command, env), other: inHome(beside, besideEnv) },
    rounds,
  };
  const { it, other } = await ask<Answer>(commandOf("Bun", "start_up.ts"), question);
  const factor = ratio(it, other);
  return [
    { row, who, values: { ms: median(it), [`x ${besideWho}`]: factor } },
    { row, who: besideWho, values: { ms: median(other) } },
  ];
}

async function emptyScript(folder: string): Promise<string> {
  await writeFile(`${folder}/nothing.ts`, "export {};\n");
  return `${folder}/nothing.ts`;
}

function denoDir(): string {
  return process.env.DENO_DIR ?? join(homedir(), ".cache/deno");
}
