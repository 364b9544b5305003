import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import process from "node:process";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { TokenError } from "../../lib/errors.ts";
import { createHttp, exchange, type Fetch, type HttpRequest } from "../../lib/http/http.ts";
import { parseJson } from "../../lib/http/json.ts";
import { unusableAnswer } from "../../lib/oauth/_answer.ts";
import { fakeClock } from "../fake_clock.ts";
import { endsAtOnce } from "../oauth/support.ts";
import { makeCertificates } from "./certificates.ts";
import { answer, captivePortal, drip, flood, gzipBomb, hang, head, raw, reset } from "./faults.ts";
import {
  type HostileServer,
  type HostileServerOptions,
  NOWHERE,
  type Script,
  startHostileServer,
} from "./server.ts";
import { trustingFetch } from "./trusting_fetch.ts";

const servers: HostileServer[] = [];
after(() => Promise.all(servers.map((server) => server.close())));

async function start(options: HostileServerOptions): Promise<HostileServer> {
  const server = await startHostileServer(options);
  servers.push(server);
  return server;
}

/** A server with one script, on `/`. */
function serve(script: Script): Promise<HostileServer> {
  return start({ routes: { "/": script } });
}

function post(server: Pick<HostileServer, "origin">): HttpRequest {
  return { url: `${server.origin}/`, method: "POST", body: "refresh_token=hunter2" };
}

/** On a clock that stands still: no deadline ends what has to end by itself. */
function ask(server: Pick<HostileServer, "origin">, request: Partial<HttpRequest> = {}, fetch?: Fetch) {
  const http = createHttp({ fetch, clock: fakeClock(), allowInsecureLoopback: true });
  return exchange(http, { ...post(server), ...request });
}

async function failureOf(exchange: Promise<unknown>): Promise<TokenError> {
  try {
    await exchange;
  } catch (error) {
    assert.ok(error instanceof TokenError, inspect(error));
    assert.match(error.message, /127\.0\.0\.1:\d+/);
    assert.doesNotMatch(inspect(error), /hunter2/);
    return error;
  }
  assert.fail("it succeeded");
}

/** An exchange on a clock that stands still, with the moment at which the runtime's fetch had the headers. */
function askOnFakeClock(server: HostileServer) {
  const clock = fakeClock();
  let headersCame!: () => void;
  const headers = new Promise<void>((resolve) => {
    headersCame = resolve;
  });
  const fetch: Fetch = async (input, init) => {
    const response = await globalThis.fetch(input, init);
    headersCame();
    return response;
  };
  const http = createHttp({ clock, fetch, allowInsecureLoopback: true });
  const failed = failureOf(exchange(http, { url: `${server.origin}/`, method: "POST", body: "a=b" }));
  return { clock, headers, failed };
}

/** Wraps a script so that a test can wait for the end of the connection. */
function watched(script: Script) {
  let over!: () => void;
  const closed = new Promise<void>((resolve) => {
    over = resolve;
  });
  const wrapped: Script = (connection) => {
    connection.closed.then(over);
    return script(connection);
  };
  return { script: wrapped, closed };
}

describe("exchange with a server that behaves", () => {
  it("sends the request as it is and reads the answer", async () => {
    const server = await serve(answer({ status: 201, headers: ["x-a: b"], body: '{"a":1}' }));
    const { status, headers, body } = await ask(server, { headers: { authorization: "Basic YTpi" } });
    assert.equal(status, 201);
    assert.equal(headers.get("x-a"), "b");
    assert.deepEqual(parseJson(body, unusableAnswer), { a: 1 });
    assert.equal(server.requests.length, 1);
    const [request] = server.requests;
    assert.equal(request.method, "POST");
    assert.equal(request.target, "/");
    assert.equal(request.body, "refresh_token=hunter2");
    assert.match(request.head, /^accept-encoding: identity$/im);
    assert.match(request.head, /^authorization: Basic YTpi$/im);
  });

  it("reads an answer that comes in chunks, until the connection closes, or not at all", async () => {
    const chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
    for (
      const [script, text] of [
        [raw(chunked), "{}"],
        [raw("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n", "{}"), "{}"],
        [raw("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"), ""],
        [raw("HTTP/1.1 204 No Content\r\n\r\n"), ""],
        [raw("HTTP/1.1 200\r\ncontent-length: 2\r\n\r\n{}"), "{}"],
      ] as const
    ) {
      assert.equal(new TextDecoder().decode((await ask(await serve(script))).body), text);
    }
  });
});

