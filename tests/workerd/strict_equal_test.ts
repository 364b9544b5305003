import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { isStrictlyEqual } from "./strict_equal.ts";

class Point {
  x: number;
  constructor(x: number) {
    this.x = x;
  }
}
class OtherPoint {
  x: number;
  constructor(x: number) {
    this.x = x;
  }
}
const hole: unknown[] = [];
hole.length = 1;
const hidden = (value: number) => Object.defineProperty({}, "x", { value });
const symbol = Symbol("s");
const bytes = (...values: number[]) => Uint8Array.from(values);
const error = (message: string, more: object = {}, cause?: unknown) =>
  Object.assign(new Error(message, { cause }), more);

const equal: [string, () => [unknown, unknown]][] = [
  ["NaN", () => [NaN, NaN]],
  ["objects whose keys come in another order", () => [{ a: 1, b: [2] }, { b: [2], a: 1 }]],
  ["keys that are symbols", () => [{ [symbol]: 1 }, { [symbol]: 1 }]],
  ["objects without a prototype", () => [Object.create(null), Object.create(null)]],
  ["instances of a class", () => [new Point(1), new Point(1)]],
  ["holes", () => [hole, hole.slice()]],
  ["errors", () => [error("a", { code: "x" }), error("a", { code: "x" })]],
  ["dates", () => [new Date(1), new Date(1)]],
  ["patterns", () => [/a/g, /a/g]],
  ["bytes", () => [bytes(1, 2), bytes(0, 1, 2).subarray(1)]],
  ["buffers", () => [bytes(1).buffer, bytes(1).buffer]],
  [
    "maps in another order",
    () => [new Map([[{ a: 1 }, 1], [{ a: 2 }, 2]]), new Map([[{ a: 2 }, 2], [{ a: 1 }, 1]])],
  ],
  ["sets in another order", () => [new Set([[1], [2]]), new Set([[2], [1]])]],
  ["URLs", () => [new URL("https://a/b"), new URL("https://a/b")]],
  ["boxes", () => [Object(1), Object(1)]],
  ["what holds itself", () => [ring(), ring()]],
  ["what differs in a hidden property alone", () => [hidden(1), hidden(2)]],
];

const different: [string, () => [unknown, unknown]][] = [
  ["zeros of two signs", () => [0, -0]],
  ["zeros of two signs inside", () => [{ a: 0 }, { a: -0 }]],
  ["a number and its text", () => [1, "1"]],
  ["null and undefined", () => [null, undefined]],
  ["null and an object", () => [null, {}]],
  ["a missing key and undefined", () => [{}, { a: undefined }]],
  ["one more key", () => [{ a: 1 }, { a: 1, b: 2 }]],
  ["other keys", () => [{ a: undefined }, { b: undefined }]],
  ["a value deep inside", () => [{ a: [{ b: 1 }] }, { a: [{ b: 2 }] }]],
  ["a symbol's value", () => [{ [symbol]: 1 }, { [symbol]: 2 }]],
  ["prototypes", () => [new Point(1), new OtherPoint(1)]],
  ["a class and a plain object", () => [new Point(1), { x: 1 }]],
  ["no prototype and the usual one", () => [Object.create(null), {}]],
  ["an array and an object", () => [[1], { 0: 1 }]],
  ["lengths", () => [[1], [1, undefined]]],
  ["an order", () => [[1, 2], [2, 1]]],
  ["a hole and undefined", () => [hole, [undefined]]],
  ["messages", () => [error("a"), error("b")]],
  ["members of errors", () => [error("a", { code: "x" }), error("a", { code: "y" })]],
  ["causes", () => [error("a", {}, 1), error("a", {}, 2)]],
  ["kinds of errors", () => [new TypeError("a"), new RangeError("a")]],
  ["dates", () => [new Date(1), new Date(2)]],
  ["patterns", () => [/a/g, /b/g]],
  ["flags", () => [/a/g, /a/i]],
  ["where a pattern stands", () => [/a/g, Object.assign(/a/g, { lastIndex: 1 })]],
  ["bytes", () => [bytes(1, 2), bytes(1, 3)]],
  ["how many bytes", () => [bytes(1), bytes(1, 0)]],
  ["kinds of bytes", () => [bytes(1), Int8Array.from([1])]],
  ["buffers", () => [bytes(1).buffer, bytes(2).buffer]],
  ["maps' values", () => [new Map([[1, { a: 1 }]]), new Map([[1, { a: 2 }]])]],
  ["maps' keys", () => [new Map([[{ a: 1 }, 1]]), new Map([[{ a: 2 }, 1]])]],
  ["sizes of sets", () => [new Set([1]), new Set([1, 2])]],
  ["sets of as many", () => [new Set([{ a: 1 }, { a: 1 }]), new Set([{ a: 1 }, { a: 2 }])]],
  ["boxes", () => [Object(1), Object(2)]],
  ["functions", () => [() => 1, () => 1]],
  ["symbols of one name", () => [Symbol("a"), Symbol("a")]],
  ["rings of two kinds", () => [ring(1), ring(2)]],
];

