/**
 * Runs the command line, or any program, as a stranger would: with `HOME` and `PATH` and nothing else. Under Deno,
 * Bun and Node.
 *
 * @module
 */

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { constants, homedir, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { bun, compileCaches, deno, node, root } from "../scripts/toolchain.ts";

/** What runs `cli.ts`; `binary` is `dist/apex-token`, which `deno task build` makes. */
export type CliRuntime = "deno" | "bun" | "node" | "binary";

/** How to run a program. */
export interface ProcessOptions {
  /** More of the environment than `HOME` and `PATH`; a `HOME` given here stays, any other is fresh and is removed. */
  readonly env?: Readonly<Record<string, string>>;
  /** The current directory; default: `HOME`. */
  readonly cwd?: string;
  /** What it reads on standard input, all at once; default: nothing. `"open"` leaves it to `write` and `endInput`. */
  readonly stdin?: string | Uint8Array | "open";
  /** When it counts as hanging, in milliseconds; default 300 000: a slow machine with much to do is none that hangs. */
  readonly timeout?: number;
}

/** How to run the command line. */
export interface CliOptions extends ProcessOptions {
  /** Default: the runtime of this test. */
  readonly runtime?: CliRuntime;
  /** What `deno run`, `bun` or `node` is given; default `cli.ts`. */
  readonly entry?: "cli.ts" | "mod.ts";
}

/** How a program ended. */
export interface ProcessResult {
  /** The exit code; of a program that a signal ended, 128 and the signal's number, as a shell says it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that runs. */
export interface RunningProcess {
  /** Its process id. */
  readonly pid: number | undefined;
  /** How it ended. Rejects at the timeout. */
  readonly ended: Promise<ProcessResult>;
  /** The first match of `pattern` in what it has printed, as soon as it is there. Rejects when the program ends without. */
  waitFor(stream: "stdout" | "stderr", pattern: RegExp): Promise<RegExpExecArray>;
  /** Types `text`; needs `stdin: "open"`. */
  write(text: string): void;
  /** Closes its standard input; needs `stdin: "open"`. */
  endInput(): void;
  /** Sends a signal; default `SIGTERM`. */
  kill(signal?: "SIGINT" | "SIGTERM" | "SIGKILL" | "SIGHUP"): void;
}

/** Runs the command line to its end. */
export function runCli(args: readonly string[], options: CliOptions = {}): Promise<ProcessResult> {
  return startCli(args, options).ended;
}

/** Starts the command line. */
export function startCli(args: readonly string[], options: CliOptions = {}): RunningProcess {
  const runtime = options.runtime ?? currentRuntime();
  const entry = `${root}${options.entry ?? "cli.ts"}`;
  const compiled = { ...options, env: { ...compileCaches, ...options.env } };
  switch (runtime) {
    case "deno":
      return startDeno(["run", "-A", "--cached-only", entry, ...args], options);
    case "bun":
      return startProcess(bun(), [entry, ...args], compiled);
    case "node":
      return startProcess(node(), [entry, ...args], compiled);
    case "binary":
      return startProcess(`${root}dist/apex-token`, args, options);
  }
}

/** Starts Deno with its cache, which it would look for in `HOME`. */
export function startDeno(args: readonly string[], options: ProcessOptions = {}): RunningProcess {
  // it would ask for a newer release of itself, through whatever proxy a test has put there
  const env = { DENO_DIR: denoDir(), DENO_NO_UPDATE_CHECK: "1", ...options.env };
  return startProcess(deno(), args, { ...options, env });
}

/** Runs any program to its end. */
export function runProcess(
  program: string,
  args: readonly string[],
  options: ProcessOptions = {},
): Promise<ProcessResult> {
  return startProcess(program, args, options).ended;
}

/** Starts any program. */
export function startProcess(
  program: string,
  args: readonly string[],
  options: ProcessOptions = {},
): RunningProcess {
  const home = options.env?.HOME ?? mkdtempSync(join(tmpdir(), "apex-token-home-"));
  const child = spawn(program, args, {
    cwd: options.cwd ?? home,
    env: { PATH: process.env.PATH ?? "", HOME: home, ...options.env },
    stdio: [options.stdin === undefined ? "ignore" : "pipe", "pipe", "pipe"],
  });
  const output = { stdout: collect(child, "stdout"), stderr: collect(child, "stderr") };
  // A program that never reads its standard input closes the pipe: what it answers is what the test looks at.
  child.stdin?.on("error", () => {});
  if (options.stdin !== undefined && options.stdin !== "open") child.stdin?.end(options.stdin);
  const ended = endOf(child, output, `${program} ${args.join(" ")}`, options.timeout ?? 300_000).finally(
    () => {
      if (options.env?.HOME === undefined) rmSync(home, { recursive: true, force: true });
    },
  );
  // A test that only waits for output still leaves no unhandled rejection behind.
  ended.catch(() => {});
  return {
    pid: child.pid,
    ended,
    waitFor: (stream, pattern) => output[stream].waitFor(pattern),
    write: (text) => void child.stdin?.write(text),
    endInput: () => void child.stdin?.end(),
    kill: (signal = "SIGTERM") => kill(child, signal),
  };
}

/** By its number: Deno's own `kill` closes the child's input and takes the signal for its end, whatever it does with it. */
function kill({ pid, exitCode, signalCode }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined || exitCode !== null || signalCode !== null) return;
  try {
    process.kill(pid, signal);
  } catch {
    // it has just ended by itself
  }
}

interface Output {
  text(): string;
  waitFor(pattern: RegExp): Promise<RegExpExecArray>;
}

function endOf(
  child: ChildProcess,
  output: { stdout: Output; stderr: Output },
  name: string,
  timeout: number,
): Promise<ProcessResult> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      kill(child, "SIGKILL");
      const said = `stdout: ${output.stdout.text()}\nstderr: ${output.stderr.text()}`;
      reject(new Error(`${name} was still running after ${timeout} ms\n${said}`));
    }, timeout);
    child.on("error", (error) => {
      clearTimeout(timer);
      reject(new Error(`Cannot run ${name}: ${error.message}`));
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      resolve({
        code: code ?? 128 + (signal ? constants.signals[signal] : 0),
        stdout: output.stdout.text(),
        stderr: output.stderr.text(),
      });
    });
  });
}

