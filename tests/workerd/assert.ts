/**
 * `node:assert/strict`, as far as the tests of the core use it.
 *
 * @module
 */

import { inspect } from "./inspect.ts";
import { isStrictlyEqual } from "./strict_equal.ts";

/** What an assertion that does not hold throws. */
export class AssertionError extends Error {
  override readonly name = "AssertionError";
  readonly code = "ERR_ASSERTION";
}

/** What an error has to be like. */
// deno-lint-ignore no-explicit-any -- as `node:assert` types it
type Expected = RegExp | Error | Record<string, unknown> | ((error: any) => unknown);

/** A message of the caller's: an error is thrown as it is. */
type Message = string | Error | undefined;

function failWith(message: Message, otherwise: () => string): never {
  if (message instanceof Error) throw message;
  throw new AssertionError(message === undefined ? otherwise() : `${message}\n${otherwise()}`);
}

function ok(value: unknown, message?: Message): void {
  if (!value) failWith(message, () => `Not true: ${inspect(value)}`);
}

function equal(actual: unknown, expected: unknown, message?: Message): void {
  if (!Object.is(actual, expected)) failWith(message, () => difference(actual, expected));
}

function notEqual(actual: unknown, expected: unknown, message?: Message): void {
  if (Object.is(actual, expected)) failWith(message, () => `Not different: ${inspect(actual)}`);
}

function deepEqual(actual: unknown, expected: unknown, message?: Message): void {
  if (!isStrictlyEqual(actual, expected)) failWith(message, () => difference(actual, expected));
}

function match(text: unknown, pattern: RegExp, message?: Message): void {
  if (typeof text !== "string" || !found(text, pattern)) {
    failWith(message, () => `Does not match ${pattern}: ${inspect(text)}`);
  }
}

function doesNotMatch(text: unknown, pattern: RegExp, message?: Message): void {
  if (typeof text !== "string" || found(text, pattern)) {
    failWith(message, () => `Matches ${pattern}: ${inspect(text)}`);
  }
}

function fail(message?: Message): never {
  failWith(message, () => "Failed");
}

function throws(work: () => unknown, expected?: Expected | string, message?: Message): void {
  if (typeof work !== "function") throw new TypeError("It takes a function");
  const thrown = failureOf(work);
  if (!thrown) failWith(messageOf(expected, message), () => "Nothing was thrown");
  else check(thrown.error, expected, message);
}

function doesNotThrow(work: () => unknown, message?: Message): void {
  const thrown = failureOf(work);
  if (thrown) failWith(message, () => `It threw ${inspect(thrown.error)}`);
}

async function rejects(
  work: PromiseLike<unknown> | (() => PromiseLike<unknown>),
  expected?: Expected | string,
  message?: Message,
): Promise<void> {
  const promise = typeof work === "function" ? work() : work;
  if (typeof promise?.then !== "function") throw new TypeError("It takes a promise");
  let thrown: { readonly error: unknown } | undefined;
  try {
    await promise;
  } catch (error) {
    thrown = { error };
  }
  if (!thrown) failWith(messageOf(expected, message), () => "Nothing was rejected");
  else check(thrown.error, expected, message);
}

function failureOf(work: () => unknown): { readonly error: unknown } | undefined {
  try {
    work();
  } catch (error) {
    return { error };
  }
}

/** Where the expectation may stand, a message may stand too. */
function messageOf(expected: Expected | string | undefined, message: Message): Message {
  return typeof expected === "string" ? expected : message;
}

function check(error: unknown, expected: Expected | string | undefined, message: Message): void {
  if (expected === undefined || typeof expected === "string") return;
  if (expected instanceof RegExp) {
    if (!found(String(error), expected)) {
      failWith(message, () => `The error does not match ${expected}: ${inspect(error)}`);
    }
  } else if (typeof expected === "function") {
    if (!satisfies(error, expected)) failWith(message, () => `Not the expected error: ${inspect(error)}`);
  } else checkMembers(error, expected as Record<string, unknown>, message);
}

function satisfies(error: unknown, expected: (error: unknown) => unknown): boolean {
  if (expected.prototype !== undefined && error instanceof expected) return true;
  // A class of errors is not called.
  if (Object.prototype.isPrototypeOf.call(Error, expected) || (expected as unknown) === Error) return false;
  return expected(error) === true;
}

function checkMembers(error: unknown, expected: Record<string, unknown>, message: Message): void {
  const names = [...Object.keys(expected), ...(expected instanceof Error ? ["name", "message"] : [])];
  if (names.length === 0) throw new TypeError("An expected error without members would fit every error");
  if (typeof error !== "object" || error === null) {
    failWith(message, () => `Not an object: ${inspect(error)}`);
  }
  for (const name of names) {
    const [actual, wanted] = [Reflect.get(error, name), expected[name]];
    const fits = wanted instanceof RegExp && typeof actual === "string"
      ? found(actual, wanted)
      : name in error && isStrictlyEqual(actual, wanted);
    if (!fits) {
      failWith(message, () => `The error's ${name}: ${difference(actual, wanted)}\n${inspect(error)}`);
    }
  }
}

/** Whether a pattern is in a text, wherever a pattern with a memory stood before. */
function found(text: string, pattern: RegExp): boolean {
  return text.search(pattern) >= 0;
}

function difference(actual: unknown, expected: unknown): string {
  return `Not equal:\n  actual:   ${inspect(actual)}\n  expected: ${inspect(expected)}`;
}

const assert = Object.assign((value: unknown, message?: Message): void => ok(value, message), {
  ...{ AssertionError, ok, equal, notEqual, deepEqual, match, doesNotMatch },
  ...{ fail, throws, doesNotThrow, rejects },
  ...{ strictEqual: equal, notStrictEqual: notEqual, deepStrictEqual: deepEqual },
});

export { assert as default };