describe("exchange with a server that hangs", () => {
  it("ends after 15 s before the headers and in the middle of them", async () => {
    for (const sent of ["", "HTTP/1.1 200 OK\r\ncontent-ty"]) {
      const { script, closed } = watched(hang(sent));
      const server = await serve(script);
      const { clock, failed } = askOnFakeClock(server);
      await server.arrival("/");
      await clock.advance(15_000);
      const error = await failed;
      assert.equal(error.code, "timeout");
      assert.equal(error.sent, true);
      assert.match(error.message, /gave up after 15 s, waiting for the answer/);
      await closed;
    }
  });

  it("ends after 5 s in the middle of the body", async () => {
    const { script, closed } = watched(hang(head(1000), '{"access'));
    const server = await serve(script);
    const { clock, headers, failed } = askOnFakeClock(server);
    await headers;
    await clock.advance(5000);
    const error = await failed;
    assert.equal(error.code, "timeout");
    assert.match(error.message, /gave up after 5 s, reading the answer/);
    await closed;
  });

  it("does not let a byte now and then keep it waiting", async () => {
    const { script, closed } = watched(drip(5));
    const server = await serve(script);
    const { clock, headers, failed } = askOnFakeClock(server);
    await headers;
    await clock.advance(5000);
    assert.match((await failed).message, /gave up after 5 s, reading the answer/);
    await closed;
  });

  it("keeps its deadline by the machine's clock too", async () => {
    const server = await serve(hang());
    const http = createHttp({ allowInsecureLoopback: true, timeout: 300 });
    const start = performance.now();
    const error = await failureOf(exchange(http, post(server)));
    const took = performance.now() - start;
    assert.equal(error.code, "timeout");
    const [, seconds] = /gave up after ([\d.]+) s, waiting for the answer$/.exec(error.message)!;
    // a timer may count from the beginning of its turn of the event loop, and end whenever the machine has time for it
    assert.ok(Number(seconds) >= 0.2 && Number(seconds) * 1000 <= took + 50, `${seconds} s of ${took} ms`);
  });

  it("is left at once on the caller's signal, in either phase", async () => {
    for (const sent of ["", head(1000)]) {
      const { script, closed } = watched(hang(sent));
      const server = await serve(script);
      const controller = new AbortController();
      let headers = () => {};
      const began = new Promise<void>((resolve) => {
        headers = resolve;
      });
      const failed = failureOf(ask(server, { signal: controller.signal }, async (input, init) => {
        const response = await fetch(input, init);
        headers();
        return response;
      }));
      await (sent ? began : server.arrival("/"));
      controller.abort();
      assert.ok(await endsAtOnce(failed));
      const error = await failed;
      assert.equal(error.code, "aborted");
      assert.equal(error.sent, true);
      await closed;
    }
  });
});

describe("exchange with a server that breaks off", () => {
  it("counts the request as sent, and sends it once", async () => {
    for (
      const script of [
        reset(),
        raw(),
        reset("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n"),
        reset(head(10)),
        reset(head(10), "{"),
        raw(head(10), "{"),
        raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n"),
      ]
    ) {
      const server = await serve(script);
      const error = await failureOf(ask(server));
      assert.equal(error.code, "network");
      assert.equal(error.sent, true);
      assert.equal(error.retryable, true);
      assert.equal(server.requests.length, 1);
    }
  });

  it("does not use a connection twice: Deno would send the request again when an old one breaks", async () => {
    let requests = 0;
    const server = await serve((connection) =>
      ++requests === 1 ? answer({ body: "{}" })(connection) : connection.reset()
    );
    assert.equal((await ask(server)).status, 200);
    const error = await failureOf(ask(server));
    assert.equal(error.sent, true);
    assert.equal(server.requests.length, 2);
    assert.equal(server.received.connections, 2);
  });
});

