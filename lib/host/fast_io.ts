/**
 * The narrow door to the machine for the command that runs a thousand times a day: arguments, variables, one file,
 * one write, by the quickest call that each runtime has. `node:` modules cost more than the whole command, so this
 * module loads none.
 *
 * @module
 */

import type { FastSockets } from "./fast_secret.ts";

/** What a cached `get` needs of the machine. */
export interface FastIo {
  /** The arguments of the program. */
  readonly args: readonly string[];
  /** The value of an environment variable; an empty one counts as unset. */
  environment(name: string): string | undefined;
  /** Where the profiles are: what `directories.ts` calls by the same name. */
  readonly config: string;
  /** Where what opens the profiles' keys is: what `directories.ts` calls by the same name. */
  readonly data: string;
  /** Where the access tokens are: what `directories.ts` calls by the same name. */
  readonly state: string;
  /** The bytes of a file; nothing when it cannot be read. */
  read(path: string): Uint8Array | undefined;
  /**
   * Writes the whole text to standard output. A reader that went away ends it quietly.
   *
   * @throws the system's error
   */
  write(text: string): void | Promise<void>;
  /** The secret with that id in the Secret Service, where it is at hand; absent where there are no quick sockets. */
  secret?(id: string): Promise<string | undefined>;
  /** Quick sockets; absent where there are none. */
  readonly sockets?: FastSockets;
  /** Ends the program well, at once, where it takes longer to let it end. */
  end?(): void;
}

interface BunCalls extends FastSockets {
  argv: string[];
  env: Record<string, string | undefined>;
  stdout: unknown;
  mmap(path: string): Uint8Array;
  write(file: unknown, text: string): Promise<number>;
}

interface DenoCalls {
  args: string[];
  build: { os: string };
  env: { get(name: string): string | undefined };
  readFileSync(path: string): Uint8Array;
  stdout: { writeSync(bytes: Uint8Array): number };
}

interface NodeProcess {
  argv: string[];
  argv0: string;
  platform: string;
  env: Record<string, string | undefined>;
  exit(code: number): void;
  getuid?(): number;
  getBuiltinModule?(name: string): {
    readFileSync(path: string): Uint8Array;
    writeSync(descriptor: number, bytes: Uint8Array, offset: number): number;
  };
}

type Environment = (name: string) => string | undefined;

/** The machine; nothing where this runtime has no quick calls or the home directory is not known. */
export function fastIo(): FastIo | undefined {
  const runtimes = globalThis as { Bun?: BunCalls; Deno?: DenoCalls; process?: NodeProcess };
  if (runtimes.Bun) return bunIo(runtimes.Bun, runtimes.process!);
  // to look at `process` costs Deno 13 ms
  return runtimes.Deno ? denoIo(runtimes.Deno) : nodeIo(runtimes.process!);
}

function bunIo(Bun: BunCalls, process: NodeProcess): FastIo | undefined {
  const { argv0 } = process;
  // a link that makes this another program (`oidc-token`), whose words mean something else
  // (by hand: the first regular expression of a process takes it 0.15 ms)
  if (argv0.slice(argv0.lastIndexOf("/") + 1).startsWith("oidc-")) return undefined;
  const { env, stdout } = Bun;
  const environment = (name: string) => env[name] || undefined;
  return onMachine(process.platform, environment, {
    args: Bun.argv.slice(2),
    read: quietly(Bun.mmap),
    // touching `process.stdout` would cost 13 ms, and `console.log` does not tell when a disk is full
    write: (text: string) => Bun.write(stdout, text).then(() => {}, unlessGone),
    sockets: Bun,
    secret: async (id) => {
      const { fastSecret } = await import("./fast_secret.ts");
      return await fastSecret(Bun, environment, process.getuid?.() ?? 0, id);
    },
    // what Bun does at the end of a program that is let end takes 0.3 ms
    end: () => process.exit(0),
  });
}

function denoIo({ args, build, env, readFileSync, stdout }: DenoCalls): FastIo | undefined {
  return onMachine(build.os, (name) => env.get(name) || undefined, {
    args,
    read: quietly(readFileSync),
    write: writer((bytes) => stdout.writeSync(bytes)),
  });
}

function nodeIo({ argv, env, getBuiltinModule, platform }: NodeProcess): FastIo | undefined {
  const files = getBuiltinModule?.("node:fs");
  return files && onMachine(platform, (name) => env[name] || undefined, {
    args: argv.slice(2),
    read: quietly(files.readFileSync),
    write: writer((bytes) => files.writeSync(1, bytes, 0)),
  });
}

/** The calls with the places of this machine; nothing where they are not known. */
function onMachine(
  platform: string,
  environment: Environment,
  calls: Omit<FastIo, "environment" | "config" | "data" | "state">,
): FastIo | undefined {
  const home = environment("HOME");
  const isMac = platform === "darwin";
  if (!isMac && platform !== "linux" || !home?.startsWith("/")) return undefined;
  const directory = (variable: string, folder: string) => {
    const base = environment(variable);
    return base?.startsWith("/")
      ? `${base}/apex-token`
      : `${home}/${isMac ? "Library/Application Support" : folder}/apex-token`;
  };
  return {
    ...calls,
    environment,
    config: directory("XDG_CONFIG_HOME", ".config"),
    data: directory("XDG_DATA_HOME", ".local/share"),
    state: directory("XDG_STATE_HOME", ".local/state"),
  };
}

function quietly(read: (path: string) => Uint8Array): (path: string) => Uint8Array | undefined {
  return (path) => {
    try {
      return read(path);
    } catch {
      return undefined;
    }
  };
}

function writer(write: (bytes: Uint8Array) => number): (text: string) => void {
  return (text) => {
    let bytes = new TextEncoder().encode(text);
    while (bytes.length > 0) {
      try {
        bytes = bytes.subarray(write(bytes));
      } catch (error) {
        // somebody made the descriptor non-blocking and its reader is slower than we are
        if (codeOf(error) !== "EAGAIN") return unlessGone(error);
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
      }
    }
  };
}

function unlessGone(error: unknown): void {
  if (codeOf(error) !== "EPIPE") throw error;
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | null)?.code;
}
