/**
 * Stores in processes of their own: both sides of the way there, over HTTP on loopback.
 *
 * @module
 */

import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { currentRuntime, type RunningProcess, startDeno, startProcess } from "../process.ts";
import { type RemoteStores, remoteStores, type ServedStores, serveStores } from "./served_store.ts";

/** A process with stores in it. */
export interface StoreProcess extends RemoteStores {
  /** Ends it with SIGKILL. */
  kill(): Promise<void>;
}

/** It lives as long as the tests of its file take, however slow the machine, in milliseconds. */
export const LIFETIME = 3_600_000;

/** Starts `programs/<name>.ts` on the runtime of this test, or on Deno with `flags`. */
export async function startStoreProcess(
  name: string,
  args: string[],
  denoFlags?: string[],
): Promise<StoreProcess> {
  const program = fileURLToPath(new URL(`programs/${name}.ts`, import.meta.url));
  const onDeno = ["run", "-A", "--quiet", "--no-check", "--cached-only", ...denoFlags ?? [], program];
  const child = denoFlags || currentRuntime() === "deno"
    ? startDeno([...onDeno, ...args], { timeout: LIFETIME })
    : startProcess(process.execPath, [program, ...args], { timeout: LIFETIME });
  const port = Number((await child.waitFor("stdout", /^ready (\d+)$/m))[1]);
  return { ...remoteStores((body) => post(port, body)), kill: () => kill(child) };
}

/** Ends a process with SIGKILL, and waits until it has ended. */
export async function kill(child: RunningProcess): Promise<void> {
  child.kill("SIGKILL");
  await child.ended;
}

/** The other side: serves stores on a free port, and says which. */
export function listen(stores: ServedStores): void {
  const answer = serveStores(stores);
  const server = createServer(async (request, response) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk);
    response.end(await answer(await new Blob(chunks as Uint8Array<ArrayBuffer>[]).text()));
  });
  server.listen(0, "127.0.0.1", () => console.log(`ready ${(server.address() as AddressInfo).port}`));
}

/** Sends one request. Not with `fetch`, which may ask a proxy even for loopback. */
export function post(port: number, body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, method: "POST", path: "/", agent: false };
    const sent = request(options, async (response) => {
      let text = "";
      response.setEncoding("utf8");
      for await (const chunk of response) text += chunk;
      if (response.statusCode === 200) resolve(text);
      else reject(new Error(`${response.statusCode}: ${text}`));
    });
    sent.on("error", reject);
    sent.end(body);
  });
}