describe("exchange with a server that lies about its answer", () => {
  it("refuses an announced length above the limit without waiting for it", async () => {
    const { script, closed } = watched(hang(head(131_073)));
    const error = await failureOf(ask(await serve(script)));
    assert.equal(error.code, "invalid_response");
    assert.match(error.message, /longer than 131072 bytes/);
    await closed;
  });

  it("stops an answer without end", async () => {
    const { script, closed } = watched(flood());
    const error = await failureOf(ask(await serve(script)));
    assert.equal(error.code, "invalid_response");
    await closed;
  });

  it("takes no more than was announced", async () => {
    const { body } = await ask(await serve(raw(head(2), '{}{"a":1}')));
    assert.equal(new TextDecoder().decode(body), "{}");
  });

  it("ends at once with what is no HTTP", async () => {
    for (
      const text of [
        "SSH-2.0-OpenSSH_9.6\r\n",
        "\0\x01\x02\xff\r\n\r\n",
        head(2, "content-length: 5") + "hello",
        "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999999\r\n\r\n{}",
        head(2, "x: a\0b") + "{}",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n",
        head(2, "x: a", " b") + "{}",
      ]
    ) {
      const error = await failureOf(ask(await serve(raw(text))));
      assert.equal(error.code, "network", text);
      assert.equal(error.sent, true, text);
    }
  });

  it("survives compression that nobody asked for", async () => {
    const packed = gzipSync('{"a":1}');
    const gzip = "content-encoding: gzip";
    for (
      const script of [
        raw(head(packed.length, gzip), packed),
        raw(head(packed.length - 4, gzip), packed.subarray(0, -4)),
        raw(head(5, gzip), "hello"),
        raw(head(gzipSync(packed).length, "content-encoding: gzip, gzip"), gzipSync(packed)),
      ]
    ) {
      const server = await serve(script);
      // Each runtime does it its own way. All that matters: it ends, and what comes out is JSON or an error of ours.
      try {
        assert.deepEqual(parseJson((await ask(server)).body, unusableAnswer), { a: 1 });
      } catch (error) {
        assert.ok(error instanceof TokenError, inspect(error));
        assert.match(error.code, /^(network|invalid_response)$/);
      }
    }
  });

  it("reads what came compressed unasked, or says that it did", async () => {
    const encodings = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync };
    const texts = ['{"a":1}', JSON.stringify({ error: "invalid_grant", error_description: "x".repeat(500) })];
    for (const [encoding, pack] of Object.entries(encodings)) {
      for (const text of texts) {
        const packed = pack(text);
        const server = await serve(raw(head(packed.length, `content-encoding: ${encoding}`), packed));
        const said = await ask(server).then(({ body }) => new TextDecoder().decode(body), String);
        if (said === text) continue;
        assert.match(said, /^TokenError: Cannot get an answer from .*: it is compressed unasked$/);
      }
    }
  });

  it("shows a captive portal for what it is", async () => {
    const { status, body } = await ask(await serve(captivePortal));
    assert.equal(status, 200);
    assert.throws(() => parseJson(body, unusableAnswer), /it is a web page$/);
  });
});

describe("exchange with a server that redirects", () => {
  it("sends nothing to the other place, whichever it is", async () => {
    const other = await start({});
    for (const status of [301, 302, 303, 307, 308]) {
      let own = "";
      const server = await start({
        routes: {
          "/": (connection) =>
            answer({ status, headers: [`location: ${own || `${other.origin}/?code=hunter2`}`] })(connection),
        },
      });
      for (own of ["", "/there", `${server.origin}/there`]) {
        const error = await failureOf(ask(server));
        assert.equal(error.code, "invalid_response");
        assert.equal(error.status, status);
        assert.match(error.message, new RegExp(`a redirect \\(${status}.*redirects are never followed`));
        assert.equal(error.sent, true);
      }
      assert.deepEqual(server.requests.map(({ target }) => target), ["/", "/", "/"]);
    }
    assert.deepEqual({ ...other.received }, { connections: 0, bytes: 0 });
  });
});

describe("exchange with a server that cannot be reached", () => {
  it("says that the connection was refused, and that nothing was sent", async () => {
    const error = await failureOf(ask({ origin: NOWHERE }));
    assert.equal(error.code, "network");
    assert.match(error.message, /: the connection was refused/);
    assert.equal(error.sent, false);
  });

  it("says that the name was not found, and that nothing was sent", async () => {
    const http = createHttp({ clock: fakeClock() });
    await assert.rejects(exchange(http, { url: "https://auth.invalid/", method: "POST", body: "a=b" }), {
      code: "network",
      message: /^Cannot get an answer from auth\.invalid: the name was not found/,
      sent: false,
    });
  });
});

