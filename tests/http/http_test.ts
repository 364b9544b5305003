import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { systemClock } from "../../lib/clock.ts";
import { TokenError } from "../../lib/errors.ts";
import { createHttp, exchange, type Fetch, type HttpRequest } from "../../lib/http/http.ts";
import { type FakeClock, fakeClock } from "../fake_clock.ts";
import { endsAtOnce } from "../oauth/support.ts";

const url = "https://auth.example/token";

/** Sends a request through a `fetch` of the test's own. */
function ask(fetch: Fetch, request: Partial<HttpRequest> = {}, clock: FakeClock = fakeClock()) {
  return exchange(createHttp({ fetch, clock }), { url, method: "POST", ...request });
}

/** The error with which an exchange ends. */
async function failureOf(exchange: Promise<unknown>): Promise<TokenError> {
  try {
    await exchange;
  } catch (error) {
    assert.ok(error instanceof TokenError, inspect(error));
    return error;
  }
  assert.fail("it succeeded");
}

/** A body that gives out nothing by itself and does not listen to any signal. */
function heldBody() {
  let controller!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  let cancelled = false;
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start: (given) => {
      controller = given;
    },
    cancel: () => {
      cancelled = true;
    },
  });
  return {
    stream,
    give: (bytes: number) => controller.enqueue(new Uint8Array(bytes)),
    close: () => controller.close(),
    break: (error: unknown) => controller.error(error),
    cancelled: () => cancelled,
  };
}

/** A `fetch` that never answers and does not listen. */
const deaf: Fetch = () => new Promise(() => {});

describe("createHttp", () => {
  it("fills in the defaults and cannot be changed afterwards", () => {
    const http = createHttp();
    assert.deepEqual({ ...http }, {
      fetch: undefined,
      clock: systemClock,
      timeout: 15_000,
      allowInsecureLoopback: false,
    });
    assert.ok(Object.isFrozen(http));
  });

  it("takes the runtime's own fetch as it is", () => {
    assert.equal(createHttp({ fetch: globalThis.fetch }).fetch, globalThis.fetch);
  });
});

describe("exchange: the request", () => {
  it("sends what it was given, without compression, and nothing that some runtime refuses", async () => {
    const calls: [string, RequestInit][] = [];
    const fetch: Fetch = (input, init) => {
      calls.push([input, init]);
      return Promise.resolve(new Response("{}"));
    };
    const body = new URLSearchParams({ a: "b" });
    await ask(fetch, { body, headers: { authorization: "Basic x", "Accept-Encoding": "gzip" } });
    assert.equal(calls.length, 1);
    const [input, init] = calls[0];
    assert.equal(input, url);
    assert.deepEqual(Object.keys(init).sort(), [
      "body",
      "decompress",
      "headers",
      "method",
      "redirect",
      "signal",
    ]);
    assert.equal(init.method, "POST");
    assert.equal(init.redirect, "manual");
    assert.equal(init.body, body);
    const headers = new Headers(init.headers);
    assert.equal(headers.get("accept-encoding"), "identity");
    assert.equal(headers.get("connection"), "close");
    assert.equal(headers.get("authorization"), "Basic x");
  });

  it("does not call fetch as a method, which throws in a worker", async () => {
    const receivers: unknown[] = [];
    await ask(function (this: unknown) {
      receivers.push(this);
      return Promise.resolve(new Response("{}"));
    });
    assert.deepEqual(receivers, [undefined]);
  });

  it("looks up the runtime's fetch when it is needed, not before", async () => {
    const http = createHttp({ clock: fakeClock() });
    const original = globalThis.fetch;
    globalThis.fetch = () => Promise.resolve(new Response("from later"));
    try {
      const { body } = await exchange(http, { url, method: "GET" });
      assert.equal(new TextDecoder().decode(body), "from later");
    } finally {
      globalThis.fetch = original;
    }
  });

  it("refuses an insecure URL before anything is sent", async () => {
    let calls = 0;
    const fetch: Fetch = () => {
      calls++;
      return Promise.resolve(new Response("{}"));
    };
    for (
      const insecure of [
        "http://auth.example/",
        "http://127.0.0.1/",
        "https://a:b@auth.example/",
        "data:,x",
        "x",
      ]
    ) {
      const error = await failureOf(ask(fetch, { url: insecure }));
      assert.equal(error.code, "insecure_url");
      assert.equal(error.sent, false);
    }
    assert.equal(calls, 0);
    const http = createHttp({ fetch, clock: fakeClock(), allowInsecureLoopback: true });
    await exchange(http, { url: "http://127.0.0.1/", method: "GET" });
    assert.equal(calls, 1);
  });

  it("does not show the value of a header that cannot be sent", async () => {
    const clock = fakeClock();
    for (const authorization of ["Bearer hunter2\nx: y", "Bearer hunter2\0", "Bearer hunter2€"]) {
      const error = await failureOf(ask(deaf, { headers: { authorization } }, clock));
      assert.equal(error.code, "invalid_argument");
      assert.equal(error.sent, false);
      assert.doesNotMatch(inspect(error), /hunter2/);
    }
    assert.equal(clock.waiting(), 0);
  });
});

