/**
 * One refresh from the start of a process to its end, TLS and the durable commit included, beside oidc-agent.
 *
 * @module
 */

import { accessSync, constants } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeCertificates } from "../../../tests/hostile/certificates.ts";
import { deno, root } from "../../toolchain.ts";
import { ownBinary } from "../compile.ts";
import { versionsOf } from "../machine.ts";
import { median, ratio } from "../measure.ts";
import { personHome, PROFILE } from "../person_home.ts";
import { ask, commandOf, type Server, startRotatingServer, startServer } from "../processes.ts";
import type { OriginalAgent } from "../programs/original_agent.ts";
import type { Answer, Question } from "../programs/start_up.ts";
import { RATIO, type Table, US } from "../table.ts";

const ROUNDS = 40;
const OIDC_TOKEN = "/usr/bin/oidc-token";

/** Measures one refresh. */
export async function refresh(): Promise<Table> {
  const scratch = await mkdtemp(join(tmpdir(), "apex-token-bench-"));
  const { authority, good } = makeCertificates();
  const server = await startRotatingServer({ latency: 0, life: 3600, certificate: good });
  let running: Server | undefined;
  let agent: OriginalAgent | undefined;
  try {
    const binary = await ownBinary();
    const ca = `${scratch}/ca.pem`;
    await writeFile(ca, authority);
    const home = await personHome(binary, scratch, server.address, ["--ca-file", ca]);
    const where = { cwd: home.path, env: home.env };
    const commands: Record<string, Question["commands"][string]> = {
      [US]: { command: [binary, "get", PROFILE, "--force"], ...where },
    };
    if (isInstalled(OIDC_TOKEN)) {
      const program = ["-c", `${root}deno.json`, `${root}scripts/bench/programs/original_agent.ts`];
      await mkdir(`${scratch}/agent`);
      running = await startServer([deno(), "run", "-A", ...program, `${scratch}/agent`, server.address, ca]);
      agent = JSON.parse(running.address) as OriginalAgent;
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
    await running?.close();
    await server.close();
    await rm(scratch, { recursive: true, force: true });
  }
}

function isInstalled(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
