import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { saveSignIn } from "../../lib/profile/save_sign_in.ts";
import type { Session } from "../../lib/session/session.ts";
import type { RunningProcess } from "../process.ts";
import { publicProfile } from "../profile/public_profile.ts";
import { type IncomingRequest, serve, type ServedAuthorizationServer } from "../security/served.ts";
import { type KillPoint, struckAt } from "../torture/kill_points.ts";
import { type Machine, makeMachine, quickVariant } from "./machine.ts";
import { startOnTerminal } from "./pseudo_terminal.ts";
import { done } from "./sign_in.ts";

/** A refresh token on its way. */
interface Presented {
  readonly token: string;
  readonly request: IncomingRequest;
  /** Lets the server carry it out and answer. */
  answer(): void;
  /** Breaks the connection; the server has not heard of it. */
  drop(): void;
}

/** A sign-in whose access token is over, at a server that ends it when a refresh token comes twice. */
interface Scene {
  readonly machine: Machine;
  /** What has been presented, in order. */
  readonly presented: Presented[];
  /** The next one that comes; it is held until it is let go. */
  hold(): Promise<Presented>;
  start(): RunningProcess;
  /** How many sign-ins the server has ended. */
  revoked(): number;
}

describe("a get that is stopped in the middle of a renewal, at a server that takes each refresh token once", () => {
  let there: ServedAuthorizationServer;
  const machines: Machine[] = [];
  before(async () => {
    there = await serve({ refreshTokens: "rotate-strict" });
  });
  after(async () => {
    await there.close();
    for (const machine of machines) machine.close();
  });

  async function begin({ left = -1, variant }: { left?: number; variant?: "binary" } = {}): Promise<Scene> {
    const machine = await makeMachine(variant);
    machines.push(machine);
    const { refresh_token: refreshToken } = await there.server.issue({ clientId: "app", scope: "openid" });
    const metadata = await (await fetch(`${there.origin}/.well-known/openid-configuration`)).json();
    const profile = publicProfile(machine.host, there.origin, { allowInsecureLoopback: true });
    const now = Math.floor(Date.now() / 1000);
    const session: Session = {
      format: 1,
      issuer: there.origin,
      clientId: "app",
      metadata,
      refreshToken: String(refreshToken),
      signedInAt: now,
    };
    const token = { accessToken: "old", tokenType: "Bearer", issuedAt: now - 3_600, expiresAt: now + left };
    await saveSignIn(machine.host, profile, session, token);
    const presented: Presented[] = [];
    const awaited: ((one: Presented) => void)[] = [];
    there.intercept(async (request, pass) => {
      const token = new URLSearchParams(request.body).get("refresh_token");
      if (token === null) return undefined;
      const heard = awaited.shift();
      let decide!: (answered: boolean) => void;
      const decided = new Promise<boolean>((resolve) => decide = resolve);
      const one = { token, request, answer: () => decide(true), drop: () => decide(false) };
      presented.push(one);
      if (!heard) return await pass();
      heard(one);
      if (await decided) return await pass();
      request.disconnect();
      return new Response();
    });
    const revoked = () => there.server.families.filter((family) => family.revoked).length;
    const before = revoked();
    return {
      machine,
      presented,
      hold: () => new Promise((resolve) => awaited.push(resolve)),
      start: () => machine.start(["get", "p"]),
      revoked: () => revoked() - before,
    };
  }

  /** Whoever comes next finds the sign-in as good as ever. */
  async function isWhole({ machine, revoked }: Scene): Promise<void> {
    done(await machine.run(["get", "p", "--force"]));
    assert.equal(revoked(), 0);
  }

  it("keeps the others waiting, and all have its token when it goes on", async () => {
    const scene = await begin();
    const request = scene.hold();
    const stopped = scene.start();
    const { answer, request: { answered } } = await request;
    await stop(stopped);
    // the answer is there, and nobody takes it
    answer();
    await answered;
    const other = scene.start();
    await waitsForLock(other);
    resume(stopped);
    const [first, second] = await Promise.all([stopped.ended, other.ended]);
    assert.equal(done(second).stdout, done(first).stdout);
    assert.notEqual(first.stdout, "old\n");
    assert.equal(scene.presented.length, 1);
    await isWhole(scene);
  });

  it("is named to a person who waits for it", async () => {
    const scene = await begin({ variant: quickVariant as "binary" });
    const request = scene.hold();
    const stopped = scene.start();
    const { answer } = await request;
    await stop(stopped);
    const person = startOnTerminal(scene.machine, ["get", "p"]);
    const [, pid] = await person.running.waitFor(
      "stdout",
      /Waiting for process (\d+) on \S+, which has been renewing this sign-in since \d{4}-\S+Z …/,
    );
    assert.equal(Number(pid), stopped.pid);
    answer();
    resume(stopped);
    const { code, stdout, seen } = await person.end();
    assert.equal(code, 0, seen);
    assert.equal(stdout, done(await stopped.ended).stdout);
    await isWhole(scene);
  });

  it("costs nobody anything while the token that is there is still good", async () => {
    const scene = await begin({ left: 60 });
    const request = scene.hold();
    const stopped = scene.start();
    const { answer } = await request;
    await stop(stopped);
    assert.equal(done(await scene.start().ended).stdout, "old\n");
    answer();
    resume(stopped);
    assert.notEqual(done(await stopped.ended).stdout, "old\n");
    assert.equal(scene.presented.length, 1);
    await isWhole(scene);
  });

  it("and then killed lets the one who waits take over at once", async () => {
    const scene = await begin();
    const request = scene.hold();
    const stopped = scene.start();
    const { drop } = await request;
    await stop(stopped);
    const other = scene.start();
    await waitsForLock(other);
    const killedAt = performance.now();
    process.kill(stopped.pid!, "SIGKILL");
    drop();
    assert.notEqual(done(await other.ended).stdout, "old\n");
    assert.ok(performance.now() - killedAt < 50_000, "long before anybody gives up");
    await isWhole(scene);
  });

  it("and has lost its lock, does not present again what another one has used up meanwhile", async () => {
    const scene = await begin();
    const request = scene.hold();
    const stopped = scene.start();
    const { drop, token } = await request;
    await stop(stopped);
    // whoever tidies up takes the lock's file away, and with it the only thing that keeps others out
    rmSync(join(scene.machine.host.directories.state, "locks/p"));
    const other = done(await scene.start().ended).stdout;
    const successor = (await scene.machine.session("p")).refreshToken;
    assert.notEqual(successor, token);
    drop();
    resume(stopped);
    assert.equal(done(await stopped.ended).stdout, other);
    assert.deepEqual(scene.presented.map((one) => one.token), [token, token], "once each; one never arrived");
    assert.equal((await scene.machine.session("p")).refreshToken, successor);
    await isWhole(scene);
  });

  const points: KillPoint[] = [
    ...[1, 2, 3, 5, 7, 9, 11].map((count) => ({ call: "synchronise", count } as const)),
    ...[1, 2, 3].map((count) => ({ call: "link", count } as const)),
    ...[2, 5, 8].map((count) => ({ call: "remove", count } as const)),
  ];
  for (const point of points) {
    it(`at call ${point.count} of ${point.call} leaves one refresh and one token for all`, async () => {
      const scene = await begin({ variant: "binary" });
      const { machine, presented } = scene;
      const lock = join(machine.host.directories.state, "locks/p");
      const trace = join(machine.home, "trace");
      const stopped = machine.startBy(struckAt(point, "SIGSTOP", lock, trace), ["get", "p"]);
      const isStopped = await untilStopped(stopped, trace);
      // before anything was sent, not even a lock that is lost may cost the sign-in
      const isLost = isStopped && presented.length === 0;
      if (isLost) rmSync(lock, { force: true });
      const other = scene.start();
      if (!isLost) await waitsForLock(other);
      if (isLost) done(await other.ended);
      if (isStopped) resume(stopped);
      const [first, second] = await Promise.all([stopped.ended, other.ended]);
      assert.equal(done(second).stdout, done(first).stdout);
      assert.equal(presented.length, 1);
      await isWhole(scene);
    });
  }
});