describe("exchange: the answer", () => {
  it("gives status, headers and the whole body", async () => {
    const body = heldBody();
    const answered = ask(() =>
      Promise.resolve(new Response(body.stream, { status: 400, headers: { "x-a": "b" } }))
    );
    body.give(3);
    body.give(0);
    body.give(4);
    body.close();
    const answer = await answered;
    assert.equal(answer.url, url);
    assert.equal(answer.status, 400);
    assert.equal(answer.headers.get("x-a"), "b");
    assert.ok(answer.body instanceof Uint8Array);
    assert.equal(answer.body.length, 7);
  });

  it("gives an empty body where there is none", async () => {
    const { status, body } = await ask(() => Promise.resolve(new Response(null, { status: 204 })));
    assert.equal(status, 204);
    assert.deepEqual(body, new Uint8Array());
  });

  it("refuses every redirect, and names no more of its target than the host", async () => {
    for (const status of [300, 301, 302, 303, 304, 307, 308, 399]) {
      const body = heldBody();
      const location = "https://other.example/callback?code=hunter2#hunter2";
      const fetch: Fetch = () =>
        Promise.resolve(new Response(status === 304 ? null : body.stream, { status, headers: { location } }));
      const error = await failureOf(ask(fetch));
      assert.equal(error.code, "invalid_response");
      assert.equal(error.status, status);
      assert.equal(error.sent, true);
      assert.equal(
        error.message,
        `Cannot get an answer from auth.example: it is a redirect (${status} to other.example), ` +
          "and redirects are never followed",
      );
      assert.doesNotMatch(inspect(error), /hunter2/);
      if (status !== 304) assert.ok(body.cancelled());
    }
  });

  it("says nothing of a target that is no URL", async () => {
    for (const location of ["/hunter2", "hunter2", "//hunter2.example", "https://hunter2:hunter2@[", ""]) {
      const fetch: Fetch = () => Promise.resolve(new Response(null, { status: 302, headers: { location } }));
      assert.match((await failureOf(ask(fetch))).message, /a redirect \(302\), and/);
    }
  });

  it("refuses the redirect that a browser hides, and one that was followed all the same", async () => {
    const hidden = Response.error();
    assert.match((await failureOf(ask(() => Promise.resolve(hidden)))).message, /a redirect \(0\)/);
    const followed = new Response("{}");
    Object.defineProperty(followed, "redirected", { value: true });
    assert.equal((await failureOf(ask(() => Promise.resolve(followed)))).code, "invalid_response");
  });

  it("takes exactly as many bytes as the limit", async () => {
    for (const [length, limit] of [[131_072, undefined], [10, 10]] as const) {
      const fetch: Fetch = () => Promise.resolve(new Response(new Uint8Array(length)));
      assert.equal((await ask(fetch, { limit })).body.length, length);
      const longer: Fetch = () => Promise.resolve(new Response(new Uint8Array(length + 1)));
      const error = await failureOf(ask(longer, { limit }));
      assert.equal(error.code, "invalid_response");
      assert.match(error.message, new RegExp(`longer than ${length} bytes`));
    }
  });

  it("stops reading one byte after the limit", async () => {
    const body = heldBody();
    const error = failureOf(ask(() => Promise.resolve(new Response(body.stream)), { limit: 100 }));
    body.give(100);
    body.give(1);
    assert.equal((await error).code, "invalid_response");
    assert.ok(body.cancelled());
  });

  it("refuses at once when the length is announced and too long", async () => {
    const body = heldBody();
    const headers = { "content-length": "131073" };
    const error = await failureOf(ask(() => Promise.resolve(new Response(body.stream, { headers }))));
    assert.equal(error.code, "invalid_response");
    assert.ok(body.cancelled());
  });
});