function collect(child: ChildProcess, stream: "stdout" | "stderr"): Output {
  const decoder = new TextDecoder();
  let text = "";
  let closed: string | undefined;
  let waiting: (() => void)[] = [];
  const wake = () => {
    const woken = waiting;
    waiting = [];
    for (const look of woken) look();
  };
  const close = (why: string) => {
    closed ??= why;
    wake();
  };
  child[stream]?.on("data", (chunk: Uint8Array) => {
    text += decoder.decode(chunk, { stream: true });
    wake();
  });
  child.on("error", (error) => close(error.message));
  child.on("close", () => close("it has ended"));
  return {
    text: () => text,
    waitFor: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const match = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, "")).exec(text);
          if (match) resolve(match);
          else if (closed) reject(new Error(`${pattern} is not on ${stream}: ${closed}\n${text}`));
          else waiting.push(look);
        };
        look();
      }),
  };
}

/**
 * Writes a script that can be run, mode 0755.
 *
 * What this process writes itself is for a moment also open in any process that another thread starts meanwhile, and
 * cannot be run as long as that one has it (ETXTBSY): so a process of its own writes it.
 */
export function writeProgram(path: string, script: string): void {
  execFileSync("/bin/sh", ["-c", 'cat > "$0" && chmod 755 "$0"', path], { input: script });
}

/** The runtime that runs this test. */
export function currentRuntime(): "deno" | "bun" | "node" {
  if (process.versions.deno !== undefined) return "deno";
  return process.versions.bun !== undefined ? "bun" : "node";
}

function denoDir(): string {
  if (process.env.DENO_DIR) return process.env.DENO_DIR;
  if (process.platform === "darwin") return join(homedir(), "Library/Caches/deno");
  if (process.platform === "win32") return join(process.env.LOCALAPPDATA ?? homedir(), "deno");
  return join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "deno");
}
