/**
 * Requirements on the listener that a browser comes back to (RFC 8252, RFC 9700).
 */

import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import process from "node:process";
import { after, afterEach, describe, it } from "node:test";
import { authorizationRequest } from "../../mod.ts";
import { listen } from "../../lib/host/loopback_listener.ts";
import { fakeClock } from "../fake_clock.ts";
import {
  BROWSER,
  closeAll,
  GOOD,
  refusesConnection,
  request,
  send,
  start,
  status,
} from "../host/callback.ts";
import { newHome } from "./command_line.ts";
import { serve } from "./served.ts";
import { app, refusedWith, world } from "./support.ts";

afterEach(closeAll);

describe("the listener for the browser", () => {
  it("A6 turns a forged answer away, lets no code be exchanged, and waits on for the right one", async () => {
    const { server, issuer } = await world();
    const listener = await listen({ accept: (parameters) => pending.accepts(parameters) });
    const pending = await authorizationRequest(issuer, app, {
      redirectUri: listener.redirectUri,
      scope: "openid",
    });
    for (
      const forged of [
        "code=evil",
        "code=evil&state=",
        "code=evil&state=evil",
        "error=access_denied",
        "state",
      ]
    ) {
      assert.equal(status(await send(listener, request(listener, `/callback?${forged}`, ...BROWSER))), 400);
    }
    assert.equal(server.count("token"), 0);
    const { pathname, search } = new URL(await server.authorize(pending.url));
    assert.equal(status(await send(listener, request(listener, pathname + search, ...BROWSER))), 200);
    assert.ok((await pending.redeem(await listener.answer)).accessToken);
    assert.equal(server.count("token"), 1);
  });

  it("A7 takes one answer: of two that come at once, the second gets nothing", async () => {
    const listener = await start();
    const twice = [
      send(listener, request(listener, GOOD)),
      send(listener, request(listener, GOOD.replace("abc", "evil"))),
    ];
    const [first, second] = (await Promise.all(twice.map((one) => one.catch(() => "")))).map(status);
    assert.deepEqual([first, second].filter((code) => code === 200), [200]);
    assert.equal((await listener.answer).get("code"), first === 200 ? "abc" : "evil");
    assert.ok(await refusesConnection(listener));
  });

  it("A12 leads nowhere: whatever the query says, it is a fixed page", async () => {
    const listener = await start();
    const pages = new Set<string>();
    for (const name of ["redirect", "redirect_uri", "url", "next", "returnTo", "post_logout_redirect_uri"]) {
      const answer = await send(
        listener,
        request(listener, `/callback?${name}=https%3A%2F%2Fevil.test%2F&state=wrong`),
      );
      assert.doesNotMatch(answer, /location:|refresh:|evil\.test|http-equiv/i);
      pages.add(answer);
    }
    assert.equal(pages.size, 1);
    const good = await send(listener, request(listener, `${GOOD}&redirect=https://evil.test/%3Cscript%3E`));
    assert.equal(status(good), 200);
    assert.doesNotMatch(good, /location:|refresh:|evil\.test|http-equiv|abc/i);
  });

  it("A13 listens on a free port of 127.0.0.1, and no environment variable moves it", async () => {
    const variables = {
      HOST: "0.0.0.0",
      HOSTNAME: "0.0.0.0",
      ADDRESS: "0.0.0.0",
      PORT: "80",
      BIND: "0.0.0.0",
    };
    const before = { ...process.env };
    Object.assign(process.env, variables);
    const [one, other] = [await start(), await start()];
    // these alone: on Deno the environment is that of other test files, too
    for (const name of Object.keys(variables)) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
    for (const { redirectUri } of [one, other]) {
      assert.match(redirectUri, /^http:\/\/127\.0\.0\.1:\d{4,5}\/callback$/);
    }
    assert.notEqual(one.redirectUri, other.redirectUri);
    const addresses = Object.values(networkInterfaces()).flatMap((all) => all ?? [])
      .filter(({ family, internal }) => family === "IPv4" && !internal).map(({ address }) => address);
    for (const address of [...addresses, "127.0.0.2", "::1"]) {
      assert.ok(await refusesConnection(one, address), address);
    }
    for (
      const redirectUri of [
        "http://0.0.0.0:0/callback",
        "http://192.0.2.1/callback",
        "https://127.0.0.1/callback",
        "http://evil.test/",
      ]
    ) {
      await refusedWith("invalid_argument", start({ redirectUri }), redirectUri);
    }
    const { port } = new URL(one.redirectUri);
    await one.close();
    assert.equal(
      (await start({ redirectUri: `http://127.0.0.1:${port}/cb` })).redirectUri,
      `http://127.0.0.1:${port}/cb`,
    );
  });

  it("A14 is there from the request to the answer, an error, the timeout or the interruption, and no longer", async () => {
    const success = await start();
    assert.equal(await refusesConnection(success), false);
    await send(success, request(success, GOOD));
    await success.answer;
    const refused = await start();
    await send(refused, request(refused, GOOD.replace("code=abc", "error=access_denied")));
    await refused.answer;
    const clock = fakeClock();
    const late = await start({}, clock);
    await clock.advance(300_000);
    await refusedWith("timeout", late.answer);
    const controller = new AbortController();
    const aborted = await start({ signal: controller.signal });
    controller.abort();
    await refusedWith("aborted", aborted.answer);
    for (const listener of [success, refused, late, aborted]) assert.ok(await refusesConnection(listener));
  });

  describe("of the command line", () => {
    const home = newHome();
    after(() => home.remove());

    it("A14 is gone after Ctrl-C", async () => {
      const served = await serve();
      const login = ["login", "x", "--issuer", served.origin, "--client-id", "app", "--flow", "browser"];
      const running = home.start([...login, "--allow-insecure-loopback", "--no-open"]);
      const [, url] = await running.waitFor("stderr", /^ {4}(http\S+)$/m);
      const listener = { redirectUri: new URL(url).searchParams.get("redirect_uri")! };
      assert.equal(await refusesConnection(listener), false);
      running.kill("SIGINT");
      assert.equal((await running.ended).code, 130);
      assert.ok(await refusesConnection(listener));
      await served.close();
    });
  });

  it("A19 sends a page that stays nowhere, tells nobody where it was, and clears the address bar", async () => {
    const listener = await start();
    for (const target of ["/callback?state=wrong", "/elsewhere", GOOD]) {
      const answer = await send(listener, request(listener, target));
      const headers = answer.split("\r\n\r\n")[0].toLowerCase();
      assert.match(headers, /^cache-control: no-store$/m);
      assert.match(headers, /^referrer-policy: no-referrer$/m);
      assert.match(headers, /^content-security-policy: default-src 'none';/m);
      assert.match(headers, /frame-ancestors 'none'/);
      assert.match(headers, /^connection: close$/m);
      assert.match(answer, /history\.replaceState\(null,"",location\.pathname\)/);
    }
  });

  it("A24 answers the browser itself, not a page on another site nor one that calls itself by another name", async () => {
    const listener = await start();
    const { host, port } = new URL(listener.redirectUri);
    const raw = (method: string, ...headers: string[]) =>
      [`${method} ${GOOD} HTTP/1.1`, ...headers, "", ""].join("\r\n");
    for (const name of ["evil.test", `evil.test:${port}`, "127.0.0.1", "127.0.0.1:1", `localhost:${port}`]) {
      assert.equal(status(await send(listener, raw("GET", `Host: ${name}`))), 421, name);
    }
    assert.equal(status(await send(listener, raw("GET"))), 421);
    assert.equal(status(await send(listener, raw("GET", `Host: ${host}`, "Host: evil.test"))), 400);
    for (
      const from of [
        "Origin: https://evil.test",
        `Origin: http://${host}`,
        "Sec-Fetch-Mode: cors",
        "Sec-Fetch-Dest: image",
      ]
    ) {
      assert.equal(status(await send(listener, raw("GET", `Host: ${host}`, from))), 403, from);
    }
    for (const method of ["POST", "HEAD", "PUT", "OPTIONS"]) {
      assert.equal(status(await send(listener, raw(method, `Host: ${host}`))), 405, method);
    }
    assert.equal(status(await send(listener, request(listener, GOOD, ...BROWSER))), 200);
    assert.equal((await listener.answer).get("code"), "abc");
  });
});
