import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { serve, type ServedAuthorizationServer } from "../security/served.ts";
import { holdsPlaintext } from "../store/plaintext.ts";
import { type SharedProcess, startSharedProcess } from "./shared_process.ts";

const CALLERS = 50;

// Only Deno has it: on every runtime of this test the processes are of Deno.
describe("three processes with one sign-in in Deno KV, at a server that takes each refresh token once", () => {
  let folder: string;
  let served: ServedAuthorizationServer;
  let processes: SharedProcess[];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "apex-token-kv-"));
    served = await serve();
    const place = join(folder, "kv");
    processes = [];
    // one after the other: the first makes the file
    for (let count = 0; count < 3; count++) {
      processes.push(await startSharedProcess("deno", { kind: "deno-kv", place, issuer: served.origin }));
    }
    assert.ok(await processes[0].save(await served.server.issue({ scope: "a" })));
  });

  after(async () => {
    await Promise.all(processes?.map((process) => process.kill()) ?? []);
    await served?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it("make one request for each refresh, and keep nothing there that can be read", async () => {
    let last = "";
    for (let life = 1; life <= 3; life++) {
      const all = await Promise.all(processes.map((process) => process.get(CALLERS, 301)));
      for (const { count, errors } of all) {
        assert.deepEqual({ count, errors }, { count: CALLERS, errors: [] });
      }
      const tokens = new Set(all.flatMap(({ tokens }) => tokens));
      assert.equal(tokens.size, 1);
      [last] = tokens;
      const { presented, reused, revoked } = served.server.families[0];
      assert.deepEqual({ presented, reused, revoked }, { presented: life, reused: 0, revoked: false });
    }
    const files = await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name))));
    assert.ok(files.some((bytes) => bytes.includes("catalogue")));
    assert.ok(!files.some((bytes) => holdsPlaintext(bytes, last)));
  });

  it("make one request for the client's own token", async () => {
    const all = await Promise.all(processes.map((process) => process.service(CALLERS)));
    assert.equal(new Set(all.flatMap(({ tokens }) => tokens)).size, 1);
    assert.equal(served.server.count("token", "client_credentials"), 1);
  });
});
