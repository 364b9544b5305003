/**
 * One refresh from the start of a process to its end, TLS and the durable commit included, beside oidc-agent.
 *
 * @module
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ownBinary } from "../compile.ts";
import { versionsOf } from "../machine.ts";
import { median, ratio } from "../measure.ts";
import { OIDC_TOKEN, startOriginalAgent, startTlsServer } from "../original.ts";
import { personHome, PROFILE } from "../person_home.ts";
import { ask, commandOf } from "../processes.ts";
import type { Answer, Question } from "../programs/start_up.ts";
import { RATIO, type Table, US } from "../table.ts";

const ROUNDS = 40;

/** Measures one refresh. */
export async function refresh(): Promise<Table> {
  const scratch = await mkdtemp(join(tmpdir(), "apex-token-bench-"));
  const server = await startTlsServer(scratch);
  let agent: Awaited<ReturnType<typeof startOriginalAgent>>;
  try {
    const binary = await ownBinary();
    const home = await personHome(binary, scratch, server.address, ["--ca-file", server.ca]);
    const where = { cwd: home.path, env: home.env };
    const commands: Record<string, Question["commands"][string]> = {
      [US]: { command: [binary, "get", PROFILE, "--force"], ...where },
    };
    agent = await startOriginalAgent(scratch, server);
    if (agent) {
      commands["oidc-token -f"] = {
        command: [OIDC_TOKEN, "-f", agent.account],
        cwd: scratch,
        env: agent.env,
      };
    }
    const question: Question = { commands, rounds: ROUNDS };
    const samples = await ask<Answer>(commandOf("Bun", "start_up.ts"), question);
    return {
      name: "refresh",
      title: "one refresh by a command, from the start of its process to its end",
      notes: [
        `Over TLS to a server on loopback that answers at once and takes each refresh token once; the compiled program ` +
        "logs and commits what it got durably before it prints the token. In turn and in random order, medians of " +
        `${ROUNDS} rounds. The agent of oidc-agent keeps its account unlocked in memory.`,
        ...(agent ? [] : ["oidc-agent is not installed here."]),
      ],
      versions: [...versionsOf([US, "Bun"]), ...agent ? [agent.version] : []],
      lines: Object.keys(commands).map((who) => ({
        row: "a forced refresh",
        who,
        values: { ms: median(samples[who]), [RATIO]: ratio(samples[who], samples[US]) },
      })),
    };
  } finally {
    await agent?.close();
    await server.close();
    await rm(scratch, { recursive: true, force: true });
  }
}
