import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { workerd } from "../../scripts/toolchain.ts";
import { type RunningProcess, startProcess } from "../process.ts";
import { bundle } from "../runtimes/bundle.ts";
import { serve, type ServedAuthorizationServer } from "../security/served.ts";
import { holdsPlaintext } from "../store/plaintext.ts";
import { quietFiles } from "../store/quiet_files.ts";
import { kill, LIFETIME, post } from "../store/store_process.ts";
import type { Got } from "./shared_process.ts";

/** Two Workers, and a third one that has the Durable Objects. No `compatibilityFlags`: above all no `nodejs_compat`. */
function configuration(issuer: string): string {
  const worker = (more: string) =>
    `(
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = "2024-09-23",
  ${more}
)`;
  const visitor = worker(`bindings = [
    (name = "ISSUER", text = ${JSON.stringify(issuer)}),
    (name = "TOKENS", durableObjectNamespace = (className = "TokenStoreObject", serviceName = "objects")),
  ],`);
  return `
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "objects", worker = .objects),
    (name = "one", worker = .one),
    (name = "other", worker = .other),
    (name = "internet", network = (allow = ["local"])),
    (name = "disk", disk = (path = "disk", writable = true)),
  ],
  sockets = [
    (name = "one", address = "127.0.0.1:0", http = (), service = "one"),
    (name = "other", address = "127.0.0.1:0", http = (), service = "other"),
  ],
);

const objects :Workerd.Worker = ${
    worker(`durableObjectNamespaces = [(className = "TokenStoreObject", uniqueKey = "t", enableSql = true)],
  durableObjectStorage = (localDisk = "disk"),`)
  };
const one :Workerd.Worker = ${visitor};
const other :Workerd.Worker = ${visitor};
`;
}

const VISITORS = 10;
const CALLERS = 20;

describe("Workers with one sign-in in a Durable Object, at a server that takes each refresh token once", () => {
  let folder: string;
  let served: ServedAuthorizationServer;
  let running: RunningProcess;
  let ports: number[];

  before(async () => {
    served = await serve();
    folder = await mkdtemp(join(tmpdir(), "apex-token-objects-"));
    await mkdir(join(folder, "disk"));
    const entry = fileURLToPath(new URL("programs/shared_worker.ts", import.meta.url));
    await bundle({ entry, outfile: join(folder, "worker.js") });
    await writeFile(join(folder, "config.capnp"), configuration(served.origin));
    running = startProcess(workerd(), ["serve", "--control-fd=1", "config.capnp"], {
      cwd: folder,
      timeout: LIFETIME,
    });
    const port = async (name: string) =>
      Number((await running.waitFor("stdout", new RegExp(`"socket":"${name}","port":(\\d+)`)))[1]);
    ports = [await port("one"), await port("other")];
    const issued = await served.server.issue({ scope: "a" });
    const tokens = { accessToken: issued.access_token, refreshToken: issued.refresh_token };
    assert.deepEqual(await ask(ports[0], { what: "save", ...tokens }), { saved: true });
  });

  after(async () => {
    if (running) await kill(running);
    await served?.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function ask<T>(port: number, command: Record<string, unknown>): Promise<T> {
    return JSON.parse(await post(port, JSON.stringify(command)));
  }

  /** Several visitors of each Worker at once, each of whom makes several calls. */
  async function everybody(what: "get" | "service", aheadBy: number): Promise<string[]> {
    const visits = Array.from({ length: VISITORS }, () => ports).flat();
    const all = await Promise.all(
      visits.map((port) => ask<Got>(port, { what, callers: CALLERS, aheadBy })),
    );
    for (const { count, errors } of all) assert.deepEqual({ count, errors }, { count: CALLERS, errors: [] });
    return [...new Set(all.flatMap(({ tokens }) => tokens))];
  }

  it("make one request for each refresh, and keep nothing there that can be read", async () => {
    const seen = new Set(await everybody("get", 0));
    for (let life = 1; life <= 3; life++) {
      const tokens = await everybody("get", 301 * life);
      assert.equal(tokens.length, 1);
      seen.add(tokens[0]);
      const { presented, reused, revoked } = served.server.families[0];
      assert.deepEqual({ presented, reused, revoked }, { presented: life, reused: 0, revoked: false });
    }
    assert.equal(seen.size, 4);
    const files = await quietFiles(join(folder, "disk"), running.pid!);
    assert.ok(files.some((bytes) => holdsPlaintext(bytes, "apex-store")));
    for (const token of seen) assert.ok(!files.some((bytes) => holdsPlaintext(bytes, token)));
  });

  it("make one request for the client's own token", async () => {
    assert.equal((await everybody("service", 0)).length, 1);
    assert.equal(served.server.count("token", "client_credentials"), 1);
  });
});
