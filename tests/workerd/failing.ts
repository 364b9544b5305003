// What can go wrong in a test file in workerd. Run by tests/runtimes/workerd_core_test.ts, never as a test by itself.

import assert from "node:assert/strict";
import { before, describe, it } from "node:test";

it("passes", () => assert.equal(1, 1));

describe("a suite", () => {
  it("fails an assertion", () => assert.deepEqual({ a: 1 }, { a: 2 }));
  it("rejects", async () => {
    await Promise.resolve();
    throw new RangeError("out of range");
  });
  it("leaves a rejection alone", () => {
    Promise.reject(new Error("nobody cares"));
  });
  it("handles a rejection later", async () => {
    const rejected = Promise.reject(new Error("somebody cares"));
    await new Promise((resolve) => setTimeout(resolve, 0));
    await assert.rejects(rejected);
  });
});

describe("a broken suite", () => {
  before(() => {
    throw new Error("cannot begin");
  });
  it("never runs", () => {});
});

it("has none of Node, Deno and Bun around it, and no network", async () => {
  const { process, Buffer, Deno, Bun, require, setImmediate } = globalThis as Record<string, unknown>;
  assert.deepEqual({ process, Buffer, Deno, Bun, require, setImmediate }, {
    ...{ process: undefined, Buffer: undefined, Deno: undefined },
    ...{ Bun: undefined, require: undefined, setImmediate: undefined },
  });
  await assert.rejects(fetch("http://127.0.0.1:1/"));
});
