import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { begin, next } from "../../lib/session/refresh_protocol.ts";
import type { Kept } from "../../lib/session/refresh_events.ts";
import {
  type AnEffect,
  type AnEvent,
  answered,
  dead,
  done,
  failed,
  holds,
  inWords,
  kept,
  later,
  logged,
  overtaken,
  processed,
  refused,
  seen,
  spoiled,
  unclear,
  unsent,
} from "./protocol_paths.ts";

const session = fc.constantFrom(
  undefined,
  kept(),
  kept("steady"),
  kept("grace"),
  kept("strict"),
  kept("strict", { refreshToken: "r2", receivedAt: 9 }),
  kept("strict", { alternatives: ["r8"] }),
  kept("strict", { signedInAt: 2, refreshToken: "n1" }),
  kept("strict", { refreshToken: undefined }),
  kept("strict", { dead: { at: 1, words: "over" } }),
);
const traces = fc.constantFrom({}, {}, { announced: true }, logged("theirs"), logged("theirs", false));
const sight = fc.record({
  kept: session,
  traces,
  verdict: fc.constantFrom("good", "due", "overdue", "useless"),
})
  .map(({ kept, traces, verdict }) => seen(verdict, { kept, ...traces }));

/** What may be reported to each effect. */
const reports: Record<string, fc.Arbitrary<AnEvent>> = {
  glance: sight,
  look: fc.oneof(sight, sight, sight, fc.constant(failed())),
  reread: fc.oneof(sight, fc.constant(failed())),
  lock: fc.constantFrom<AnEvent[]>(done, done, done, { is: "served", token: "t9" }, failed("timeout")),
  announce: fc.constantFrom(done, done, overtaken, failed()),
  present: fc.constantFrom(
    answered(),
    answered(),
    dead,
    refused,
    unsent,
    later(2),
    later(90),
    unclear,
    processed,
  ),
  log: fc.constantFrom(done, done, overtaken, failed()),
  interpret: fc.constantFrom(
    holds("r3"),
    holds(),
    spoiled("r3"),
    spoiled(),
    spoiled(undefined, true),
    failed(),
  ),
  commit: fc.constantFrom(done, overtaken, failed()),
  obtain: fc.constantFrom<AnEvent[]>({ is: "obtained", token: "t2" }, failed("network")),
};
const anything = fc.constantFrom(done, done, done, failed());

describe("the refresh protocol, whatever happens,", () => {
  it("comes to an end, gives the lock back, announces before it presents, and commits before it hands out", () => {
    fc.assert(
      fc.property(fc.boolean(), fc.gen(), (spends, generate) => {
        let { state, effect } = begin<Kept, string>({ spends });
        const path: AnEffect[] = [];
        let isLocked = false;
        let announced: string | undefined;
        let committed = false;
        for (let steps = 0; effect.do !== "deliver" && effect.do !== "fail"; steps++) {
          const where = path.map(inWords).join("\n");
          assert.ok(steps < 1500, where);
          if (effect.do === "present") assert.equal(effect.kept.refreshToken, announced, where);
          if (!["glance", "lock"].includes(effect.do)) assert.ok(isLocked, where);
          if (effect.do === "keep" && spends) assert.ok(committed, where);
          const event = generate(() => reports[(effect as AnEffect).do] ?? anything);
          if (effect.do === "lock") isLocked = event.is === "done";
          if (effect.do === "unlock") isLocked = false;
          if (effect.do === "announce") {
            announced = event.is === "done" ? effect.kept.refreshToken : undefined;
          }
          if (effect.do === "commit") committed = event.is === "done";
          path.push(effect);
          ({ state, effect } = next(state, event));
        }
        const where = path.map(inWords).join("\n");
        assert.ok(!isLocked, where);
        if (effect.do === "deliver" && effect.token === "t2" && spends) assert.ok(committed, where);
      }),
      { numRuns: 5000 },
    );
  });
});
