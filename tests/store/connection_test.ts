import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TokenError } from "../../lib/errors.ts";
import { connection, type Failure, leaseTime, nameOfError } from "../../lib/store/connection.ts";
import { fakeClock } from "../fake_clock.ts";

const passing: Failure = { reason: "it was lost", passing: true, nextStep: "Look at it" };
const lasting: Failure = { ...passing, reason: "it is forbidden", passing: false };

describe("a call to a store", () => {
  it("gives what was answered, and leaves nothing waiting", async () => {
    const clock = fakeClock();
    const { call, insist } = connection({ clock }, () => passing);
    assert.equal(await call("read", () => Promise.resolve("answer")), "answer");
    assert.equal(await insist("read", () => Promise.resolve("answer")), "answer");
    assert.equal(clock.waiting(), 0);
  });

  it("fails with what an error amounts to, never with the error", async () => {
    const { call } = connection({ clock: fakeClock() }, () => lasting);
    await assert.rejects(call("read", () => Promise.reject(new Error("secret"))), {
      name: "TokenError",
      code: "storage",
      message: "Cannot read: it is forbidden",
      nextStep: "Look at it",
      retryable: false,
    });
    const thrower = () => {
      throw new Error("secret");
    };
    await assert.rejects(call("read", thrower), { message: "Cannot read: it is forbidden" });
  });

  it("passes on an error of ours", async () => {
    const ours = new TokenError("invalid_argument", "Cannot do it");
    const { call, insist } = connection({ clock: fakeClock() }, () => passing);
    await assert.rejects(call("read", () => Promise.reject(ours)), ours);
    await assert.rejects(insist("read", () => Promise.reject(ours)), ours);
  });

  it("is over at the deadline, and its signal says so", async () => {
    const clock = fakeClock();
    const { call } = connection({ clock, deadline: 1500 }, () => passing);
    let heard: AbortSignal | undefined;
    const failing = assert.rejects(
      call("read", (signal) => {
        heard = signal;
        return new Promise(() => {});
      }),
      { code: "storage", message: "Cannot read: no answer came within 1.5 s" },
    );
    await clock.advance(1499);
    assert.equal(heard?.aborted, false);
    await clock.advance(1);
    await failing;
    assert.equal(heard?.aborted, true);
  });

  it("is made again while its failure passes, less and less often", async () => {
    const clock = fakeClock();
    const { insist } = connection({ clock }, () => passing);
    const at: number[] = [];
    const done = insist("write", () => {
      at.push(clock.monotonic());
      return at.length < 8 ? Promise.reject(new Error("lost")) : Promise.resolve("written");
    });
    await clock.advance(2000);
    assert.equal(await done, "written");
    const pauses = at.slice(1).map((time, index) => time - at[index]);
    const longest = [20, 40, 80, 160, 320, 320, 320];
    pauses.forEach((pause, index) => {
      assert.ok(pause >= longest[index] / 2 && pause <= longest[index], `${pauses}`);
    });
  });

  it("fails with its own reason when it has failed up to the deadline", async () => {
    const clock = fakeClock();
    const { insist } = connection({ clock }, () => passing);
    let calls = 0;
    const failing = assert.rejects(
      insist("write", () => {
        calls++;
        return Promise.reject(new Error("lost"));
      }),
      { code: "storage", message: "Cannot write: it was lost", retryable: true },
    );
    await clock.advance(2000);
    await failing;
    assert.ok(calls > 5);
    assert.equal(clock.waiting(), 0);
  });

  it("is not made again when its failure lasts", async () => {
    const { insist } = connection({ clock: fakeClock() }, () => lasting);
    let calls = 0;
    await assert.rejects(
      insist("write", () => {
        calls++;
        return Promise.reject(new Error("forbidden"));
      }),
      { message: "Cannot write: it is forbidden" },
    );
    assert.equal(calls, 1);
  });

  it("needs a deadline", () => {
    for (const deadline of [0, -1, NaN, Infinity]) {
      assert.throws(() => connection({ deadline }, () => passing), { code: "invalid_argument" });
    }
  });
});

describe("the name of a foreign error", () => {
  it("is a code or a class, and nothing of its message", () => {
    class SocketClosedUnexpectedlyError extends Error {}
    const cases: [error: unknown, name: string][] = [
      [Object.assign(new Error("connect 10.0.0.1"), { code: "ECONNREFUSED" }), "ECONNREFUSED"],
      [Object.assign(new Error("secret"), { code: "a secret" }), "the call failed"],
      [new SocketClosedUnexpectedlyError("secret"), "SocketClosedUnexpectedlyError"],
      [
        Object.assign(new Error("secret"), { name: "MaxRetriesPerRequestError" }),
        "MaxRetriesPerRequestError",
      ],
      [Object.assign(new Error("secret"), { name: "a secret Error" }), "the call failed"],
      [new TypeError("secret"), "TypeError"],
      ["secret", "the call failed"],
      [undefined, "the call failed"],
      [null, "the call failed"],
    ];
    for (const [error, name] of cases) assert.equal(nameOfError(error), name);
  });
});

describe("the time of a lease", () => {
  it("is whole milliseconds, at least one", () => {
    assert.deepEqual([0.2, 1, 1.5, 45_000].map(leaseTime), [1, 1, 2, 45_000]);
    for (const milliseconds of [0, -1, NaN, Infinity]) {
      assert.throws(() => leaseTime(milliseconds), { code: "invalid_argument" });
    }
  });
});
