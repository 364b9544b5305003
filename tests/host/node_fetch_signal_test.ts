import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { nodeFetch } from "../../lib/host/node_fetch.ts";
import { closeServers, serve, serveRaw } from "./plain_servers.ts";

const fetch = nodeFetch({ certificates: () => [], proxyFor: () => undefined });
afterEach(closeServers);

describe("the signal of a fetch over node:http", () => {
  const reason = new Error("enough");

  it("stops it before it starts", async () => {
    await assert.rejects(fetch("http://127.0.0.1:1/", { signal: AbortSignal.abort(reason) }), reason);
  });

  it("stops it while it connects, here to a proxy that never answers", async () => {
    const controller = new AbortController();
    let gone!: () => void;
    const closed = new Promise<void>((resolve) => gone = resolve);
    const { origin } = await serveRaw((socket) => {
      socket.on("close", gone);
      controller.abort(reason);
    });
    const proxied = nodeFetch({ certificates: () => [], proxyFor: () => new URL(origin) });
    await assert.rejects(proxied("https://issuer.example/", { signal: controller.signal }), reason);
    await closed;
  });

  it("stops it while it waits for the answer", async () => {
    const controller = new AbortController();
    let gone!: () => void;
    const closed = new Promise<void>((resolve) => gone = resolve);
    const { origin } = await serveRaw((socket) => {
      socket.on("close", gone);
      controller.abort(reason);
    });
    await assert.rejects(fetch(origin, { method: "POST", body: "x", signal: controller.signal }), reason);
    await closed;
  });

  it("stops it while the body comes", async () => {
    const controller = new AbortController();
    const { origin } = await serve((_, response) => {
      response.writeHead(200);
      response.write("first");
    });
    const response = await fetch(origin, { signal: controller.signal });
    const reader = response.body!.getReader();
    assert.equal(new TextDecoder().decode((await reader.read()).value), "first");
    const next = reader.read();
    controller.abort(reason);
    await assert.rejects(next, reason);
  });

  it("means nothing once everything is read", async () => {
    const controller = new AbortController();
    const { origin, seen } = await serve((_, response) => response.end("hello"));
    assert.equal(await (await fetch(origin, { signal: controller.signal })).text(), "hello");
    controller.abort(reason);
    assert.equal(await (await fetch(origin, {})).text(), "hello");
    assert.equal(seen.connections, 1);
  });

  it("is not needed to give up on a body: cancelling it closes the connection", async () => {
    let gone!: () => void;
    const closed = new Promise<void>((resolve) => gone = resolve);
    const { origin } = await serve((_, response) => {
      response.on("close", gone);
      response.write("first");
    });
    await (await fetch(origin, {})).body!.cancel();
    await closed;
  });
});
