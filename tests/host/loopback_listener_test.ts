import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { afterEach, describe, it } from "node:test";
import { TokenError } from "../../lib/errors.ts";
import { listen } from "../../lib/host/loopback_listener.ts";
import { fakeClock } from "../fake_clock.ts";
import {
  accept,
  BROWSER,
  closeAll,
  GOOD,
  refusesConnection,
  request,
  send,
  start,
  status,
  type Wire,
  wire,
} from "./callback.ts";

afterEach(closeAll);

describe("a callback listener", () => {
  it("gives the parameters of the awaited answer and then listens no more", async () => {
    const listener = await start();
    assert.match(listener.redirectUri, /^http:\/\/127\.0\.0\.1:\d+\/callback$/);
    const answer = await send(listener, request(listener, GOOD, ...BROWSER));
    assert.equal(status(answer), 200);
    const parameters = await listener.answer;
    assert.deepEqual([...parameters], [["code", "abc"], ["state", "right"], [
      "iss",
      "https://issuer.example",
    ]]);
    assert.ok(await refusesConnection(listener));
  });

  it("takes a request that arrives byte by byte", async () => {
    const listener = await start();
    const { socket, ended } = await wire(listener);
    socket.setNoDelay(true);
    for (const byte of request(listener, GOOD)) {
      await new Promise<void>((resolve) => socket.write(byte, () => resolve()));
    }
    assert.equal(status(await ended), 200);
    assert.equal((await listener.answer).get("code"), "abc");
  });

  it("gives an error answer like any other, and tells the person that it did not work", async () => {
    const listener = await start();
    const answer = await send(
      listener,
      request(listener, "/callback?error=access_denied&error_description=%3Cscript%3Eevil&state=right"),
    );
    assert.equal(status(answer), 200);
    assert.match(answer, /<h1>Not signed in<\/h1>/);
    assert.doesNotMatch(answer, /evil|access_denied/);
    assert.equal((await listener.answer).get("error"), "access_denied");
  });

  it("shows a fixed page that stays nowhere, loads nothing and clears the address bar", async () => {
    const listener = await start();
    const answer = await send(listener, request(listener, GOOD));
    const [head, body] = answer.split("\r\n\r\n");
    const headers = new Map(
      head.split("\r\n").slice(1).map((line) => line.split(": ", 2) as [string, string]),
    );
    assert.equal(headers.get("Cache-Control"), "no-store");
    assert.equal(headers.get("Referrer-Policy"), "no-referrer");
    assert.equal(headers.get("X-Content-Type-Options"), "nosniff");
    assert.equal(headers.get("Content-Length"), String(new TextEncoder().encode(body).length));
    const policy = headers.get("Content-Security-Policy")!;
    assert.match(policy, /^default-src 'none';/);
    const hash = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
    const script = /<script>(.*)<\/script>/.exec(body)![1];
    assert.match(script, /history\.replaceState/);
    assert.ok(policy.includes(`script-src ${hash(script)};`));
    assert.ok(policy.includes(`style-src ${hash(/<style>(.*)<\/style>/.exec(body)![1])};`));
    assert.match(body, /You can close this page/);
    assert.match(body, /Never copy the address/);
    assert.doesNotMatch(answer, /abc|right|issuer/, "nothing of the request is in it");
    assert.doesNotMatch(head, /^Location:/im);
  });

  it("refuses to be used a second time", async () => {
    const listener = await start();
    const late = await wire(listener);
    assert.equal(status(await send(listener, request(listener, GOOD))), 200);
    await listener.answer;
    late.socket.write(request(listener, GOOD.replace("abc", "other")));
    assert.equal(status(await late.ended), 400);
    assert.equal((await listener.answer).get("code"), "abc");
  });

  it("takes 16 connections at a time, and the next when one of them is gone", async () => {
    const clock = fakeClock();
    const listener = await start({}, clock);
    const idle: Wire[] = [];
    for (let count = 0; count < 16; count++) idle.push(await wire(listener));
    // One sleep is the listener's own.
    await clock.untilWaiting(17);
    assert.equal(await send(listener, "").catch(() => ""), "", "the 17th is dropped");
    idle[0].socket.end();
    await idle[0].ended;
    // the other side may hear of it a little later
    while (clock.waiting() > 16) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(status(await send(listener, request(listener, GOOD))), 200);
  });

  it("drops a connection that takes longer than 10 s", async () => {
    const clock = fakeClock();
    const listener = await start({}, clock);
    const slow = await wire(listener);
    slow.socket.write("GET /callback?code=a");
    await clock.untilWaiting(2);
    await clock.advance(10_000);
    assert.equal(await slow.ended, "");
    assert.equal(status(await send(listener, request(listener, GOOD))), 200);
  });

  it("survives a connection that breaks off", async () => {
    const listener = await start();
    const broken = await wire(listener);
    broken.socket.write("GET /callb");
    broken.socket.resetAndDestroy();
    assert.equal(status(await send(listener, request(listener, GOOD))), 200);
  });

  it("ends with what accept throws", async () => {
    const mismatch = new TokenError("invalid_response", "Cannot trust the answer");
    const listener = await start({
      accept: () => {
        throw mismatch;
      },
    });
    assert.equal(status(await send(listener, request(listener, GOOD))), 400);
    await assert.rejects(listener.answer, mismatch);
    assert.ok(await refusesConnection(listener));
  });
});

describe("the end of the waiting", () => {
  it("comes after 5 minutes", async () => {
    const clock = fakeClock();
    const listener = await start({}, clock);
    await clock.advance(299_999);
    assert.equal(await refusesConnection(listener), false);
    await clock.advance(1);
    await assert.rejects(listener.answer, {
      code: "timeout",
      message: "Cannot finish the sign-in: no answer came from the browser within 5 minutes",
    });
    assert.ok(await refusesConnection(listener));
  });

  it("comes after the timeout that was asked for, and drops whoever is connected", async () => {
    const clock = fakeClock();
    const listener = await start({ timeout: 1000 }, clock);
    const connected = await wire(listener);
    await clock.untilWaiting(2);
    await clock.advance(1000);
    assert.equal(await connected.ended, "");
    await assert.rejects(listener.answer, { code: "timeout" });
  });

  it("comes with the signal", async () => {
    const controller = new AbortController();
    const listener = await start({ signal: controller.signal });
    const reason = new TokenError("aborted", "Interrupted (SIGINT)");
    controller.abort(reason);
    await assert.rejects(listener.answer, reason);
    assert.ok(await refusesConnection(listener));
  });

  it("has come when the signal has aborted before", async () => {
    await assert.rejects(listen({ accept, signal: AbortSignal.abort() }), { code: "aborted" });
  });

  it("comes with close, which leaves nothing behind", async () => {
    const clock = fakeClock();
    const listener = await start({}, clock);
    const connected = await wire(listener);
    await clock.untilWaiting(2);
    await listener.close();
    assert.equal(await connected.ended, "");
    await assert.rejects(listener.answer, { code: "aborted" });
    assert.ok(await refusesConnection(listener));
    await clock.advance(0);
    assert.equal(clock.waiting(), 0);
    await listener.close();
  });
});