describe("exchange: the deadline", () => {
  it("ends the wait for an answer after 15 s, not before, even if fetch does not listen", async () => {
    const clock = fakeClock();
    let ended = false;
    let signal: AbortSignal | null | undefined;
    const failed = failureOf(
      ask(
        (_, init) => {
          signal = init.signal;
          return new Promise(() => {});
        },
        {},
        clock,
      ),
    ).finally(() => {
      ended = true;
    });
    await clock.advance(14_999);
    assert.equal(ended, false);
    assert.equal(signal?.aborted, false);
    await clock.advance(1);
    assert.equal(ended, true);
    const error = await failed;
    assert.equal(error.code, "timeout");
    assert.equal(error.sent, true);
    assert.equal(error.retryable, true);
    assert.equal(
      error.message,
      "Cannot get an answer from auth.example: gave up after 15 s, waiting for the answer",
    );
    assert.equal(signal?.aborted, true);
    assert.equal(clock.waiting(), 0);
  });

  it("covers the headers and the body together", async () => {
    const clock = fakeClock();
    const body = heldBody();
    const failed = failureOf(
      ask(
        async () => {
          await clock.sleep(9000);
          return new Response(body.stream);
        },
        {},
        clock,
      ),
    );
    await clock.advance(9000);
    for (let second = 0; second < 6; second++) {
      body.give(1000);
      await clock.advance(1000);
    }
    const error = await failed;
    assert.equal(error.code, "timeout");
    assert.match(error.message, /gave up after 15 s, reading the answer/);
    assert.ok(body.cancelled());
  });

  it("can be set for all requests and for one", async () => {
    const clock = fakeClock();
    const http = createHttp({ fetch: deaf, clock, timeout: 2500 });
    const both = [
      failureOf(exchange(http, { url, method: "GET" })),
      failureOf(exchange(http, { url, method: "GET", timeout: 40_000 })),
    ];
    await clock.advance(2500);
    assert.match((await both[0]).message, /after 2\.5 s/);
    assert.equal(clock.waiting(), 1);
    await clock.advance(37_500);
    assert.match((await both[1]).message, /after 40 s/);
  });

  it("gives up on an answer that comes at less than 100 bytes a second, after 5 s of reading", async () => {
    const clock = fakeClock();
    const body = heldBody();
    let ended = false;
    const failed = failureOf(
      ask(
        async () => {
          await clock.sleep(3000);
          return new Response(body.stream);
        },
        {},
        clock,
      ),
    ).finally(() => {
      ended = true;
    });
    await clock.advance(3000);
    body.give(500);
    await clock.advance(5000);
    assert.equal(ended, false);
    body.give(99);
    await clock.advance(1000);
    assert.equal(ended, true);
    assert.match((await failed).message, /gave up after 9 s, reading the answer/);
    assert.equal((await failed).code, "timeout");
    assert.ok(body.cancelled());
  });

  it("leaves an answer alone that comes at 100 bytes a second", async () => {
    const clock = fakeClock();
    const body = heldBody();
    const answered = ask(() => Promise.resolve(new Response(body.stream)), {}, clock);
    for (let second = 0; second < 14; second++) {
      body.give(100);
      await clock.advance(1000);
    }
    body.close();
    assert.equal((await answered).body.length, 1400);
  });

  it("leaves no timer behind, whatever the end", async () => {
    const clock = fakeClock();
    await ask(() => Promise.resolve(new Response("{}")), {}, clock);
    assert.equal(clock.waiting(), 0);
    await failureOf(ask(() => Promise.reject(new TypeError("fetch failed")), {}, clock));
    assert.equal(clock.waiting(), 0);
    await failureOf(ask(() => Promise.resolve(new Response(null, { status: 302 })), {}, clock));
    assert.equal(clock.waiting(), 0);
  });

  it("throws away an answer that comes after the end", async () => {
    const clock = fakeClock();
    const body = heldBody();
    const failed = failureOf(
      ask(
        async () => {
          await clock.sleep(20_000);
          return new Response(body.stream);
        },
        {},
        clock,
      ),
    );
    await clock.advance(15_000);
    assert.equal((await failed).code, "timeout");
    await clock.advance(5000);
    assert.ok(body.cancelled());
  });
});

