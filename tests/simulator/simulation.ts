/** One simulation from one number. */

import { client, getToken, type Ground, type Sabotage, type Setting, signIn } from "./client.ts";
import { makeChecks } from "./checks.ts";
import { fileGround } from "./file_ground.ts";
import { randomOf } from "./random.ts";
import { type Cause, type Custom, type Family, type Server, virtualServer } from "./server.ts";
import { storeGround } from "./store_ground.ts";
import { makeWorld, type Misfortune } from "./world.ts";

/** What happened in a simulation. */
export interface Report {
  readonly seed: number;
  /** The invariant that was broken, and how; nothing where all held. */
  readonly violation?: string;
  readonly steps: number;
  readonly gets: number;
  readonly served: number;
  readonly failed: number;
  readonly requests: number;
  readonly repeated: number;
  readonly refreshes: number;
  readonly deaths: number;
  readonly powerCuts: number;
  readonly signIns: number;
  readonly revoked: Readonly<Record<Cause, number>>;
}

/** How a simulation is run. */
export interface SimulationOptions {
  /** What the processes stand on. Default: the files of a workstation. */
  readonly on?: "files" | "store";
  readonly sabotage?: Sabotage;
  /** Told everything that happens. */
  readonly trace?: (line: string) => void;
}

/** Runs the simulation of a seed. */
export async function simulate(
  seed: number,
  { on = "files", sabotage = {}, trace }: SimulationOptions = {},
): Promise<Report> {
  const random = randomOf(seed);
  const custom = random.pick<Custom>([
    { kind: "strict" },
    { kind: "strict" },
    { kind: "grace", window: 10_000 },
    { kind: "steady", named: random.chance(0.5) },
    { kind: "reuse", times: 1 },
  ]);
  const withConflicts = random.chance(0.15);
  let trouble = random.pick([0, 0.05, 0.3]);
  const world = makeWorld(random, misfortuneOf(withConflicts), {
    passed: (now) => {
      server.run(now);
      ground.passed(now);
    },
    next: () => Math.min(server.next(), ground.next()),
    check: () => checks.step(),
    // whoever lost it does not know it, and goes on: from here on anything may happen
    lockBroken: () => {
      lawless = true;
      families.forEach((family) => family.conflict = true);
    },
  }, trace);
  const checks = makeChecks(world, () => server, () => ground.records);
  const server: Server = virtualServer(custom, () => trouble, random, {
    trace: world.trace,
    revoked: checks.revoked,
  });
  const ground: Ground = on === "files" ? fileGround(world) : storeGround(world, () => setting);
  const families: Family[] = [];
  let lawless = false;
  const counts = { gets: 0, served: 0, failed: 0, signIns: 0 };
  const setting: Setting = {
    world,
    ground,
    server: () => server,
    checks,
    life: random.pick([20_000, 120_000, 600_000]),
    sabotage,
    rotation: custom.kind === "strict" && random.chance(0.7) ? "strict" : undefined,
    signingIn: (family, locked) => {
      if (!locked) families.forEach((before) => before.conflict = true);
      family.conflict = lawless;
      families.push(family);
    },
    counts,
  };

  function misfortuneOf(withConflicts: boolean): Misfortune {
    const rate = (...rates: number[]) => random.pick(rates);
    return {
      death: rate(0, 0.005, 0.03),
      powerCut: rate(0, 0, 0.005),
      stop: rate(0, 0.003),
      diskError: rate(0, 0.003),
      fullDisk: rate(0, 0, 0.002),
      brokenLock: withConflicts && on === "files" ? 0.02 : 0,
    };
  }

  function calm(yes: boolean): void {
    world.calm(yes);
    ground.calm(yes);
  }

  async function live(): Promise<void> {
    world.trace(`server: ${JSON.stringify(custom)}`);
    calm(true);
    world.start("person", (process) => signIn(setting, process), world.now());
    await world.run();
    calm(false);
    const processes = 2 + random.below(4);
    const gets = 2 + random.below(8);
    for (let number = 1; number <= processes; number++) {
      world.start(
        `p${number}`,
        (process) => client(setting, process, gets),
        world.now() + random.below(1000),
      );
    }
    if (withConflicts && random.chance(0.3)) {
      const at = world.now() + random.below(setting.life * 2);
      world.start("stranger", (process) => signIn(setting, process, false), at);
    }
    await world.run();
    await afterwards();
  }

  /** When nothing goes wrong any more, there is a token again, or a reason to sign in. */
  async function afterwards(): Promise<void> {
    calm(true);
    trouble = 0;
    world.skip(3_600_000);
    world.start("last", async (process) => {
      try {
        await getToken(setting, process, "a", false);
      } catch (error) {
        const stored = checks.session();
        const family = stored && server.familyOf(stored.refreshToken!);
        if (family?.revoked || family?.conflict) return;
        throw new Error(`I8: all is well again, and there is no token: ${(error as Error).message}`);
      }
    }, world.now());
    await world.run();
  }

  const violation = await live().then(() => undefined, (error: Error) => {
    if (/^I\d+: /.test(error.message)) return error.message;
    throw error;
  });
  return { seed, violation, ...world.counts, ...counts, ...checks.counts };
}
