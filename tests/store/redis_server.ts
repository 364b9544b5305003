/**
 * A real Redis server, started by a test on a Unix socket, with a directory of its own.
 *
 * @module
 */

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { accessSync, constants, existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import process from "node:process";
import { freePort } from "../free_port.ts";

/** A server that runs. */
export interface RedisServer {
  /** The path of its socket. */
  readonly socket: string;
  /** Ends it as a crash would, at once. */
  kill(): Promise<void>;
  /** Starts it again, on what is on its disk. */
  start(): Promise<void>;
  /** Stops it from doing anything, without closing a connection. */
  freeze(): void;
  /** Lets it go on. */
  thaw(): void;
  /** Everything in its files. */
  files(): Promise<Uint8Array[]>;
  /** Ends it and removes its files. */
  close(): Promise<void>;
}

/**
 * Starts a server.
 *
 * @param settings as in its configuration file; default: every write is on the disk before it is acknowledged
 */
export async function startRedis(settings: Readonly<Record<string, string>> = {}): Promise<RedisServer> {
  const program = redisProgram();
  const directory = await mkdtemp(join(tmpdir(), "apex-token-redis-"));
  const socket = join(directory, "socket");
  const all = { appendonly: "yes", appendfsync: "always", save: "", ...settings };
  const args = ["--port", "0", "--unixsocket", socket, "--dir", directory, "--daemonize", "no"];
  args.push(...Object.entries(all).flatMap(([name, value]) => [`--${name}`, value]));
  let child: ChildProcess;

  function start(): Promise<void> {
    child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    return new Promise((done, fail) => {
      let said = "";
      const slow = setTimeout(() => reject(new Error(`${program} does not get ready\n${said}`)), 300_000);
      const resolve = () => {
        clearTimeout(slow);
        done();
      };
      const reject = (error: Error) => {
        clearTimeout(slow);
        fail(error);
      };
      const decoder = new TextDecoder();
      const listen = (chunk: Uint8Array) => {
        said += decoder.decode(chunk, { stream: true });
        if (/ready to accept connections/i.test(said)) resolve();
      };
      child.stdout?.on("data", listen);
      child.stderr?.on("data", listen);
      child.on("error", (error) => reject(new Error(`Cannot run ${program}: ${error.message}`)));
      child.on("close", () => reject(new Error(`${program} has ended\n${said}`)));
    });
  }

  async function kill(): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.on("exit", resolve));
    child.kill("SIGKILL");
    await ended;
  }

  try {
    await start();
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
  return {
    socket,
    start,
    kill,
    // Not by `child.kill`: after one signal Deno takes the process for gone.
    freeze: () => void process.kill(child.pid!, "SIGSTOP"),
    thaw: () => void process.kill(child.pid!, "SIGCONT"),
    files: async () => {
      const entries = await readdir(directory, { recursive: true, withFileTypes: true });
      const paths = entries.filter((entry) => entry.isFile()).map((entry) =>
        join(entry.parentPath, entry.name)
      );
      return await Promise.all(paths.map((path) => readFile(path)));
    },
    close: async () => {
      await kill();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/**
 * Starts a server that listens at ports of 127.0.0.1, besides its socket. What was free a moment ago may be somebody
 * else's when the server wants it: then it is started at other ones.
 *
 * @param settings as in its configuration file, for these ports
 */
export async function startRedisAt(
  count: number,
  settings: (ports: readonly number[]) => Readonly<Record<string, string>>,
): Promise<{ readonly server: RedisServer; readonly ports: readonly number[] }> {
  for (;;) {
    const ports = await Promise.all(Array.from({ length: count }, freePort));
    try {
      return { ports, server: await startRedis({ bind: "127.0.0.1", ...settings(ports) }) };
    } catch (error) {
      if (!/Address already in use/.test(String(error))) throw error;
    }
  }
}

/** The path of the server's program; installed where it is missing. */
function redisProgram(): string {
  const found = findProgram("redis-server");
  if (found) return found;
  const install = "apt-get install -y --no-install-recommends redis-server";
  const apt = findProgram("apt-get");
  if (!apt || process.getuid?.() !== 0) {
    throw new Error(`Cannot find redis-server: install it with "${install}"`);
  }
  // Another test may be at it at the same time.
  const [, ...words] = install.split(" ");
  execFileSync(apt, ["-o", "DPkg::Lock::Timeout=300", ...words], {
    stdio: "pipe",
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
  const installed = findProgram("redis-server");
  if (!installed) throw new Error(`Cannot find redis-server after "${install}"`);
  return installed;
}

function findProgram(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/bin", "/usr/sbin"];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path) && canRun(path));
}

function canRun(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