function ring(value = 0): unknown {
  const one: Record<string, unknown> = { value };
  one.self = { one };
  return one;
}

describe("deep equality", () => {
  for (const [name, pair] of equal) {
    it(`holds for ${name}, as node:assert says`, () => {
      assert.equal(isStrictlyEqual(...pair()), true);
      assert.equal(isStrictlyEqual(...pair().reverse() as [unknown, unknown]), true);
      assert.deepEqual(...pair());
    });
  }

  for (const [name, pair] of different) {
    it(`tells ${name} apart, as node:assert does`, () => {
      assert.equal(isStrictlyEqual(...pair()), false);
      assert.equal(isStrictlyEqual(...pair().reverse() as [unknown, unknown]), false);
      assert.throws(() => assert.deepEqual(...pair()));
    });
  }

  it("tells URLs, headers and parameters apart", () => {
    assert.equal(isStrictlyEqual(new URL("https://a/b"), new URL("https://a/c")), false);
    assert.equal(isStrictlyEqual(new Headers({ a: "1" }), new Headers({ a: "1" })), true);
    assert.equal(isStrictlyEqual(new Headers({ a: "1" }), new Headers({ a: "2" })), false);
    assert.equal(isStrictlyEqual(new URLSearchParams("a=1"), new URLSearchParams("a=2")), false);
  });

  it("does not judge what hides what is in it", async () => {
    const key = () => crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    const [one, other] = [await key(), await key()];
    assert.throws(() => isStrictlyEqual({ key: one }, { key: other }), TypeError);
    assert.equal(isStrictlyEqual({ key: one }, { key: one }), true);
  });

  it("agrees with node:assert about whatever is made of a few values", () => {
    const leaf = fc.constantFrom<unknown>(0, -0, 1, NaN, "1", "", null, undefined, true, 1n);
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 2 },
        leaf,
        fc.array(tie("value"), { maxLength: 2 }),
        fc.dictionary(fc.constantFrom("a", "b"), tie("value"), { maxKeys: 2, noNullPrototype: true }),
        fc.uniqueArray(leaf, { maxLength: 2 }).map((values) => new Set(values)),
        fc.tuple(leaf, tie("value")).map((entry) => new Map([entry])),
      ),
    }));
    fc.assert(
      fc.property(value, value, (one, other) => {
        assert.equal(isStrictlyEqual(one, other), judges(() => assert.deepEqual(one, other)));
        assert.ok(isStrictlyEqual(one, structuredClone(one)));
      }),
      { numRuns: 2000 },
    );
  });
});

function judges(assertion: () => void): boolean {
  try {
    assertion();
    return true;
  } catch {
    return false;
  }
}
