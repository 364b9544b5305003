import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { faults, storeFaults } from "./faults.ts";
import type { Event } from "../../lib/session/refresh_events.ts";
import type { RefreshMachine } from "../../lib/session/refresh_driver.ts";
import { begin, next, type Step } from "../../lib/session/refresh_protocol.ts";
import type { Sabotage, Session, Token } from "./client.ts";
import { type Report, simulate } from "./simulation.ts";

describe("the simulator of the refresh protocol", () => {
  it("finds no seed of 500 in which an invariant is broken", async () => {
    let refreshes = 0;
    let deaths = 0;
    for (let seed = 1; seed <= 500; seed++) {
      const report = await simulate(seed);
      assert.equal(report.violation, undefined, `deno task simulate --seed ${seed}`);
      refreshes += report.refreshes;
      deaths += report.deaths;
    }
    // it would find nothing either if nothing happened
    assert.ok(refreshes > 1000, `${refreshes} refreshes`);
    assert.ok(deaths > 1000, `${deaths} crashes`);
  });

  it("does the same for the same seed", async () => {
    const lines = async (seed: number) => {
      const lines: string[] = [];
      const report = await simulate(seed, { trace: (line) => lines.push(line) });
      return { lines, report };
    };
    const once = await lines(7);
    assert.ok(once.lines.length > 10);
    assert.deepEqual(await lines(7), once);
    assert.notDeepEqual((await lines(8)).lines, once.lines);
  });

  it("crashes in every step of the protocol", async () => {
    const died = new Map<string, number>();
    const effects = new WeakMap<object, string>();
    const begun = <S extends Step<Session, Token>>(step: S): S => {
      if (step.effect.do === "deliver" || step.effect.do === "fail") return step;
      effects.set(step.state, step.effect.do);
      died.set(step.effect.do, (died.get(step.effect.do) ?? 0) + 1);
      return step;
    };
    const machine = {
      begin: () => begun(begin<Session, Token>()),
      next: (state: Step<Session, Token>["state"], event: Event<Session, Token>) => {
        const effect = effects.get(state)!;
        died.set(effect, died.get(effect)! - 1);
        return begun(next(state, event));
      },
    } as unknown as RefreshMachine;
    for (let seed = 1; seed <= 400; seed++) await simulate(seed, { sabotage: { machine } });
    const steps = [
      "glance",
      "lock",
      "look",
      "prepare",
      "announce",
      "present",
      "log",
      "interpret",
      "commit",
      "keep",
    ];
    for (const step of [...steps, "tidy", "postpone", "rest", "relieve"]) {
      assert.ok(died.get(step), `nobody died in ${step}: ${JSON.stringify([...died])}`);
    }
  });

  for (const { name, sabotage, seeds } of faults) {
    it(`finds a protocol out that ${name}`, async () => {
      const found = await firstViolation(seeds, sabotage);
      assert.ok(found, `not within ${seeds} seeds`);
    });
  }
});

describe("the simulator of the refresh protocol on a store past one machine", () => {
  it("finds no seed of 300 in which an invariant is broken", async () => {
    const sum = { refreshes: 0, deaths: 0 };
    for (let seed = 1; seed <= 300; seed++) {
      const report = await simulate(seed, { on: "store" });
      assert.equal(report.violation, undefined, `deno task simulate --on store --seed ${seed}`);
      sum.refreshes += report.refreshes;
      sum.deaths += report.deaths;
    }
    assert.ok(sum.refreshes > 1000 && sum.deaths > 1000, JSON.stringify(sum));
  });

  for (const { name, sabotage, seeds } of storeFaults) {
    it(`finds a protocol out that ${name}`, async () => {
      assert.ok(await firstViolation(seeds, sabotage, "store"), `not within ${seeds} seeds`);
    });
  }
});

async function firstViolation(
  seeds: number,
  sabotage: Sabotage,
  on: "files" | "store" = "files",
): Promise<Report | undefined> {
  for (let seed = 1; seed <= seeds; seed++) {
    const report = await simulate(seed, { on, sabotage });
    if (report.violation) return report;
  }
  return undefined;
}
