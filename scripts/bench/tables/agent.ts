/**
 * Our agent beside the original oidc-agent.
 *
 * @module
 */

import { execFileSync, spawnSync } from "node:child_process";
import {
  type Agents,
  type AgentUnderTest,
  loadOriginal,
  loadOurs,
  ORIGINAL,
  startAgents,
} from "../agents.ts";
import { ownBinary } from "../compile.ts";
import { versionsOf } from "../machine.ts";
import { interleave, median, ratio } from "../measure.ts";
import { startTokenServer } from "../processes.ts";
import { type Line, type Table, US } from "../table.ts";
import { libraryCall } from "../library_call.ts";

const CALLS = 200;
const CLIENTS = 8;
/** How long eight clients ask, in milliseconds; the original does not bear it for longer. */
const PERIOD = 300;
const ACCOUNTS = 100;
/** After so many requests memory is looked at. */
const STRETCH = 10_000;
/** How many such stretches make a round: 100,000 requests. */
const STRETCHES = 10;
const REQUESTS = STRETCH * STRETCHES;
/** How long the other account's server says nothing, in milliseconds. */
const HANG = 2_000;
const TOKEN = { request: "access_token", account: "demo", min_valid_period: 0 };

/** Measures both agents. */
export async function agent(): Promise<Table> {
  const server = await startTokenServer();
  const agents = startAgents(await ownBinary());
  try {
    const issuers = { demo: `${server.address}/demo/0/36000`, slow: `${server.address}/slow/${HANG}/36000` };
    for (const [name, key] of Object.entries(await agents.accounts(issuers))) {
      await loadOurs(agents, name, key);
    }
    loadOriginal(agents, "demo");
    loadOriginal(agents, "slow");
    await agents.ours.ask(TOKEN);
    const lines = [
      ...await commands(agents),
      ...await library(agents),
      ...await hanging(agents),
      ...await parallel(agents),
      ...await memory(agents, server.address),
    ];
    const original = execFileSync(ORIGINAL, ["--version"], { encoding: "utf8" }).trim();
    return {
      name: "agent",
      title: "our agent beside the original oidc-agent",
      notes: [
        `Both run at once, with the same accounts, and answer with a cached token: ${CALLS} calls of the original's ` +
        `own oidc-token, in turn; ${CLIENTS} clients on plain sockets for ${PERIOD} ms; one request while the server ` +
        `of another account says nothing for ${HANG} ms. Memory is what is resident in our agent, with ${ACCOUNTS} ` +
        `accounts loaded, and looked at after every ${
          STRETCH.toLocaleString("en")
        } requests: the median and the most. ` +
        "It goes up and down with the collection of garbage; it is flat where the second 100,000 need no more than the " +
        "first.",
      ],
      versions: [...versionsOf([US]), original],
      lines,
    };
  } finally {
    agents.close();
    await server.close();
  }
}

