/**
 * Where this program keeps its files.
 *
 * @module
 */

import { posix, win32 } from "node:path";
import { TokenError } from "../errors.ts";

/** The system that a workstation runs. */
export type Platform = "linux" | "darwin" | "windows" | "other";

/** The value of an environment variable; an empty one counts as unset. */
export type Environment = (name: string) => string | undefined;

/**
 * The directories of this program, after the XDG Base Directory Specification. Each ends in `apex-token`; none is
 * created here. On macOS and Windows several of them are the same directory, so a file needs a name of its own in all.
 */
export interface Directories {
  /** What a person writes: profiles. */
  readonly config: string;
  /** What the program needs and a person may want to keep. */
  readonly data: string;
  /** What the program learned here: sessions. */
  readonly state: string;
  /** What can be fetched again. */
  readonly cache: string;
  /** Sockets and pipes, gone with the log-out; absent where the system gives no such directory. */
  readonly runtime?: string;
}

/** What {@linkcode directories} looks at. */
export interface DirectoriesOptions {
  /** Whose customs to follow. */
  readonly platform: Platform;
  /** Has the last word, where it says something. */
  readonly environment: Environment;
  /** The home directory. */
  readonly home: string;
}

const PROGRAM = "apex-token";

/**
 * Finds the directories of this program.
 *
 * `XDG_*` variables win on every system but Windows; relative ones are ignored, as the specification asks.
 *
 * @throws {TokenError} `storage` when a directory depends on the home directory and that is not an absolute path
 */
export function directories(options: DirectoriesOptions): Directories {
  return options.platform === "windows" ? windowsDirectories(options) : xdgDirectories(options);
}

function xdgDirectories({ platform, environment, home }: DirectoriesOptions): Directories {
  const isMac = platform === "darwin";
  const base = (variable: string, folder: string, macFolder: string): string => {
    const value = environment(variable);
    if (value !== undefined && posix.isAbsolute(value)) return posix.join(value, PROGRAM);
    if (!posix.isAbsolute(home)) throw noHome();
    return posix.join(home, isMac ? macFolder : folder, PROGRAM);
  };
  const runtime = environment("XDG_RUNTIME_DIR");
  return {
    config: base("XDG_CONFIG_HOME", ".config", "Library/Application Support"),
    data: base("XDG_DATA_HOME", ".local/share", "Library/Application Support"),
    state: base("XDG_STATE_HOME", ".local/state", "Library/Application Support"),
    cache: base("XDG_CACHE_HOME", ".cache", "Library/Caches"),
    ...(runtime !== undefined && posix.isAbsolute(runtime) ? { runtime: posix.join(runtime, PROGRAM) } : {}),
  };
}

function windowsDirectories({ environment, home }: DirectoriesOptions): Directories {
  const base = (variable: string, folder: string): string => {
    const value = environment(variable);
    if (value !== undefined && isFullWindowsPath(value)) return win32.join(value, PROGRAM);
    if (!isFullWindowsPath(home)) throw noHome();
    return win32.join(home, "AppData", folder, PROGRAM);
  };
  const roaming = base("APPDATA", "Roaming");
  const local = base("LOCALAPPDATA", "Local");
  return { config: roaming, data: local, state: local, cache: local };
}

// `\folder` is absolute for node:path, yet it still depends on the current drive.
function isFullWindowsPath(path: string): boolean {
  return /^(?:[A-Za-z]:[\\/]|\\\\)/.test(path);
}

function noHome(): TokenError {
  return new TokenError("storage", "Cannot find a home directory: HOME is not an absolute path", {
    nextStep: "Set HOME, or XDG_CONFIG_HOME, XDG_DATA_HOME, XDG_STATE_HOME and XDG_CACHE_HOME",
  });
}
