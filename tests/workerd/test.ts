/**
 * `node:test`, for the test file that is loaded now.
 *
 * @module
 */

import { type Suites, suites } from "./suites.ts";

let current: Suites = suites();

/** Begins a new list of suites, for the next file. */
export function newFile(): Suites {
  return current = suites();
}

/** A group of tests. */
export const describe: Suites["describe"] = (name, work) => current.describe(name, work);
/** A test. */
export const it: Suites["it"] = (name, work) => current.it(name, work);
/** What runs once before the tests of a suite. */
export const before: Suites["before"] = (work) => current.before(work);
/** What runs once after the tests of a suite. */
export const after: Suites["after"] = (work) => current.after(work);
/** What runs before each test of a suite. */
export const beforeEach: Suites["beforeEach"] = (work) => current.beforeEach(work);
/** What runs after each test of a suite. */
export const afterEach: Suites["afterEach"] = (work) => current.afterEach(work);
