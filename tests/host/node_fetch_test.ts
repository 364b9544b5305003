import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { afterEach, describe, it } from "node:test";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { nodeFetch } from "../../lib/host/node_fetch.ts";
import { closeServers, serve, serveRaw } from "./plain_servers.ts";
import { proxyServer } from "./proxy_server.ts";

const fetch = nodeFetch({ certificates: () => [], proxyFor: () => undefined });
afterEach(closeServers);

function bodyOf(request: IncomingMessage): Promise<string> {
  return new Promise((resolve) => {
    let body = "";
    request.on("data", (chunk) => body += new TextDecoder().decode(chunk as Uint8Array));
    request.on("end", () => resolve(body));
  });
}

describe("fetch over node:http", () => {
  it("sends a form with its type and length, and gives status, headers and body", async () => {
    const { origin } = await serve(async (request, response) => {
      const { method, url, headers } = request;
      response.writeHead(201, { "x-one": "1", "set-cookie": ["a=1", "b=2"] });
      response.end(JSON.stringify({ method, url, headers, body: await bodyOf(request) }));
    });
    const response = await fetch(`${origin}/token?x=1#fragment`, {
      method: "POST",
      headers: { "X-Two": "2", accept: "application/json" },
      body: new URLSearchParams({ grant_type: "refresh_token", scope: "a b" }),
    });
    assert.deepEqual([response.status, response.ok, response.headers.get("x-one")], [201, true, "1"]);
    assert.deepEqual(response.headers.getSetCookie(), ["a=1", "b=2"]);
    assert.equal(response.url, `${origin}/token?x=1#fragment`);
    const seen = await response.json();
    assert.deepEqual([seen.method, seen.url, seen.body], [
      "POST",
      "/token?x=1",
      "grant_type=refresh_token&scope=a+b",
    ]);
    assert.equal(seen.headers["content-type"], "application/x-www-form-urlencoded;charset=UTF-8");
    assert.equal(seen.headers["content-length"], "34");
    assert.equal(seen.headers["transfer-encoding"], undefined);
    assert.deepEqual([seen.headers["x-two"], seen.headers.accept, seen.headers["user-agent"]], [
      "2",
      "application/json",
      "apex-token",
    ]);
  });

  it("sends a stream", async () => {
    const { origin } = await serve(async (request, response) => response.end(await bodyOf(request)));
    const body = new Blob(["streamed ", "body"]).stream();
    const response = await fetch(origin, { method: "PUT", body });
    assert.equal(await response.text(), "streamed body");
  });

  it("sends nothing with GET, and length 0 with an empty POST", async () => {
    const { origin } = await serve((request, response) =>
      response.end(String(request.headers["content-length"]))
    );
    assert.equal(await (await fetch(origin, {})).text(), "undefined");
    assert.equal(await (await fetch(origin, { method: "POST" })).text(), "0");
  });

  it("hands a redirect over as it is", async () => {
    let requests = 0;
    const { origin } = await serve((_, response) => {
      requests++;
      response.writeHead(307, { location: "/elsewhere" }).end();
    });
    const response = await fetch(origin, { method: "POST", body: "secret", redirect: "follow" });
    assert.deepEqual([response.status, response.headers.get("location"), requests], [307, "/elsewhere", 1]);
  });

  it("gives no body where there is none", async () => {
    const { origin } = await serve((request, response) => {
      response.writeHead(Number(request.url!.slice(1)), { "content-type": "text/plain" }).end();
    });
    for (const status of [204, 205, 304]) {
      const response = await fetch(`${origin}/${status}`, {});
      assert.deepEqual([response.status, response.body], [status, null]);
    }
    assert.equal((await fetch(`${origin}/200`, { method: "HEAD" })).body, null);
  });

  for (
    const [name, encode] of [["gzip", gzipSync], ["deflate", deflateSync], ["br", brotliCompressSync], [
      "GZIP",
      gzipSync,
    ]] as const
  ) {
    it(`undoes the encoding ${name}`, async () => {
      const { origin } = await serve((_, response) => {
        response.writeHead(200, { "content-encoding": name }).end(encode("x".repeat(100_000)));
      });
      assert.equal((await (await fetch(origin, {})).text()).length, 100_000);
    });
  }

  it("stops decoding when the reader stops", async () => {
    const { origin } = await serve((_, response) => {
      response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(new Uint8Array(64 * 1024 * 1024)));
    });
    const reader = (await fetch(origin, {})).body!.getReader();
    assert.ok((await reader.read()).value!.length <= 1024 * 1024);
    await reader.cancel();
  });

  it("gives a large body whole", async () => {
    const { origin } = await serve((_, response) => response.end("y".repeat(5_000_000)));
    assert.equal((await (await fetch(origin, {})).text()).length, 5_000_000);
  });

  it("keeps a connection for the next request", async () => {
    const { origin, seen } = await serve((_, response) => response.end("hello"));
    for (let count = 0; count < 3; count++) assert.equal(await (await fetch(origin, {})).text(), "hello");
    assert.equal(seen.connections, 1);
    assert.equal(await (await fetch(origin, { headers: { connection: "close" } })).text(), "hello");
    await (await fetch(origin, {})).text();
    assert.equal(seen.connections, 2);
  });

  it("says that a connection was refused before anything was sent", async () => {
    const { origin } = await serveRaw(() => {});
    closeServers();
    await assert.rejects(fetch(origin, {}), { name: "TypeError", code: "ECONNREFUSED", syscall: "connect" });
  });

  it("fails as a TypeError without foreign words when the server hangs up or does not speak HTTP", async () => {
    for (const text of ["", "SSH-2.0-evil\r\n\r\n", "HTTP/1.1 200 OK\r\nevil"]) {
      const { origin } = await serveRaw((socket) => socket.end(text));
      await assert.rejects(
        fetch(origin, { method: "POST", body: "x" }),
        (error: Error & { syscall?: string }) => {
          assert.ok(error instanceof TypeError);
          assert.notEqual(error.syscall, "connect", "it may have been sent");
          assert.doesNotMatch(String(error.stack), /evil/);
          assert.equal(error.cause, undefined);
          return true;
        },
      );
    }
  });

  for (
    const [name, head] of [["a length", "Content-Length: 100"], ["chunks", "Transfer-Encoding: chunked"]]
  ) {
    it(`fails when a body with ${name} is cut short`, async () => {
      const text = name === "chunks" ? "64\r\nhello" : "hello";
      const { origin } = await serveRaw((socket) => socket.end(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n${text}`));
      await assert.rejects(async () => await (await fetch(origin, {})).text(), TypeError);
    });
  }
});

describe("plain http through a proxy", () => {
  it("asks the proxy for the whole URL, with the credentials for it", async () => {
    const proxy = await proxyServer({ target: 1 });
    const proxied = nodeFetch({
      certificates: () => [],
      proxyFor: () => new URL(`http://ada:secret@127.0.0.1:${proxy.port}`),
    });
    const response = await proxied("http://plain.example:8080/a?b=c#d", {});
    assert.equal(await response.text(), "GET http://plain.example:8080/a?b=c HTTP/1.1");
    proxy.close();
    assert.match(proxy.requests[0], /\r\nhost: plain\.example:8080\r\n/i);
    assert.match(
      proxy.requests[0],
      new RegExp(`\r\nproxy-authorization: Basic ${btoa("ada:secret")}\r\n`, "i"),
    );
  });
});