describe("exchange: the caller's signal", () => {
  it("prevents the request when it has aborted before", async () => {
    let calls = 0;
    const error = await failureOf(
      ask(() => {
        calls++;
        return deaf("", {});
      }, { signal: AbortSignal.abort() }),
    );
    assert.equal(error.code, "aborted");
    assert.equal(error.sent, false);
    assert.equal(calls, 0);
  });

  it("ends the wait at once, even if fetch does not listen", async () => {
    const clock = fakeClock();
    const controller = new AbortController();
    const failed = failureOf(ask(deaf, { signal: controller.signal }, clock));
    controller.abort(new Error("hunter2"));
    assert.ok(await endsAtOnce(failed));
    const error = await failed;
    assert.equal(error.code, "aborted");
    assert.equal(error.sent, true);
    assert.equal(error.retryable, false);
    assert.doesNotMatch(inspect(error), /hunter2/);
    assert.equal(clock.waiting(), 0);
  });

  it("ends the reading, even if the body does not listen", async () => {
    const clock = fakeClock();
    const controller = new AbortController();
    const body = heldBody();
    const failed = failureOf(
      ask(() => Promise.resolve(new Response(body.stream)), { signal: controller.signal }, clock),
    );
    body.give(10);
    await clock.advance(1000);
    controller.abort();
    assert.equal((await failed).code, "aborted");
    assert.ok(body.cancelled());
  });

  it("is aborted and not broken, if fetch rejects because of it", async () => {
    const controller = new AbortController();
    const listening: Fetch = (_, init) =>
      new Promise((_, reject) => init.signal!.addEventListener("abort", () => reject(init.signal!.reason)));
    const failed = failureOf(ask(listening, { signal: controller.signal }));
    controller.abort();
    assert.equal((await failed).code, "aborted");
  });

  it("may live longer than the exchange: nothing listens to it afterwards", async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const listeners = new Set<unknown>();
    signal.addEventListener = (_: string, listener: unknown) => void listeners.add(listener);
    signal.removeEventListener = (_: string, listener: unknown) => void listeners.delete(listener);
    const answer = await ask(() => {
      assert.ok(listeners.size > 0);
      return Promise.resolve(new Response("{}"));
    }, { signal });
    await failureOf(ask(() => Promise.reject(new TypeError("fetch failed")), { signal }));
    assert.equal(listeners.size, 0);
    controller.abort();
    assert.equal(answer.status, 200);
  });
});

