/**
 * What the surroundings of a workstation give: one record, passed in everywhere, faked in tests.
 *
 * @module
 */

import { homedir, userInfo } from "node:os";
import process from "node:process";
import { isatty } from "node:tty";
import { type Clock, systemClock } from "../clock.ts";
import type { Fetch } from "../http/http.ts";
import { type Browser, browser, openBrowser } from "./browser.ts";
import { type Directories, directories, type Platform } from "./directories.ts";
import { type Interrupt, interrupt } from "./interrupt.ts";
import type { CallbackListener, ListenOptions } from "./loopback_listener.ts";
import { networkFileSystem } from "./network_file_system.ts";
import { answer, readInput, say, status, wantsColor } from "./standard_streams.ts";
import { type Terminal, terminal } from "./terminal.ts";

export type { Browser, CallbackListener, Directories, Fetch, Interrupt, ListenOptions, Platform, Terminal };

/** Everything that a command needs of the machine and of the person in front of it. */
export interface Host {
  /** What runs this program. */
  readonly runtime: "deno" | "bun" | "node";
  /** On what it runs. */
  readonly platform: Platform;
  /** The value of an environment variable; an empty one counts as unset. */
  environment(name: string): string | undefined;
  /** Where this program keeps its files; see {@linkcode Directories}. */
  readonly directories: Directories;
  /** Where time comes from. */
  readonly clock: Clock;
  /** The name of the network file system that a path is on, where it is on one. */
  networkFileSystem(path: string): string | undefined;
  /** Writes a line for people to standard error. The text must be safe already. */
  say(text: string): void;
  /** Writes a line for people that the next one replaces; only for a terminal. An empty text takes it away. */
  status(text: string): void;
  /**
   * Writes the whole answer to standard output, as it is. A reader that went away ends it quietly.
   *
   * @throws {TokenError} `storage` when it cannot be written
   */
  answer(text: string): void;
  /** Who can be asked; absent when standard input or standard error is not a terminal. */
  readonly terminal: Terminal | undefined;
  /** Whether standard error is a terminal. */
  readonly isErrorTerminal: boolean;
  /** The width of standard error, in characters; 80 where nobody knows. */
  readonly columns: number;
  /** Whether text on standard error may be coloured. */
  readonly color: boolean;
  /**
   * Reads all of standard input.
   *
   * @throws {TokenError} `invalid_argument` when it is longer than 64 KiB, `storage` when it cannot be read
   */
  readInput(): Promise<Uint8Array>;
  /** Whether a page can be opened here, or in plain words why not: a clause for the middle of a sentence. */
  browser(): Browser;
  /** Opens an `https` page, or an `http` page of this machine. Whether some program took it. */
  openBrowser(url: string): Promise<boolean>;
  /**
   * A `fetch` that trusts what the machine trusts and takes the proxy of the environment. It never follows redirects.
   *
   * @throws {TokenError} `storage` when `caFile` cannot be read, `invalid_argument` when there is no certificate in it
   */
  fetch(ca?: { readonly caFile?: string }): Promise<Fetch | undefined>;
  /**
   * Listens on the loopback interface for the answer of an authorization endpoint.
   *
   * @throws {TokenError} `invalid_argument` when `redirectUri` is not a loopback URI, or when its port cannot be had
   */
  listen(options: ListenOptions): Promise<CallbackListener>;
  /** A signal that aborts on SIGINT, SIGTERM and SIGHUP, so that a wait can end in order. */
  interrupt(): Interrupt;
}

const PLATFORMS: Readonly<Record<string, Platform>> = { linux: "linux", darwin: "darwin", win32: "windows" };

/** The machine that this program runs on. */
export function workstation(): Host {
  const runtime = "Deno" in globalThis ? "deno" : "Bun" in globalThis ? "bun" : "node";
  const platform = PLATFORMS[process.platform] ?? "other";
  const environment = (name: string): string | undefined => process.env[name] || undefined;
  const surroundings = { platform, environment };
  const isErrorTerminal = isatty(2);
  const once = lazily();
  return {
    runtime,
    platform,
    environment,
    clock: systemClock,
    networkFileSystem: (path) => networkFileSystem(path),
    get directories() {
      return once(
        "directories",
        () => directories({ ...surroundings, home: homedir() || userInfo().homedir }),
      );
    },
    say,
    status,
    answer,
    get terminal() {
      return isErrorTerminal && isatty(0) ? once("terminal", terminal) : undefined;
    },
    isErrorTerminal,
    get columns() {
      return isErrorTerminal ? process.stderr.columns || 80 : 80;
    },
    get color() {
      return wantsColor(environment, isErrorTerminal);
    },
    readInput,
    browser: () => browser(surroundings),
    openBrowser: (url) => openBrowser(url, surroundings),
    async fetch({ caFile } = {}) {
      const { machineFetch } = await import("./machine_fetch.ts");
      return await machineFetch({ runtime, platform, environment, caFile });
    },
    async listen(options) {
      const { listen } = await import("./loopback_listener.ts");
      return await listen(options);
    },
    interrupt,
  };
}

/** Makes a thing when it is first asked for, and the same thing from then on. */
function lazily(): <T>(name: string, make: () => T) => T {
  const made = new Map<string, unknown>();
  return <T>(name: string, make: () => T): T => {
    if (!made.has(name)) made.set(name, make());
    return made.get(name) as T;
  };
}