describe("exchange over TLS", () => {
  const certificates = makeCertificates();

  async function secure(certificate: keyof Omit<typeof certificates, "authority">): Promise<HostileServer> {
    return await start({ tls: certificates[certificate], routes: { "/": answer({ body: "{}" }) } });
  }

  it("refuses a certificate that nobody vouches for, before anything is sent", async () => {
    for (const kind of ["selfSigned", "good", "expired", "wrongHost"] as const) {
      const server = await secure(kind);
      const error = await failureOf(ask(server));
      assert.equal(error.code, "network");
      assert.match(error.message, /its certificate is not trusted \(.+\)$/);
      assert.match(error.nextStep ?? "", /--ca-file or SSL_CERT_FILE/);
      assert.equal(error.sent, false);
      assert.equal(server.received.bytes, 0);
    }
  });

  it("takes the certificate of an authority that fetch was given, and only within its time and for its name", async () => {
    const good = await secure("good");
    assert.equal((await ask(good, {}, trustingFetch(certificates.authority))).status, 200);
    for (
      const [kind, reason] of [["expired", /expired/i], ["wrongHost", /ALTNAME|not valid for name/]] as const
    ) {
      const server = await secure(kind);
      const error = await failureOf(ask(server, {}, trustingFetch(certificates.authority)));
      assert.match(error.message, /its certificate is not trusted/);
      assert.match(error.message, reason);
      assert.equal(error.sent, false);
      assert.equal(server.received.bytes, 0);
    }
    const selfSigned = await secure("selfSigned");
    assert.equal((await failureOf(ask(selfSigned, {}, trustingFetch(certificates.authority)))).sent, false);
    assert.equal(selfSigned.received.bytes, 0);
  });

  it("ends when the handshake does not", async () => {
    // What a server sends that speaks TLS 1.1 and no later: the alert protocol_version.
    const onlyOldTls = "\x15\x03\x02\x00\x02\x02\x46";
    for (const script of [raw(), reset(), raw(onlyOldTls), raw("HTTP/1.1 400 Bad Request\r\n\r\n")]) {
      const server = await start({ uncouth: script });
      const error = await failureOf(ask(server, { url: `https://127.0.0.1:${server.port}/` }));
      assert.equal(error.code, "network");
      assert.match(error.message, /: the connection failed/);
    }
  });
});

describe("exchange in a process of its own", () => {
  const client = fileURLToPath(new URL("exchange_client.ts", import.meta.url));

  /** Runs the client; rejects if it does not end well before a forgotten deadline would let it. */
  function run(origin: string, path: string): Promise<{ outcome: string; growth: number }> {
    const arguments_ = [...("Deno" in globalThis ? ["run", "--allow-all"] : []), client, origin, path];
    const child = spawn(process.execPath, arguments_, { stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.on("data", (chunk) => output += chunk);
    return new Promise((resolve, reject) => {
      let sinceOutput = 0;
      child.stdout.once("data", () => sinceOutput = performance.now());
      child.once("error", reject);
      child.once("close", () => {
        try {
          // the deadline of its exchange was 15 s
          assert.ok(performance.now() - sinceOutput < 12_000, "it stayed after its work was done");
          resolve(JSON.parse(output));
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  it("lets the process end as soon as it is done", async () => {
    const server = await start({ routes: { "/warm": answer(), "/": answer({ body: "{}" }) } });
    assert.equal((await run(server.origin, "/")).outcome, "200");
  });

  it("grows by less than 32 MiB over half a megabyte that unpacks to 512 MiB", async () => {
    const bomb = await gzipBomb();
    assert.ok(bomb.length < 600_000);
    // In chunks: an announced length alone would give it away.
    const chunked = ["HTTP/1.1 200 OK", "content-encoding: gzip", "transfer-encoding: chunked", "", ""].join(
      "\r\n",
    );
    const server = await start({
      routes: {
        "/warm": answer(),
        "/bomb": raw(chunked, `${bomb.length.toString(16)}\r\n`, bomb, "\r\n0\r\n\r\n"),
      },
    });
    const { outcome, growth } = await run(server.origin, "/bomb");
    assert.equal(outcome, "invalid_response");
    assert.ok(growth < 32 * 2 ** 20, `it grew by ${growth} bytes`);
  });

  it("grows by less than 32 MiB over an answer without end", async () => {
    const server = await start({ routes: { "/warm": answer(), "/flood": flood() } });
    const { outcome, growth } = await run(server.origin, "/flood");
    assert.equal(outcome, "invalid_response");
    assert.ok(growth < 32 * 2 ** 20, `it grew by ${growth} bytes`);
  });
});
