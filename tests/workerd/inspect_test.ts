import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "./inspect.ts";

const secret = "canary";
const holders: Record<string, unknown> = {
  "a member": { deep: [{ secret }] },
  "a key": { [secret]: 1 },
  "a symbol's member": { [Symbol("s")]: secret },
  "the name of a symbol": { [Symbol(secret)]: 1 },
  "a member that is not enumerable": Object.defineProperty({}, "x", { value: secret }),
  "a map": new Map([[{ secret }, 1]]),
  "a set": new Set([[secret]]),
  "headers": new Headers({ authorization: secret }),
  "parameters": new URLSearchParams({ secret }),
  "a URL": new URL(`https://a.test/?${secret}`),
  "an error's message": new Error(secret),
  "an error's cause": new Error("x", { cause: { secret } }),
  "an error's member": Object.assign(new Error("x"), { secret }),
  "a pattern": /canary/,
  "a function's member": Object.assign(() => {}, { secret }),
  "what an object wants to show": { [Symbol.for("nodejs.util.inspect.custom")]: () => ({ secret }) },
};

describe("a value that is shown", () => {
  for (const [name, value] of Object.entries(holders)) {
    it(`shows ${name}`, () => assert.match(inspect(value), /canary/));
  }

  it("does not show what an object keeps back from everybody", () => {
    const custom = { secret, [Symbol.for("nodejs.util.inspect.custom")]: () => "Token {}" };
    assert.equal(inspect({ custom }), "{custom: Token {}}");
    assert.doesNotMatch(inspect(() => secret), /canary/);
  });

  it("is written so that different values look different", () => {
    const values = [
      0,
      -0,
      NaN,
      "0",
      0n,
      null,
      undefined,
      [],
      [0],
      {},
      { a: undefined },
      new Set(),
      new Map(),
    ];
    assert.equal(new Set([...values.map((value) => inspect(value)), inspect(Object.create(null))]).size, 14);
    assert.equal(
      inspect({ a: [1, "b"], c: new Date(0) }),
      '{a: [1, "b"], c: Date {1970-01-01T00:00:00.000Z}}',
    );
  });

  it("may hold itself", () => {
    const ring: Record<string, unknown> = {};
    ring.self = ring;
    assert.equal(inspect(ring), "{self: [Circular]}");
  });
});
