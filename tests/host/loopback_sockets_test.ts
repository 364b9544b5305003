import assert from "node:assert/strict";
import { createServer, type Server } from "node:net";
import { networkInterfaces } from "node:os";
import process from "node:process";
import { afterEach, describe, it } from "node:test";
import { listen } from "../../lib/host/loopback_listener.ts";
import { freePort } from "../free_port.ts";
import { accept, closeAll, GOOD, refusesConnection, request, send, start, status } from "./callback.ts";

afterEach(closeAll);

describe("the place of a listener", () => {
  /** Occupies a port. */
  function occupy(host: string, port = 0): Promise<Server & { port: number }> {
    return new Promise((resolve, reject) => {
      const server = createServer();
      server.on("error", reject);
      server.listen(
        { host, port },
        () => resolve(Object.assign(server, { port: (server.address() as { port: number }).port })),
      );
    });
  }

  it("is the loopback literal and no other address of this machine", async () => {
    const others = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
      .filter(({ internal, address }) => !internal && !address.startsWith("fe80")).map(({ address }) =>
        address
      );
    // 127.0.0.2 is always there on Linux, and a socket on all interfaces would answer on it.
    if (process.platform === "linux") others.push("127.0.0.2");
    for (const redirectUri of [undefined, "http://127.0.0.1:0/callback", "http://localhost:0/callback"]) {
      const listener = await start({ redirectUri });
      for (const address of others) assert.ok(await refusesConnection(listener, address), address);
      assert.equal(await refusesConnection(listener), false);
    }
  });

  it("is exactly the redirect URI that was asked for", async () => {
    const port = await freePort();
    for (const redirectUri of [`http://127.0.0.1:${port}`, `http://127.0.0.1:${port}/a/b%20c`]) {
      const listener = await start({ redirectUri });
      assert.equal(listener.redirectUri, redirectUri);
      const path = new URL(redirectUri).pathname;
      assert.equal(status(await send(listener, request(listener, `${path}?code=a&state=right`))), 200);
      await listener.close();
    }
  });

  it("has a real port in place of port 0", async () => {
    assert.match(
      (await start({ redirectUri: "http://127.0.0.1:0" })).redirectUri,
      /^http:\/\/127\.0\.0\.1:[1-9]\d+$/,
    );
    assert.match(
      (await start({ redirectUri: "http://localhost:0/x" })).redirectUri,
      /^http:\/\/localhost:[1-9]\d+\/x$/,
    );
  });

  it("is both loopback addresses for localhost, under that name only", async () => {
    const listener = await start({ redirectUri: "http://localhost:0/callback" });
    assert.match(request(listener, GOOD), /Host: localhost:\d+\r/);
    assert.equal(
      status(await send(listener, request(listener, GOOD).replace("localhost", "127.0.0.1"))),
      421,
    );
    assert.equal(status(await send(listener, request(listener, GOOD), "::1")), 200);
    assert.ok(await refusesConnection(listener, "127.0.0.1"));
  });

  it("may be IPv6", async () => {
    const listener = await start({ redirectUri: "http://[::1]:0/callback" });
    assert.match(listener.redirectUri, /^http:\/\/\[::1\]:\d+\/callback$/);
    assert.equal(status(await send(listener, request(listener, GOOD))), 200);
  });

  it("cannot be a port that somebody else has", async () => {
    const server = await occupy("127.0.0.1");
    await assert.rejects(listen({ accept, redirectUri: `http://127.0.0.1:${server.port}/callback` }), {
      code: "invalid_argument",
      message:
        `Cannot listen on 127.0.0.1:${server.port} for the answer of the browser: another program is using this port`,
    });
    server.close();
  });

  it("cannot be a localhost of which somebody else has one half", async () => {
    for (const half of ["127.0.0.1", "::1"]) {
      const server = await occupy(half);
      const redirectUri = `http://localhost:${server.port}/callback`;
      await assert.rejects(listen({ accept, redirectUri }), { code: "invalid_argument" });
      const rest = { redirectUri: redirectUri.replace("localhost", half === "::1" ? "127.0.0.1" : "[::1]") };
      assert.ok(await refusesConnection(rest), "the other half was let go");
      server.close();
    }
  });

  const wrong = [
    "https://127.0.0.1:4242/callback",
    "http://issuer.example/callback",
    "http://0.0.0.0:4242/callback",
    "http://[::]:4242/callback",
    "http://192.168.0.1:4242/callback",
    "http://127.0.0.1.evil.example:4242/",
    "http://sub.localhost:4242/",
    "http://user@127.0.0.1:4242/",
    "http://127.0.0.1:4242/?a=b",
    "http://127.0.0.1:4242/#a",
    "apex:/callback",
    "/callback",
    "",
  ];
  for (const redirectUri of wrong) {
    it(`cannot be ${JSON.stringify(redirectUri)}`, async () => {
      await assert.rejects(listen({ accept, redirectUri }), { name: "TokenError", code: "invalid_argument" });
    });
  }
});
