/**
 * Starting the program that opens a page.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { delimiter } from "node:path";
import process from "node:process";
import type { Clock } from "../clock.ts";
import { absolutePath, type Surroundings } from "./_executables.ts";

/** Stands in an opener's words where the URL goes. */
export const URL_WORD = Symbol("URL");

/** A program that opens a page. */
export interface Opener {
  /** Its whole path. */
  readonly program: string;
  /** Its arguments; {@linkcode URL_WORD} is the URL. */
  readonly words: readonly (string | typeof URL_WORD)[];
  /** The environment variable that carries the URL, instead of an argument. */
  readonly urlVariable?: string;
  /** Whether what it prints is for the person: `BROWSER=echo` shows the URL. Default: false. */
  readonly isShown?: boolean;
}

/** How long an opener may take to fail, in milliseconds. Afterwards it counts as a browser that is running. */
const PATIENCE = 1000;

/** Starts an opener, without waiting for a browser to end. Whether it took the URL. */
export async function start(
  opener: Opener,
  url: string,
  surroundings: Surroundings,
  clock: Clock,
): Promise<boolean> {
  const settled = new AbortController();
  const outcome = new Promise<boolean>((resolve) => {
    const child = spawn(opener.program, opener.words.map((word) => word === URL_WORD ? url : word), {
      // Standard output is for the answer: what an opener prints there goes to standard error.
      stdio: ["ignore", opener.isShown ? 2 : "ignore", "ignore"],
      // A session of its own: the browser outlives this program and its Ctrl-C. On Windows that would hide a failure.
      detached: surroundings.platform !== "windows",
      windowsHide: true,
      env: environmentFor(opener, url, surroundings),
    });
    child.on("error", () => resolve(false));
    child.on("exit", (code) => resolve(code === 0));
    child.unref();
  }).catch(() => false);
  const patience = clock.sleep(PATIENCE, settled.signal).then(() => true, () => false);
  const taken = await Promise.race([outcome, patience]);
  settled.abort();
  return taken;
}

function environmentFor(opener: Opener, url: string, surroundings: Surroundings): NodeJS.ProcessEnv {
  const environment: NodeJS.ProcessEnv = { ...process.env };
  // A browser has no business with it, and its children inherit all.
  delete environment.APEX_CLIENT_SECRET;
  // An opener that is a script looks for its helpers there.
  environment.PATH = absolutePath(surroundings).join(delimiter);
  if (opener.urlVariable !== undefined) environment[opener.urlVariable] = url;
  return environment;
}
