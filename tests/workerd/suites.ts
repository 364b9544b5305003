/**
 * What `node:test` is for a test file, where there is no `node:test`: suites, tests and hooks are gathered, then run one
 * after the other.
 *
 * @module
 */

/** How one test ended. */
export interface TestResult {
  /** The suites that it is in, from the outermost, and the test itself. */
  readonly path: readonly string[];
  /** What it failed with; absent when it passed. */
  readonly error?: unknown;
}

type Work = () => unknown;

// Kept from tests that put timers of their own in their place.
const { setTimeout, clearTimeout } = globalThis;

interface Test {
  readonly name: string;
  readonly work: Work;
}

interface Suite {
  readonly name: string;
  readonly parent?: Suite;
  readonly members: (Suite | Test)[];
  readonly hooks: Record<Hook, Work[]>;
  /** What the suite's function threw. */
  broken?: { readonly error: unknown };
}

const HOOKS = ["before", "after", "beforeEach", "afterEach"] as const;
type Hook = typeof HOOKS[number];

/** Suites and tests, as a test file declares them. */
export interface Suites extends Record<Hook, (work: Work) => void> {
  describe(name: string, work: Work): void;
  it(name: string, work: Work): void;
  /** Runs all that was declared and tells each result as it comes. */
  run(tell: (result: TestResult) => void, options?: RunOptions): Promise<void>;
}

/** How to run. */
export interface RunOptions {
  /** When a test or a hook counts as hanging, in milliseconds. Default: never. */
  readonly timeout?: number;
  /** Told before each test. */
  readonly starting?: (path: readonly string[]) => void;
  /** What went wrong by itself since it was asked last: a rejection that nobody handled. */
  readonly strays?: () => Promise<unknown[]>;
}

/** Makes an empty list of suites. */
export function suites(): Suites {
  const root = newSuite("");
  let current = root;

  function describe(name: string, work: Work): void {
    const suite = newSuite(check(name, work), current);
    current.members.push(suite);
    current = suite;
    try {
      const gathered = work();
      // Which suite an asynchronous function declares in could not be told once others run beside it.
      if (isThenable(gathered)) throw new TypeError(`The function of the suite "${name}" is asynchronous`);
    } catch (error) {
      suite.broken = { error };
    } finally {
      current = suite.parent!;
    }
  }

  function it(name: string, work: Work): void {
    current.members.push({ name: check(name, work), work });
  }

  const hooks = Object.fromEntries(
    HOOKS.map((hook) => [hook, (work: Work): void => void current.hooks[hook].push(work)]),
  ) as Record<Hook, (work: Work) => void>;

  return { describe, it, ...hooks, run: (tell, options = {}) => runSuite(root, tell, options) };
}

function newSuite(name: string, parent?: Suite): Suite {
  return { name, parent, members: [], hooks: { before: [], after: [], beforeEach: [], afterEach: [] } };
}

/** Options, contexts and callbacks of `node:test` are not here: what would use them must not pass by doing nothing. */
function check(name: unknown, work: unknown): string {
  if (typeof name !== "string" || typeof work !== "function") {
    throw new TypeError("A suite and a test have a name and a function, nothing else");
  }
  if (work.length > 0) {
    throw new TypeError(`"${name}" wants a context or a callback, which is not offered here`);
  }
  return name;
}

async function runSuite(
  suite: Suite,
  tell: (result: TestResult) => void,
  options: RunOptions,
): Promise<void> {
  const failed = await failureOf(async () => {
    if (suite.broken) throw suite.broken.error;
    for (const hook of suite.hooks.before) await inTime(hook, options);
  });
  if (failed) tell({ path: pathOf(suite, "<before>"), error: failed.error });
  else {
    for (const member of suite.members) {
      if ("members" in member) await runSuite(member, tell, options);
      else await runTest(suite, member, tell, options);
    }
  }
  for (const hook of suite.hooks.after) {
    const failed = await failureOf(() => inTime(hook, options));
    if (failed) tell({ path: pathOf(suite, "<after>"), error: failed.error });
  }
  for (const error of await options.strays?.() ?? []) tell({ path: pathOf(suite, "<after>"), error });
}

async function runTest(
  suite: Suite,
  test: Test,
  tell: (result: TestResult) => void,
  options: RunOptions,
): Promise<void> {
  const path = pathOf(suite, test.name);
  options.starting?.(path);
  const lineage = lineageOf(suite);
  let failed = await failureOf(async () => {
    for (const { hooks } of lineage) for (const hook of hooks.beforeEach) await inTime(hook, options);
    await inTime(test.work, options);
  });
  for (const { hooks } of lineage.toReversed()) {
    for (const hook of hooks.afterEach) failed = (await failureOf(() => inTime(hook, options))) ?? failed;
  }
  for (const error of await options.strays?.() ?? []) failed ??= { error };
  tell(failed ? { path, error: failed.error } : { path });
}

/** A suite and those that it is in, from the outermost. */
function lineageOf(suite: Suite | undefined): Suite[] {
  return suite ? [...lineageOf(suite.parent), suite] : [];
}

function pathOf(suite: Suite, name: string): string[] {
  return [...lineageOf(suite).map(({ name }) => name).filter((name) => name !== ""), name];
}

async function failureOf(work: Work): Promise<{ readonly error: unknown } | undefined> {
  try {
    await work();
  } catch (error) {
    return { error };
  }
}

async function inTime(work: Work, { timeout }: RunOptions): Promise<void> {
  const done = work();
  if (timeout === undefined || !isThenable(done)) return void await done;
  let timer: ReturnType<typeof setTimeout>;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`It was still running after ${timeout} ms`)), timeout);
  });
  await Promise.race([done, late]).finally(() => clearTimeout(timer));
}

function isThenable(value: unknown): boolean {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === "function";
}
