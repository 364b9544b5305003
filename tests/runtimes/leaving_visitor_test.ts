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

// Before 2024-10-14 nothing tells who waits for another visitor's promise that it never settles; since then an error does.
const dates = ["2024-09-23", "2026-11-01"];

describe("Workers with a visitor who leaves", () => {
  let site: Site;
  let workers: RunningWorkers;

  before(async () => {
    site = await startSite(SERVICE);
    await bundle({ entry: `${root}tests/runtimes/worker.ts`, outfile: join(site.folder, "worker.js") });
    const settings = { ISSUER: site.origin, CLIENT_ID: SERVICE.clientId, CLIENT_SECRET: SERVICE.secret };
    const worker = (date: string) => `compatibilityDate = "${date}", bindings = [${textBindings(settings)}]`;
    workers = await startWorkers(site, {
      services: `(name = "old", worker = .old), (name = "new", worker = .new), (name = "files", disk = ".")`,
      sockets: ["old", "new", "files"],
      workers: { old: worker(dates[0]), new: worker(dates[1]) },
    });
  });

  after(async () => {
    await workers?.close();
    await site?.close();
  });

  /** Two visits at once, of which the first leaves while the server holds back its answer; and one later. */
  async function visits(main: number, path: string, holdsBack: string): Promise<void> {
    const files = workers.ports[2];
    let isFirst = true;
    let release = () => {};
    const held = new Promise<void>((resolve) => release = resolve);
    site.intercept(async ({ url }, pass) => {
      if (isFirst && url.pathname.endsWith(holdsBack)) {
        isFirst = false;
        await held;
      }
      return await pass();
    });
    const first = connect(main, "127.0.0.1", () => {
      first.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    });
    first.on("error", () => {});
    while (isFirst) await ask(files);
    const second = ask(main, path);
    first.resetAndDestroy();
    for (const { status, text } of [await second, await ask(main, path)]) assert.equal(status, 200, text);
    release();
  }

  for (const [at, date] of dates.entries()) {
    it(`serve those who wait for the same metadata, and all who come after, as of ${date}`, () =>
      visits(workers.ports[at], "/", "/openid-configuration"));
  }

  for (const [at, date] of dates.entries()) {
    it(`serve those who wait for the same keys, and all who come after, as of ${date}`, () =>
      visits(workers.ports[at], "/person", "/jwks"));
  }

  it("serve those who wait for the same token, and all who come after", () =>
    visits(workers.ports[1], "/shared", "/token"));
});
