/**
 * A renewal that is killed at each of its steps, at Keycloak with strict rotation: what the torture harness does at its own
 * server, at the one behind APEx.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { unverifiedClaims } from "../../../mod.ts";
import { done, refused } from "../../cli/sign_in.ts";
import { currentRuntime } from "../../process.ts";
import { type Death, deathIn, killedAt, type KillPoint, killPoints } from "../../torture/kill_points.ts";
import { realmEvents } from "./administration.ts";
import { type KeycloakMachine, keycloakMachine } from "./machine.ts";
import { fetchAt } from "./place.ts";
import { PEOPLE } from "./realm.ts";

const { bob } = PEOPLE;
const KILLED = 128 + 9;

/** Between them the three runtimes of the tests go through all the steps. */
const mine = killPoints.filter((_, at) => at % 3 === ["deno", "bun", "node"].indexOf(currentRuntime()));

/** What became of a sign-in whose renewal was killed. */
interface Fate {
  readonly point: KillPoint;
  /** Absent where the renewal was over before. */
  readonly death?: Death;
  /** How many refreshes Keycloak carried out for it. */
  readonly carriedOut: number;
  /** Whether it had written Keycloak's answer down. A trace of the lock does not tell; where nobody died it has. */
  readonly answerIsKept: boolean;
  readonly fate: "goes on" | "is lost";
}

describe("a renewal that is killed, at Keycloak with strict rotation", () => {
  let machine: KeycloakMachine;
  const fates: Fate[] = [];

  before(async () => {
    machine = await keycloakMachine("binary");
  });
  after(() => machine.close());

  async function signIn(name: string): Promise<string> {
    const args = ["--client-id", "password-client", "--flow", "password", "--username", bob.username];
    const login = ["login", name, "--issuer", machine.issuer, ...args, "--password-file", "-"];
    done(await machine.run(login, { stdin: bob.password }));
    return String(unverifiedClaims((await machine.session(name)).refreshToken!)?.sid);
  }

  /** What Keycloak remembers of the refreshes of a sign-in: good ones and refused ones. */
  async function refreshes(sid: string): Promise<{ good: number; refused: number }> {
    const types = ["REFRESH_TOKEN", "REFRESH_TOKEN_ERROR"];
    const events = await realmEvents(machine.place, fetchAt(machine.place), types);
    const of = (type: string) =>
      events.filter((event) => event.type === type && event.sessionId === sid).length;
    return { good: of(types[0]), refused: of(types[1]) };
  }

  /** Renews, dies at `point`, and lets another process renew. */
  async function killOnce(name: string, point: KillPoint): Promise<Fate> {
    const sid = await signIn(name);
    const trace = join(machine.home, `${name}.trace`);
    const lock = join(machine.host.directories.state, "locks", name);
    const words = killedAt(point, lock, trace);
    const { code, stderr } = await machine.startBy(words, ["get", name, "--force"]).ended;
    assert.ok(code === 0 || code === KILLED, stderr);
    const death = code === KILLED ? await deathOf(trace) : undefined;
    const answerIsKept = death === undefined || attemptsIn(trace) >= 2;
    // to ask takes Keycloak longer than to carry out what the dead one may still have sent
    assert.equal((await refreshes(sid)).refused, 0);
    const next = await machine.run(["get", name, "--force"]);
    const { good, refused: refusals } = await refreshes(sid);
    if (next.code === 0) {
      assert.equal(refusals, 0, "nobody has presented a refresh token twice");
      return { point, death, carriedOut: good - 1, answerIsKept, fate: "goes on" };
    }
    refused(next, 4, new RegExp(`apex-token login ${name}`));
    await signIn(name);
    done(await machine.run(["get", name, "--force"]));
    return { point, death, carriedOut: good, answerIsKept, fate: "is lost" };
  }

  for (const point of mine) {
    const name = `${point.call}-${point.count}`;
    it(`as it enters call ${point.count} to ${point.call}, costs a sign-in only where the answer died with it`, async () => {
      const fate = await killOnce(name, point);
      fates.push(fate);
      if (fate.fate === "goes on") return;
      // Keycloak had replaced the refresh token, and its answer was not yet written down: nothing can bring that back
      assert.equal(fate.carriedOut, 1, JSON.stringify(fate));
      assert.notEqual(fate.death, undefined, JSON.stringify(fate));
      assert.equal(fate.answerIsKept, false, JSON.stringify(fate));
    });
  }

  it("was killed before Keycloak heard of it and after, and mostly went on", () => {
    const dead = fates.filter(({ death }) => death !== undefined);
    const told = JSON.stringify(fates);
    assert.ok(dead.some(({ carriedOut }) => carriedOut === 0), told);
    assert.ok(dead.some(({ carriedOut, fate }) => carriedOut === 1 && fate === "goes on"), told);
    assert.ok(dead.filter(({ fate }) => fate === "is lost").length <= dead.length / 2, told);
  });
});

/** How many notes of the renewal were written before the end: that it begins, then what Keycloak answered. */
function attemptsIn(trace: string): number {
  const [alive] = readFileSync(trace, "utf8").split("+++ killed by");
  return [...alive.matchAll(/link(?:at)?\(.*\/attempts\/.*\/g-\d+"(?:, 0)?\) = 0/g)].length;
}

/** How the process of a trace died; strace tells it when it gets round to it. */
async function deathOf(trace: string): Promise<Death> {
  for (;;) {
    const death = deathIn(trace);
    if (death !== undefined) return death;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
