import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { root } from "../../scripts/toolchain.ts";
import { bundle } from "../runtimes/bundle.ts";
import {
  ask,
  newKey,
  type RunningWorkers,
  SERVICE,
  type Site,
  startSite,
  startWorkers,
  textBindings,
  type Workers,
} from "./examples.ts";

/** What wrangler.json says, with this test's server and secrets, for two Workers that share the objects. */
async function configuration({ origin, server }: Site): Promise<Workers> {
  const wrangler = JSON.parse(await readFile(`${root}docs/examples/wrangler.json`, "utf8"));
  assert.deepEqual([wrangler.main, wrangler.compatibility_flags], ["worker.ts", undefined]);
  const [{ name, class_name: className }] = wrangler.durable_objects.bindings;
  assert.deepEqual(wrangler.migrations[0].new_sqlite_classes, [className]);
  const secrets = { CLIENT_SECRET: SERVICE.secret, TOKEN_KEY: newKey() };
  const texts = textBindings({ ...wrangler.vars, ISSUER: origin, API: server.resource, ...secrets });
  const date = `compatibilityDate = "${wrangler.compatibility_date}"`;
  const namespace = `durableObjectNamespace = (className = "${className}", serviceName = "objects")`;
  const visited = `${date}, bindings = [(name = "${name}", ${namespace}), ${texts}]`;
  const kept = `durableObjectNamespaces = [(className = "${className}", uniqueKey = "t", enableSql = true)]`;
  return {
    services: `(name = "one", worker = .one), (name = "other", worker = .other),
      (name = "objects", worker = .objects), (name = "disk", disk = (path = "disk", writable = true))`,
    sockets: ["one", "other", "disk"],
    workers: {
      one: visited,
      other: visited,
      objects: `${date}, ${kept}, durableObjectStorage = (localDisk = "disk")`,
    },
  };
}

/** A visitor who sends a request and can leave in a way that a server notices. */
function visit(port: number): Socket {
  const request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const socket = connect(port, "127.0.0.1", () => socket.write(request));
  return socket.on("error", () => {});
}

describe("docs/examples/worker.ts, in workerd with two isolates", () => {
  let site: Site;
  let workers: RunningWorkers;

  before(async () => {
    site = await startSite(SERVICE);
    await mkdir(join(site.folder, "disk"));
    await bundle({ entry: `${root}docs/examples/worker.ts`, outfile: join(site.folder, "worker.js") });
    workers = await startWorkers(site, await configuration(site));
  });

  after(async () => {
    await workers?.close();
    await site?.close();
  });

  it("has a token for those who wait for it when the one whose request fetches it leaves", async () => {
    const [one, , disk] = workers.ports;
    let answerToken = () => {};
    const held = new Promise<void>((resolve) => answerToken = resolve);
    const asked = site.server.nextRequest("token");
    site.intercept(async ({ url }, pass) => {
      const answer = await pass();
      if (url.pathname.endsWith("/token")) await held;
      return answer;
    });
    const first = visit(one);
    await asked;
    const others = Array.from({ length: 5 }, () => ask(one));
    first.resetAndDestroy();
    // when this is answered, workerd has seen that the visitor has left
    await ask(disk);
    answerToken();
    for (const { status, text } of await Promise.all(others)) assert.equal(status, 200, text);
    assert.equal(site.server.count("token"), 1);
  });

  it("calls the API with one token for both isolates", async () => {
    for (const port of workers.ports.slice(0, 2)) {
      const { status, text } = await ask(port, "/?limit=2");
      assert.equal(status, 200, text);
      const { client_id, scope, url } = JSON.parse(text);
      assert.deepEqual([client_id, scope, new URL(url).search], ["my-service", "openid roles", "?limit=2"]);
    }
    assert.equal(site.server.count("token"), 1);
  });
});
