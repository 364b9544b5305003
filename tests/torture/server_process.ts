/**
 * The server of the torture as the harness sees it.
 *
 * @module
 */

import { spawn } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";
import { node, root } from "../../scripts/toolchain.ts";
import type { ServerEvent, ServerSettings } from "./server_events.ts";

/** A server that runs. */
export interface TortureServer {
  readonly issuer: string;
  close(): Promise<void>;
}

/**
 * Starts the server.
 *
 * @param heard is told each event; the server goes on with the request when that is done
 */
export async function startServer(
  settings: ServerSettings,
  heard: (event: ServerEvent) => Promise<void>,
): Promise<TortureServer> {
  const child = spawn(node(), [`${root}tests/torture/server.ts`, JSON.stringify(settings)], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { PATH: process.env.PATH ?? "" },
  });
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  child.stdin.on("error", () => {}); // it has ended; whoever waits for it hears of that
  const issuer = await new Promise<string>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => reject(new Error(`The server of the torture ended with ${code}`)));
    const lines = createInterface({ input: child.stdout });
    lines.once("line", (first) => {
      resolve(first);
      lines.on("line", async (line) => {
        const event: ServerEvent = JSON.parse(line);
        await heard(event);
        if (["arrived", "rotated", "refused"].includes(event.event) && "request" in event) {
          child.stdin.write(`${event.request}\n`);
        }
      });
    });
  });
  return {
    issuer,
    close: () => {
      child.stdin.end();
      return ended;
    },
  };
}
