import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { root } from "../../scripts/toolchain.ts";
import { type RunningProcess, startDeno } from "../process.ts";
import { holdsPlaintext } from "../store/plaintext.ts";
import { type RedisServer, startRedis } from "../store/redis_server.ts";
import { kill } from "../store/store_process.ts";
import { ask, newKey, type Site, startSite } from "./examples.ts";

const ORIGIN = "https://app.example";

describe("docs/examples/deno_redis.ts, in two processes of Deno with one Redis", () => {
  let site: Site;
  let redis: RedisServer;
  const processes: RunningProcess[] = [];
  let ports: number[];
  let cookie = "";

  before(async () => {
    [site, redis] = await Promise.all([startSite({ clientId: "my-app" }), startRedis()]);
    const DENO_CERT = join(site.folder, "authority.pem");
    await writeFile(DENO_CERT, site.authority);
    const env = {
      ...{ ORIGIN, ISSUER: site.origin, CLIENT_ID: "my-app", API: site.server.resource },
      ...{ REDIS_URL: redis.socket, SESSION_KEY: newKey(), PORT: "0", DENO_CERT },
    };
    const place = dirname(redis.socket);
    const permissions = ["--allow-net", "--allow-env", `--allow-read=${place}`, `--allow-write=${place}`];
    const program = `${root}docs/examples/deno_redis.ts`;
    const args = ["run", ...permissions, "--no-prompt", "--cached-only", program];
    for (let count = 0; count < 2; count++) processes.push(startDeno(args, { env, timeout: 900_000 }));
    const port = async (running: RunningProcess) =>
      Number((await running.waitFor("stderr", /Listening on \S+:(\d+)\//))[1]);
    ports = await Promise.all(processes.map(port));
  });

  after(async () => {
    for (const running of processes) await kill(running);
    await redis?.close();
    await site?.close();
  });

  it("sends a stranger to the sign-in, and keeps it for the browser that began it", async () => {
    assert.deepEqual(await ask(ports[0]).then(({ status, location }) => [status, location]), [303, "/login"]);
    const login = await ask(ports[0], "/login");
    const callback = new URL(await site.server.authorize(login.location));
    assert.equal(callback.origin + callback.pathname, `${ORIGIN}/callback`);
    const path = callback.pathname + callback.search;
    for (const foreign of ["", "visitor=somebody-else"]) {
      assert.equal((await ask(ports[0], path, foreign)).status, 400);
    }
    const back = await ask(ports[0], path, login.cookie);
    assert.deepEqual([back.status, back.location], [303, "/"], back.text);
    assert.match(back.cookie, /^visitor=[\w-]{36}$/);
    assert.notEqual(back.cookie, login.cookie);
    cookie = back.cookie;
  });

  it("calls the API in the name of who signed in, in both processes, with one refresh for both", async () => {
    const tokens = new Set<string>();
    site.intercept(({ headers, url }) => {
      if (url.href === site.server.resource) tokens.add(headers.get("authorization") ?? "");
      return undefined;
    });
    const visits = async () => {
      for (const port of [...ports, ...ports]) {
        const { status, text } = await ask(port, "/", cookie);
        assert.equal(status, 200, text);
        assert.equal(JSON.parse(text).subject, "ada");
      }
    };
    await visits();
    assert.equal(tokens.size, 1);
    site.server.fault("resource", { type: "status", status: 401 });
    await visits();
    assert.equal(tokens.size, 2);
    const [{ presented, reused }] = site.server.families;
    assert.deepEqual([presented, reused], [1, 0]);
    const files = await redis.files();
    for (const token of tokens) {
      assert.ok(!files.some((bytes) => holdsPlaintext(bytes, token.replace("Bearer ", ""))));
    }
  });

  it("knows nobody after the sign-in was forgotten", async () => {
    assert.equal((await ask(ports[1], "/logout", cookie)).location, "/");
    assert.equal((await ask(ports[0], "/", cookie)).location, "/login");
  });
});
