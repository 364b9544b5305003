import assert from "node:assert/strict";
import { connect } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { root } from "../../scripts/toolchain.ts";
import {
  ask,
  type RunningWorkers,
  SERVICE,
  type Site,
  startSite,
  startWorkers,
  textBindings,
} from "../documents/examples.ts";
import { bundle } from "./bundle.ts";

describe("a Worker that asks for the issuer with each visit", () => {
  let site: Site;
  let workers: RunningWorkers;

  before(async () => {
    site = await startSite(SERVICE);
    await bundle({ entry: `${root}tests/runtimes/worker.ts`, outfile: join(site.folder, "worker.js") });
    const settings = { ISSUER: site.origin, CLIENT_ID: SERVICE.clientId, CLIENT_SECRET: SERVICE.secret };
    workers = await startWorkers(site, {
      services: `(name = "main", worker = .main), (name = "files", disk = ".")`,
      sockets: ["main", "files"],
      workers: { main: `compatibilityDate = "2024-09-23", bindings = [${textBindings(settings)}]` },
    });
  });

  after(async () => {
    await workers?.close();
    await site?.close();
  });

  it("serves those who wait for the visitor who has left, and all who come after", async () => {
    const [main, files] = workers.ports;
    let isFirst = true;
    let release = () => {};
    const held = new Promise<void>((resolve) => release = resolve);
    site.intercept(async (_request, pass) => {
      if (isFirst) {
        isFirst = false;
        await held;
      }
      return await pass();
    });
    const asked = site.server.nextRequest("token");
    const first = connect(main, "127.0.0.1", () => first.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    first.on("error", () => {});
    while (isFirst) await ask(files);
    const second = ask(main);
    first.resetAndDestroy();
    const { status, text } = await second;
    assert.equal(status, 200, text);
    await asked;
    assert.equal((await ask(main)).status, 200);
    release();
  });
});
