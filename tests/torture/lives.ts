/**
 * How processes come and go in the torture.
 *
 * @module
 */

import { type KillPoint, killPoints } from "./kill_points.ts";
import type { Participant } from "./participants.ts";
import { type Scene, take, THE_END } from "./scene.ts";
import { nameOf } from "./server_events.ts";
import type { Person } from "./sign_ins.ts";
import { named } from "./victims.ts";

/**
 * How long somebody may wait for a token or an error, in milliseconds, whoever dies meanwhile: a minute for the lock, and
 * the exchange with the server.
 */
const LONGEST = 90_000;

/** Programs of one kind, one after the other, each killed after a while. */
export async function programs(scene: Scene, person: Person, participant: Participant): Promise<void> {
  const { random, records, tally } = scene;
  const part = tally.parts.get(participant)!;
  while (!scene.over) {
    const program = take(scene, participant, 0.2, {
      heard: (line) => {
        const { access, error, message, waited } = JSON.parse(line);
        tally.longestWait = Math.max(tally.longestWait, waited);
        if (waited > LONGEST) tally.unexpected.push(`${participant.runtime} program waited ${waited} ms`);
        if (access) {
          part.tokens++;
          records.handedOut(access);
        } else if (error === "sign_in_required") void complain(scene, person.needed(Date.now() - waited));
        else tally.unexpected.push(`${participant.runtime} program: ${message}`);
      },
    });
    await Promise.race([program.ended, pause(scene, 1000 + random.below(5000))]);
    await program.kill(scene.over ? THE_END : "anywhere");
    await program.ended;
  }
}

/** Commands of any kind, one after the other; most of them are killed at a step, some at random, some not at all. */
export async function commands(scene: Scene, person: Person, kinds: readonly Participant[]): Promise<void> {
  const { random } = scene;
  while (!scene.over) {
    const kind = random.pick(kinds);
    await command(scene, person, kind, {
      point: random.chance(0.5) ? killPoint(scene, kind) : undefined,
      patience: random.chance(0.15) ? random.below(600) : undefined,
    });
  }
}

/** One command. */
export async function command(
  scene: Scene,
  person: Person,
  participant: Participant,
  { point, patience }: { readonly point?: KillPoint; readonly patience?: number } = {},
): Promise<void> {
  const { random, records, tally } = scene;
  const force = point !== undefined || random.chance(0.5);
  const running = take(scene, participant, force ? 1 : 0, { point });
  let ended = false;
  if (patience !== undefined) {
    void pause(scene, patience).then(() => ended ? undefined : running.kill("anywhere"));
  }
  const { code, stdout, stderr } = await running.ended;
  ended = true;
  if (code === 0) {
    tally.parts.get(participant)!.tokens++;
    records.handedOut(nameOf(stdout.trim()));
  } else if (code === 4) await person.needed(running.startedAt);
  else if (code !== undefined) {
    tally.unexpected.push(`${named(running)} ended with ${code}: ${stderr.trim()}`);
  }
}

function killPoint({ random }: Scene, { runtime }: Participant): KillPoint {
  // Deno removes files of its own, again and again
  return random.pick(killPoints.filter(({ call }) => runtime !== "deno" || call !== "remove"));
}

async function complain(scene: Scene, work: Promise<void>): Promise<void> {
  await work.catch((error) => scene.tally.unexpected.push(String(error)));
}

/** Waits, but not beyond the end. */
async function pause(scene: Scene, milliseconds: number): Promise<void> {
  const end = performance.now() + milliseconds;
  while (!scene.over && performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, Math.min(50, milliseconds)));
  }
}