async function commands({ environment, ours, original }: Agents): Promise<Line[]> {
  const call = ({ socket }: AgentUnderTest) => () => {
    const begun = performance.now();
    const env = { ...environment, OIDC_SOCK: socket };
    const { status } = spawnSync("oidc-token", ["demo"], { env, stdio: ["ignore", "pipe", "inherit"] });
    if (status !== 0) throw new Error("oidc-token got no token");
    return performance.now() - begun;
  };
  const samples = await interleave({ [US]: call(ours), [ORIGINAL]: call(original) }, {
    rounds: CALLS,
    warmUps: 10,
  });
  return [US, ORIGINAL].map((who) => ({
    row: "oidc-token, a cached token",
    who,
    values: { ms: median(samples[who]), [`x ${ORIGINAL}`]: ratio(samples[who], samples[ORIGINAL]) },
  }));
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

/** A call of `@apex/token/profile` beside a round trip on the original's socket. */
async function library({ home, original }: Agents): Promise<Line[]> {
  const row = "a cached token in a running program";
  const call = await libraryCall(home);
  const trips: number[] = [];
  for (let round = 0; round < 50; round++) trips.push(await timed(() => original.ask(TOKEN)));
  const trip = median(trips);
  return [
    { row, who: US, note: "@apex/token/profile", values: { ms: call, [`x ${ORIGINAL}`]: call / trip } },
    { row, who: ORIGINAL, note: "a round trip on its socket", values: { ms: trip, [`x ${ORIGINAL}`]: 1 } },
  ];
}

async function hanging({ ours, original }: Agents): Promise<Line[]> {
  const lines: Line[] = [];
  for (const [who, one] of [[US, ours], [ORIGINAL, original]] as const) {
    const slow = one.ask({ ...TOKEN, account: "slow", min_valid_period: -1 }).catch(() => {});
    // it is under way once another answer has come that was asked for later, or the server has been reached
    await new Promise((soon) => setTimeout(soon, 100));
    const ms = await timed(() => one.ask(TOKEN));
    await slow;
    lines.push({ row: "a cached token while another account's server hangs", who, values: { ms } });
  }
  return lines;
}

async function parallel({ ours, original }: Agents): Promise<Line[]> {
  const rounds = 5;
  const samples: Record<string, number[]> = { [US]: [], [ORIGINAL]: [] };
  let failures = 0;
  for (let round = 0; round < rounds; round++) {
    for (const [who, one] of [[US, ours], [ORIGINAL, original]] as const) {
      let answers = 0;
      const end = performance.now() + PERIOD;
      const client = async () => {
        while (performance.now() < end) {
          await one.ask(TOKEN).then(() => answers++, () => failures++);
        }
      };
      const time = await timed(() => Promise.all(Array.from({ length: CLIENTS }, client)));
      samples[who].push(answers / time * 1000);
    }
  }
  const note = failures > 0 ? "it refused some" : undefined;
  return [US, ORIGINAL].map((who) => ({
    row: `${CLIENTS} clients at once`,
    who,
    note: who === ORIGINAL ? note : undefined,
    values: {
      "answers/s": Math.round(median(samples[who])),
      [`x ${ORIGINAL}`]: ratio(samples[who], samples[ORIGINAL]),
    },
  }));
}

async function memory(agents: Agents, address: string): Promise<Line[]> {
  const { ours } = agents;
  const names = Array.from({ length: ACCOUNTS }, (_, at) => `account-${at}`);
  const issuers = Object.fromEntries(names.map((name) => [name, `${address}/${name}/0/36000`]));
  for (const [name, key] of Object.entries(await agents.accounts(issuers, true))) {
    await loadOurs(agents, name, key);
    await ours.ask({ ...TOKEN, account: name });
  }
  const before = ours.memory();
  const round = async () => {
    const samples: number[] = [];
    for (let stretch = 0; stretch < STRETCHES; stretch++) {
      await ask(ours, names);
      samples.push(ours.memory());
    }
    return samples;
  };
  const [first, second] = [await round(), await round()];
  const row = "resident memory";
  const most = (samples: readonly number[]) => ({ "MiB at most": Math.max(...samples) });
  const requests = (from: number) =>
    `requests ${(from + 1).toLocaleString("en")} to ${(from + REQUESTS).toLocaleString("en")}`;
  return [
    { row, who: US, note: `${ACCOUNTS} accounts`, values: { MiB: before } },
    { row, who: US, note: requests(0), values: { MiB: median(first), ...most(first) } },
    { row, who: US, note: requests(REQUESTS), values: { MiB: median(second), ...most(second) } },
  ];
}

/** One stretch: each of the clients asks for the next account, over a connection of its own. */
async function ask({ ask }: AgentUnderTest, names: readonly string[]): Promise<void> {
  let asked = 0;
  const client = async () => {
    while (asked < STRETCH) await ask({ ...TOKEN, account: names[asked++ % names.length] });
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
}
