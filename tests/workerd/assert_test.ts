import nodeAssert from "node:assert/strict";
import { describe, it } from "node:test";
import ours, { AssertionError } from "./assert.ts";

type Assert = typeof ours;
type Attempt = (assert: Assert) => unknown;

const boom = (): never => {
  throw new TypeError("boom 42");
};
const failing = () => Promise.reject(new TypeError("boom 42"));
const coded = () =>
  Promise.reject(Object.assign(new Error("words"), { name: "TokenError", code: "network" }));

const holding: Record<string, Attempt> = {
  "a call with what is true": (assert) => assert(1),
  "ok with what is true": (assert) => assert.ok("x"),
  "equal of NaN": (assert) => assert.equal(NaN, NaN),
  "notEqual of zeros": (assert) => assert.notEqual(0, -0),
  "deepEqual of equal objects": (assert) => assert.deepEqual({ a: [1] }, { a: [1] }),
  "match of a match": (assert) => assert.match("abc", /b/),
  "doesNotMatch of another text": (assert) => assert.doesNotMatch("abc", /d/),
  "throws of what throws": (assert) => assert.throws(boom),
  "throws with its pattern": (assert) => assert.throws(boom, /^TypeError: boom \d+$/),
  "throws with its class": (assert) => assert.throws(boom, TypeError),
  "throws with the class above": (assert) => assert.throws(boom, Error),
  "throws with a judge": (assert) => assert.throws(boom, (error) => error.message === "boom 42"),
  "throws with members": (assert) => assert.throws(boom, { name: "TypeError", message: /boom/ }),
  "throws with an error": (assert) => assert.throws(boom, new TypeError("boom 42")),
  "doesNotThrow of what does not": (assert) => assert.doesNotThrow(() => {}),
  "rejects of a promise": (assert) => assert.rejects(failing()),
  "rejects of a function": (assert) => assert.rejects(failing, TypeError),
  "rejects with members": (assert) => assert.rejects(coded, { name: "TokenError", code: "network" }),
  "rejects with the same reason": (assert) => {
    const reason = new Error("enough");
    return assert.rejects(Promise.reject(reason), reason);
  },
};

const notHolding: Record<string, Attempt> = {
  "a call with what is not true": (assert) => assert(0),
  "ok of nothing": (assert) => assert.ok(undefined),
  "ok of an empty text": (assert) => assert.ok(""),
  "equal of a number and its text": (assert) => assert.equal(1, "1"),
  "equal of two objects": (assert) => assert.equal({}, {}),
  "notEqual of the same": (assert) => assert.notEqual("a", "a"),
  "deepEqual of other objects": (assert) => assert.deepEqual({ a: [1] }, { a: [2] }),
  "match of another text": (assert) => assert.match("abc", /d/),
  "match of no text": (assert) => assert.match(undefined as unknown as string, /undefined/),
  "doesNotMatch of a match": (assert) => assert.doesNotMatch("abc", /b/),
  "doesNotMatch of no text": (assert) => assert.doesNotMatch(undefined as unknown as string, /x/),
  "fail": (assert) => assert.fail("words"),
  "throws of what does not": (assert) => assert.throws(() => {}),
  "throws of what does not, with a class": (assert) => assert.throws(() => {}, TypeError),
  "throws with another pattern": (assert) => assert.throws(boom, /bang/),
  "throws with another class": (assert) => assert.throws(boom, RangeError),
  "throws with a judge who says no": (assert) => assert.throws(boom, () => false),
  "throws with a judge who says nothing": (assert) => assert.throws(boom, () => {}),
  "throws with another member": (assert) => assert.throws(boom, { message: "bang" }),
  "throws with a member that is not there": (assert) => assert.throws(boom, { code: "x" }),
  "throws with a pattern that a member does not match": (assert) => assert.throws(boom, { message: /bang/ }),
  "throws with another error": (assert) => assert.throws(boom, new TypeError("bang")),
  "throws with an error of another kind": (assert) => assert.throws(boom, new RangeError("boom 42")),
  "doesNotThrow of what throws": (assert) => assert.doesNotThrow(boom),
  "rejects of what succeeds": (assert) => assert.rejects(Promise.resolve()),
  "rejects of what succeeds, with members": (assert) => assert.rejects(Promise.resolve(), { code: "x" }),
  "rejects with another pattern": (assert) => assert.rejects(failing, /bang/),
  "rejects with another class": (assert) => assert.rejects(failing, RangeError),
  "rejects with a judge who says no": (assert) => assert.rejects(failing, () => false),
  "rejects with another code": (assert) => assert.rejects(coded, { name: "TokenError", code: "timeout" }),
  "rejects with another reason": (assert) => assert.rejects(failing, new Error("enough")),
  "rejects of a function that throws": (assert) => assert.rejects(boom as () => Promise<void>),
  "rejects of no promise": (assert) => assert.rejects((() => 1) as unknown as () => Promise<void>),
};

/** What an attempt fails with, if it does. */
async function failureOf(attempt: Attempt, assert: Assert): Promise<Error | undefined> {
  try {
    await attempt(assert);
  } catch (error) {
    return error as Error;
  }
}

/** The yardstick: Node's own, or Deno's or Bun's. */
const theirs = nodeAssert as unknown as Assert;

function say(isRight: boolean, words: string): void {
  if (!isRight) throw new Error(words);
}

// No assertion is used to judge the assertions.
describe("assertions where there is no node:assert", () => {
  for (const [name, attempt] of Object.entries(holding)) {
    it(`hold for ${name}, as node:assert's do`, async () => {
      say(await failureOf(attempt, ours) === undefined, "ours failed");
      say(await failureOf(attempt, theirs) === undefined, "node:assert's failed");
    });
  }

  for (const [name, attempt] of Object.entries(notHolding)) {
    it(`fail for ${name}, as node:assert's do`, async () => {
      say(await failureOf(attempt, ours) !== undefined, "ours held");
      say(await failureOf(attempt, theirs) !== undefined, "node:assert's held");
    });
  }

  it("fail with what was there, what was expected, and the words of the test", async () => {
    const failure = await failureOf((assert) => assert.deepEqual({ a: 1 }, { a: 2 }, "the answer"), ours);
    say(failure instanceof AssertionError, "another error");
    for (const part of ["the answer", "{a: 1}", "{a: 2}"]) {
      say(failure!.message.includes(part), failure!.message);
    }
  });

  it("throw the error that a test gives in place of words", async () => {
    const given = new RangeError("mine");
    say(await failureOf((assert) => assert.equal(1, 2, given), ours) === given, "another error");
  });

  it("find a pattern wherever an earlier search left it", async () => {
    const pattern = /b/g;
    pattern.lastIndex = 3;
    say(await failureOf((assert) => assert.match("abc", pattern), ours) === undefined, "not found");
    say(await failureOf((assert) => assert.doesNotMatch("abc", pattern), ours) !== undefined, "found");
  });

  it("do not take an expectation that fits everything", async () => {
    say(await failureOf((assert) => assert.throws(boom, {}), ours) !== undefined, "ours held");
  });
});