describe("exchange: a network that fails", () => {
  const deno = (message: string) => new TypeError("fetch failed", { cause: new Error(message) });
  const node = (code: string, syscall?: string) =>
    new TypeError("fetch failed", { cause: Object.assign(new Error("hunter2"), { code, syscall }) });
  const bun = (code: string) => Object.assign(new TypeError("hunter2"), { code });
  const connect = (reason: string) =>
    deno(`error sending request for url (https://auth.example/hunter2): client error (Connect): ${reason}`);

  async function failureFor(thrown: unknown): Promise<TokenError> {
    const error = await failureOf(ask(() => Promise.reject(thrown)));
    assert.equal(error.code, "network");
    assert.equal(error.retryable, true);
    assert.match(error.message, /^Cannot get an answer from auth\.example: /);
    assert.doesNotMatch(inspect(error), /hunter2/);
    return error;
  }

  it("says why in words, and that nothing was sent", async () => {
    const cases: [unknown, RegExp][] = [
      [node("ENOTFOUND", "getaddrinfo"), /the name was not found \(ENOTFOUND\)$/],
      [node("EAI_AGAIN", "getaddrinfo"), /the name was not found/],
      [bun("ENOTFOUND"), /the name was not found/],
      [
        connect("dns error: failed to lookup address information: Name or service not known"),
        /the name was not found \(dns error: failed to lookup/,
      ],
      [node("ECONNREFUSED", "connect"), /the connection was refused/],
      [bun("ECONNREFUSED"), /the connection was refused/],
      [connect("tcp connect error: Connection refused (os error 111)"), /the connection was refused/],
      [node("EHOSTUNREACH", "connect"), /the connection failed \(EHOSTUNREACH\)$/],
      [connect("tcp connect error: No route to host (os error 113)"), /the connection failed \(tcp connect/],
      [connect("tls handshake eof"), /the connection failed \(tls handshake eof\)$/],
      [node("UND_ERR_CONNECT_TIMEOUT"), /nothing answers there/],
    ];
    for (const [thrown, message] of cases) {
      const error = await failureFor(thrown);
      assert.match(error.message, message);
      assert.equal(error.sent, false, error.message);
      assert.equal(error.nextStep, undefined);
    }
  });

  it("says when a certificate is not trusted, and what can be done about it", async () => {
    for (
      const thrown of [
        node("CERT_HAS_EXPIRED"),
        node("ERR_TLS_CERT_ALTNAME_INVALID"),
        node("DEPTH_ZERO_SELF_SIGNED_CERT"),
        node("SELF_SIGNED_CERT_IN_CHAIN"),
        node("UNABLE_TO_GET_ISSUER_CERT_LOCALLY"),
        bun("UNABLE_TO_VERIFY_LEAF_SIGNATURE"),
        bun("CERT_HAS_EXPIRED"),
        connect("invalid peer certificate: UnknownIssuer"),
        connect("invalid peer certificate: Expired"),
        connect('invalid peer certificate: certificate not valid for name "auth.example"'),
      ]
    ) {
      const error = await failureFor(thrown);
      assert.match(error.message, /its certificate is not trusted \(.+\)$/);
      assert.match(error.nextStep ?? "", /--ca-file or SSL_CERT_FILE/);
      assert.equal(error.sent, false);
    }
  });

  it("assumes that the request was sent when that is possible", async () => {
    for (
      const thrown of [
        node("ECONNRESET", "read"),
        node("UND_ERR_SOCKET"),
        node("ETIMEDOUT", "read"),
        node("ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED"),
        bun("ECONNRESET"),
        bun("Malformed_HTTP_Response"),
        deno("Connection reset by peer (os error 104)"),
        deno(
          "error sending request from 127.0.0.1:38896 for https://auth.example/hunter2 (127.0.0.1:443): " +
            "client error (SendRequest): connection closed before message completed",
        ),
        new TypeError("fetch failed"),
        new DOMException("hunter2", "AbortError"),
        "hunter2",
        undefined,
        null,
      ]
    ) {
      const error = await failureFor(thrown);
      assert.match(error.message, /: the connection failed( \([A-Z]\w+\))?$/);
      assert.equal(error.sent, true, inspect(thrown));
    }
  });

  it("is not misled by words in the URL", async () => {
    const url =
      "https://dns-error.example/ENOTFOUND/ECONNREFUSED/CERT_HAS_EXPIRED?client%20error%20(Connect):%20x";
    const thrown = deno(`error sending request for url (${url}): client error (SendRequest)`);
    const error = await failureFor(thrown);
    assert.equal(error.sent, true);
    assert.match(error.message, /the connection failed$/);
  });

  it("shows no more than a harmless piece of what the runtime said", async () => {
    const error = await failureFor(connect(`\x1b]8;;x\x07${"long ".repeat(100)}`));
    assert.ok(!error.message.includes("\x1b"));
    assert.ok(error.message.length < 200);
  });

  it("passes on the errors of a fetch that knows better", async () => {
    const known = new TokenError("key", "Cannot read the client certificate");
    assert.equal(await failureOf(ask(() => Promise.reject(known))), known);
  });

  it("tells when the connection broke after the headers", async () => {
    const body = heldBody();
    const failed = failureOf(ask(() => Promise.resolve(new Response(body.stream))));
    body.give(5);
    body.break(node("ECONNREFUSED", "connect"));
    const error = await failed;
    assert.equal(error.code, "network");
    assert.equal(error.sent, true);
    assert.match(error.message, /auth\.example: the connection broke in the middle of it/);
    assert.doesNotMatch(inspect(error), /hunter2/);
  });
});
