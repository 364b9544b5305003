/**
 * Runs a test file inside workerd and tells its results on the console. Bundled by `scripts/workerd.ts`.
 *
 * @module
 */

import { inspect } from "./inspect.ts";
import { marker, type Told } from "./told.ts";
import { newFile } from "./test.ts";

/** A test or hook that takes longer hangs, in milliseconds. */
const timeout = 600_000;

// Kept from tests that listen to the console or replace timers.
const print = console.log.bind(console);
const turn = globalThis.setTimeout;

/** Rejections that nobody has handled so far. */
const unhandled = new Map<Promise<unknown>, unknown>();
addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  unhandled.set(event.promise, event.reason);
});
addEventListener("rejectionhandled", (event) => void unhandled.delete(event.promise));

/** What nobody has handled once everybody has had a turn to do so. */
async function strays(): Promise<unknown[]> {
  if (unhandled.size === 0) return [];
  await new Promise((resolve) => turn(resolve, 0));
  const reasons = [...unhandled.values()];
  unhandled.clear();
  return reasons;
}

/** What `workerd test` calls: a handler that loads a test file and runs what it declares. */
export interface Handler {
  test(): Promise<void>;
}

/** Makes the handler of a test file. */
export function handlerOf(file: string, load: () => Promise<unknown>): Handler {
  return { test: () => runFile(file, load) };
}

async function runFile(file: string, load: () => Promise<unknown>): Promise<void> {
  const suites = newFile();
  const tell = (told: Told): void => print(`${marker}${JSON.stringify(told)}`);
  unhandled.clear();
  tell({ file, starts: ["<load>"] });
  try {
    await load();
  } catch (error) {
    tell({ file, ended: ["<load>"], failure: describeFailure(error) });
  }
  await suites.run(
    (result) =>
      tell({
        file,
        ended: result.path,
        ...("error" in result ? { failure: describeFailure(result.error) } : {}),
      }),
    { timeout, starting: (path) => tell({ file, starts: path }), strays },
  );
  tell({ file, done: true });
}

function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return inspect(error);
  // Where it was thrown, then where the test stands.
  const where = (error.stack ?? "").split("\n").filter((line) => /^ {4}at /.test(line)).slice(0, 5);
  return [`${error.name}: ${error.message}`, ...where].join("\n");
}
