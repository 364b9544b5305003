import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type RunOptions, type Suites, suites, type TestResult } from "./suites.ts";

/** Runs what `declare` declares: how each test ended, "ok" or the message of what it failed with. */
async function run(declare: (suites: Suites) => void, options?: RunOptions): Promise<[string, string][]> {
  const made = suites();
  declare(made);
  const results: TestResult[] = [];
  await made.run((result) => results.push(result), options);
  return results.map((result) => [
    result.path.join(" > "),
    "error" in result ? String((result.error as Error | undefined)?.message ?? result.error) : "ok",
  ]);
}

const broken = (message: string) => () => {
  throw new Error(message);
};

describe("suites where there is no node:test", () => {
  it("run every test once, in order, under its full name", async () => {
    const seen: string[] = [];
    const results = await run(({ describe, it }) => {
      it("alone", () => seen.push("alone"));
      describe("outer", () => {
        it("first", async () => {
          await Promise.resolve();
          seen.push("first");
        });
        describe("inner", () => it("deep", () => seen.push("deep")));
        it("last", () => seen.push("last"));
      });
    });
    assert.deepEqual(seen, ["alone", "first", "deep", "last"]);
    assert.deepEqual(results.map(([name]) => name), [
      ...["alone", "outer > first", "outer > inner > deep", "outer > last"],
    ]);
    assert.ok(results.every(([, how]) => how === "ok"));
  });

  it("fail a test that throws or rejects, whatever with, and go on", async () => {
    const results = await run(({ it }) => {
      it("throws", broken("thrown"));
      it("rejects", () => Promise.reject(new Error("rejected")));
      it("throws nothing at all", () => {
        throw undefined;
      });
      it("passes", () => {});
    });
    assert.deepEqual(results.map(([, how]) => how), ["thrown", "rejected", "undefined", "ok"]);
  });

  it("call hooks around tests, the outer ones outside", async () => {
    const seen: string[] = [];
    const note = (word: string) => async () => {
      await Promise.resolve();
      seen.push(word);
    };
    await run(({ describe, it, before, after, beforeEach, afterEach }) => {
      before(note("before file"));
      beforeEach(note("("));
      afterEach(note(")"));
      after(note("after file"));
      describe("suite", () => {
        after(note("after suite"));
        before(note("before suite"));
        beforeEach(note("["));
        afterEach(note("]"));
        it("one", note("one"));
        it("two", note("two"));
      });
    });
    assert.deepEqual(seen, [
      ...["before file", "before suite", "(", "[", "one", "]", ")", "(", "[", "two", "]", ")"],
      ...["after suite", "after file"],
    ]);
  });

  it("fail when a hook fails", async () => {
    const around = async (hook: "before" | "after" | "beforeEach" | "afterEach") =>
      await run((made) => {
        made[hook](broken(hook));
        made.describe("suite", () => made.it("test", () => {}));
      });
    assert.deepEqual(await around("before"), [["<before>", "before"]]);
    assert.deepEqual(await around("beforeEach"), [["suite > test", "beforeEach"]]);
    assert.deepEqual(await around("afterEach"), [["suite > test", "afterEach"]]);
    assert.deepEqual(await around("after"), [["suite > test", "ok"], ["<after>", "after"]]);
  });

  it("clean up after a test that failed and after a suite that could not begin", async () => {
    const seen: string[] = [];
    await run(({ describe, it, before, after, afterEach }) => {
      describe("suite", () => {
        before(broken("no"));
        after(() => seen.push("after"));
        it("test", () => seen.push("test"));
      });
      afterEach(() => seen.push("afterEach"));
      it("fails", broken("no"));
    });
    assert.deepEqual(seen, ["after", "afterEach"]);
  });

  it("fail for a suite whose function throws or is asynchronous", async () => {
    const results = await run(({ describe, it }) => {
      describe("broken", () => {
        it("never runs", () => {});
        throw new Error("half declared");
      });
      describe("asynchronous", async () => await Promise.resolve());
    });
    assert.equal(results.length, 2);
    assert.deepEqual(results[0], ["broken > <before>", "half declared"]);
    assert.match(results[1][1], /is asynchronous/);
  });

  it("fail for a test or a hook that hangs, and go on", async () => {
    const hang = () => new Promise(() => {});
    const results = await run(({ it, after }) => {
      it("hangs", hang);
      it("is in time", () => Promise.resolve());
      after(hang);
    }, { timeout: 1 });
    assert.deepEqual(results.map(([name]) => name), ["hangs", "is in time", "<after>"]);
    for (const at of [0, 2]) assert.match(results[at][1], /still running after 1 ms/);
    assert.equal(results[1][1], "ok");
  });

  it("fail for what went wrong beside a test", async () => {
    const strays: unknown[] = [];
    const results = await run(({ it, after }) => {
      it("leaves something", () => strays.push(new Error("unhandled")));
      it("leaves nothing", () => {});
      after(() => strays.push(new Error("late")));
    }, { strays: () => Promise.resolve(strays.splice(0)) });
    assert.deepEqual(results, [
      ["leaves something", "unhandled"],
      ["leaves nothing", "ok"],
      ["<after>", "late"],
    ]);
  });

  it("tell which test begins", async () => {
    const begun: string[] = [];
    await run(({ describe, it }) => describe("suite", () => it("test", () => {})), {
      starting: (path) => begun.push(path.join(" > ")),
    });
    assert.deepEqual(begun, ["suite > test"]);
  });

  it("refuse what they do not offer: options, contexts, callbacks, tests without a function", () => {
    const made = suites();
    const it = made.it as (...given: unknown[]) => void;
    assert.throws(() => it("options", {}, () => {}), TypeError);
    assert.throws(() => it("nothing to run"), TypeError);
    assert.throws(() => it("a context", (_context: unknown) => {}), TypeError);
    assert.throws(() => (made.describe as typeof it)(() => {}), TypeError);
  });
});
