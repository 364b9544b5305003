import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { root } from "../../scripts/toolchain.ts";
import { bundle } from "../runtimes/bundle.ts";
import { holdsPlaintext } from "../store/plaintext.ts";
import {
  ask,
  newKey,
  type RunningWorkers,
  SERVICE,
  type Site,
  startSite,
  startWorkers,
  textBindings,
} from "./examples.ts";

/** What workerd's binding to Cloudflare KV talks to: bytes under names. */
function startNames(kept: Map<string, Uint8Array>): Promise<Server> {
  const server = createServer(async (request, response) => {
    const name = decodeURIComponent(new URL(request.url ?? "/", "http://localhost").pathname);
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk);
    if (request.method === "PUT") {
      kept.set(name, new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer()));
    }
    if (request.method === "DELETE") kept.delete(name);
    const found = request.method === "GET" ? kept.get(name) : undefined;
    response.writeHead(request.method === "GET" && !found ? 404 : 200);
    response.end(found);
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

describe("docs/examples/edge_route.ts, in workerd", () => {
  const kept = new Map<string, Uint8Array>();
  let names: Server;
  let site: Site;
  let workers: RunningWorkers;

  before(async () => {
    site = await startSite(SERVICE);
    names = await startNames(kept);
    const entry = `${root}tests/documents/programs/edge_worker.ts`;
    await bundle({ entry, outfile: join(site.folder, "worker.js") });
    const settings = { CLIENT_ID: SERVICE.clientId, CLIENT_SECRET: SERVICE.secret, TOKEN_KEY: newKey() };
    const texts = textBindings({ ISSUER: site.origin, API: site.server.resource, ...settings });
    const date = 'compatibilityDate = "2024-09-23"';
    const alone = `${date}, bindings = [${texts}]`;
    const sharing = `${date}, bindings = [${texts}, (name = "CACHE", kvNamespace = "names")]`;
    workers = await startWorkers(site, {
      services: `(name = "names", external = "127.0.0.1:${(names.address() as AddressInfo).port}"),
        (name = "one", worker = .one), (name = "other", worker = .other), (name = "alone", worker = .alone)`,
      sockets: ["one", "other", "alone"],
      workers: { one: sharing, other: sharing, alone },
    });
  });

  after(async () => {
    await workers?.close();
    names?.closeAllConnections();
    names?.close();
    await site?.close();
  });

  async function callApi(port: number): Promise<void> {
    const { status, text } = await ask(port);
    assert.equal(status, 200, text);
    const { client_id, scope } = JSON.parse(text);
    assert.deepEqual([client_id, scope], ["my-service", "openid roles"]);
  }

  it("shares a token through what the platform keeps, where nobody can read it", async () => {
    const requests: string[] = [];
    site.intercept(({ headers }) => {
      requests.push(headers.get("authorization") ?? "");
      return undefined;
    });
    const [one, other] = workers.ports;
    for (const port of [one, other, one, other]) await callApi(port);
    assert.equal(site.server.count("token"), 1);
    const [token] = requests.filter((header) => header.startsWith("Bearer ")).map((header) =>
      header.slice(7)
    );
    assert.ok(kept.size > 0);
    for (const bytes of kept.values()) assert.ok(!holdsPlaintext(bytes, token));
  });

  it("keeps a token in memory where the platform keeps nothing", async () => {
    site.server.clearRequests();
    const [, , alone] = workers.ports;
    for (let visit = 0; visit < 3; visit++) await callApi(alone);
    assert.equal(site.server.count("token"), 1);
  });
});
