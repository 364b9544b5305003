/**
 * The narrow door to the machine for the command that runs a thousand times a day: arguments, variables, one file,
 * one write, by the quickest call that each runtime has. `node:` modules cost more than the whole command, so this
 * module loads none.
 *
 * @module
 */

import { type Directories, directories } from "./directories.ts";

/** What a cached `get` needs of the machine. */
export interface FastIo {
  /** The arguments of the program. */
  readonly args: readonly string[];
  /** The value of an environment variable; an empty one counts as unset. */
  environment(name: string): string | undefined;
  readonly directories: Directories;
  /** The bytes of a file; nothing when it cannot be read. */
  read(path: string): Uint8Array | undefined;
  /** Writes to standard output. */
  write(text: string): void;
}

interface Runtimes {
  Bun?: {
    argv: string[];
    env: Record<string, string | undefined>;
    mmap(path: string): Uint8Array;
  };
  Deno?: {
    args: string[];
    build: { os: string };
    env: { get(name: string): string | undefined };
    readFileSync(path: string): Uint8Array;
    stdout: { writeSync(bytes: Uint8Array): number };
  };
  process?: {
    argv: string[];
    platform: string;
    env: Record<string, string | undefined>;
    getBuiltinModule?(name: string): {
      readFileSync(path: string): Uint8Array;
      writeSync(descriptor: number, bytes: Uint8Array, offset: number): number;
    };
  };
}

/** The machine; nothing where this runtime has no quick calls or the home directory is not known. */
export function fastIo(): FastIo | undefined {
  const { Bun, Deno, process } = globalThis as Runtimes;
  const platform = Deno?.build.os ?? process?.platform;
  if (platform !== "linux" && platform !== "darwin") return undefined;
  const variables = Deno ? Deno.env.get : (name: string) => (Bun?.env ?? process!.env)[name];
  const environment = (name: string) => variables(name) || undefined;
  const home = environment("HOME");
  if (!home) return undefined;
  const base = { environment, directories: directories({ platform, environment, home }) };
  if (Deno) {
    return { ...base, args: Deno.args, read: quietly(Deno.readFileSync), write: writer((b) => Deno.stdout.writeSync(b)) };
  }
  if (Bun) {
    // console.log is Bun's quickest write; touching process.stdout would cost 13 ms
    return { ...base, args: Bun.argv.slice(2), read: quietly(Bun.mmap), write: (text) => console.log(text.slice(0, -1)) };
  }
  const files = process!.getBuiltinModule?.("node:fs");
  if (!files) return undefined;
  const write = writer((bytes) => files.writeSync(1, bytes, 0));
  return { ...base, args: process!.argv.slice(2), read: quietly(files.readFileSync), write };
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
    while (bytes.length > 0) bytes = bytes.subarray(write(bytes));
  };
}