/** Stops a process, and waits until all of it stands still. */
async function stop({ pid }: RunningProcess): Promise<void> {
  process.kill(pid!, "SIGSTOP");
  while (!isStopped(pid!)) await pause();
}

function resume({ pid }: RunningProcess): void {
  process.kill(pid!, "SIGCONT");
}

/** By what strace writes. @returns false when it ended before */
async function untilStopped({ ended }: RunningProcess, trace: string): Promise<boolean> {
  let isOver = false;
  ended.then(() => isOver = true, () => isOver = true);
  while (!isOver) {
    if (existsSync(trace) && readFileSync(trace, "utf8").includes("stopped by SIGSTOP")) return true;
    await pause();
  }
  return false;
}

/** Every thread of it: the one that was asked may be the last. */
function isStopped(pid: number): boolean {
  try {
    return readdirSync(`/proc/${pid}/task`).every((thread) =>
      /^\d+ \(.*\) [Tt] /s.test(readFileSync(`/proc/${pid}/task/${thread}/stat`, "utf8"))
    );
  } catch {
    return false;
  }
}

/** Waits until a process has the lock's file open: it has it, or tries again and again to get it; or until its end. */
async function waitsForLock({ pid, ended }: RunningProcess): Promise<void> {
  let isOver = false;
  ended.then(() => isOver = true, () => isOver = true);
  while (!isOver && !opened(pid!).some((path) => path.includes("/locks/p"))) await pause();
}

function opened(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((file) => {
      try {
        return [readlinkSync(`/proc/${pid}/fd/${file}`)];
      } catch {
        return [];
      }
    });
  } catch {
    return [];
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 10));
}
