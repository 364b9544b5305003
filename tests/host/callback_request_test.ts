import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import type { CallbackListener } from "../../lib/host/loopback_listener.ts";
import { BROWSER, closeAll, GOOD, request, send, start, status } from "./callback.ts";

afterEach(closeAll);

describe("a request to a callback listener", () => {
  const refusals: [name: string, status: number, text: (listener: CallbackListener) => string][] = [
    ["another path", 404, (l) => request(l, "/favicon.ico")],
    ["a path below", 404, (l) => request(l, "/callback/x?code=a&state=right")],
    ["a path spelled another way", 404, (l) => request(l, "/call%62ack?code=a&state=right")],
    ["a foreign Host", 421, (l) => request(l, GOOD).replace(/Host: .*/, "Host: evil.example")],
    ["a rebound Host", 421, (l) => request(l, GOOD).replace("Host: 127.0.0.1", "Host: evil.example")],
    [
      "localhost when the literal was given out",
      421,
      (l) => request(l, GOOD).replace("127.0.0.1", "localhost"),
    ],
    ["a Host without the port", 421, (l) => request(l, GOOD).replace(/(Host: .*):\d+/, "$1")],
    ["no Host", 421, (l) => request(l, GOOD).replace(/Host: .*\r\n/, "")],
    ["two Hosts", 400, (l) => request(l, GOOD, "Host: evil.example")],
    ["a foreign Origin", 403, (l) => request(l, GOOD, "Origin: https://evil.example")],
    ["its own Origin", 403, (l) => request(l, GOOD, `Origin: ${new URL(l.redirectUri).origin}`)],
    ["a script's fetch", 403, (l) => request(l, GOOD, "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty")],
    ["an image", 403, (l) => request(l, GOOD, "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image")],
    ["a frame", 403, (l) => request(l, GOOD, "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe")],
    ["POST", 405, (l) => request(l, GOOD, "Content-Length: 0").replace("GET", "POST")],
    ["HEAD", 405, (l) => request(l, GOOD).replace("GET", "HEAD")],
    ["OPTIONS", 405, (l) => request(l, GOOD).replace("GET", "OPTIONS")],
    ["a missing state", 400, (l) => request(l, "/callback?code=a")],
    ["a wrong state", 400, (l) => request(l, "/callback?code=a&state=wrong")],
    ["no parameters", 400, (l) => request(l, "/callback")],
    ["two codes", 400, (l) => request(l, "/callback?code=a&code=b&state=right")],
    ["two states", 400, (l) => request(l, "/callback?code=a&state=right&state=right")],
    ["two issuers", 400, (l) => request(l, "/callback?code=a&state=right&iss=a&iss=b")],
    ["two errors", 400, (l) => request(l, "/callback?error=a&error=b&state=right")],
    [
      "a repeated parameter in another spelling",
      400,
      (l) => request(l, "/callback?code=a&c%6Fde=b&state=right"),
    ],
    ["an access token", 400, (l) => request(l, "/callback?access_token=a&state=right")],
    ["an ID token", 400, (l) => request(l, "/callback?id_token=a&state=right")],
    ["the form for proxies", 400, (l) => request(l, l.redirectUri + "?code=a&state=right")],
    ["another protocol", 400, () => "SSH-2.0-OpenSSH_9.2\r\n\r\n"],
    ["TLS", 400, () => "\x16\x03\x01\x02\x00\x01\x00\x01\r\n\r\n"],
    ["HTTP/0.9", 400, () => `GET ${GOOD}\r\n\r\n`],
    ["HTTP/2", 400, () => "PRI * HTTP/2.0\r\n\r\n"],
    ["a space in the target", 400, (l) => request(l, "/callback?code=a b&state=right")],
    ["a folded header", 400, (l) => request(l, GOOD, "X-A: 1", " folded")],
    ["a space before the colon", 400, (l) => request(l, GOOD, "X-A : 1")],
    ["a bare line feed in a header", 400, (l) => request(l, GOOD, "X-A: 1\nHost: evil.example")],
    ["a request line above 8 KiB", 414, (l) => request(l, `${GOOD}&x=${"x".repeat(8192)}`)],
    ["8 KiB without a line end", 414, () => "x".repeat(8193)],
    [
      "33 headers",
      431,
      (l) => request(l, GOOD, ...Array.from({ length: 32 }, (_, index) => `X-${index}: 1`)),
    ],
    ["headers above 64 KiB", 431, (l) => request(l, GOOD, `Cookie: ${"x".repeat(65_536)}`)],
  ];
  for (const [name, expected, text] of refusals) {
    it(`answers ${expected} to ${name}, and waits on`, async () => {
      const listener = await start();
      const answer = await send(listener, text(listener));
      assert.equal(status(answer), expected);
      assert.doesNotMatch(answer, /^Location:/im);
      assert.doesNotMatch(answer, /evil|wrong/);
      assert.equal(status(await send(listener, request(listener, GOOD, ...BROWSER))), 200);
      assert.equal((await listener.answer).get("code"), "abc");
    });
  }

  it("takes 32 headers and a request line of 8 KiB", async () => {
    const listener = await start();
    const headers = Array.from({ length: 31 }, (_, index) => `X-${index}: 1`);
    const filler = "x".repeat(8192 - `GET ${GOOD}&x= HTTP/1.1`.length);
    assert.equal(status(await send(listener, request(listener, `${GOOD}&x=${filler}`, ...headers))), 200);
  });

  it("takes Origin: null, which a redirect may have", async () => {
    const listener = await start();
    assert.equal(status(await send(listener, request(listener, GOOD, "Origin: null"))), 200);
  });
});
