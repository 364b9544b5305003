/**
 * Everything that can go wrong with an answer, at every endpoint where it makes sense: each row is a fault, and each test
 * one row at one endpoint. What is only about tokens is in `fault_matrix_tokens_test.ts`, what is about connections in
 * `fault_matrix_connections_test.ts`.
 */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import {
  assertOutcome,
  attempt,
  type Endpoint,
  ENDPOINTS,
  type Expectation,
  type Fault,
  FOREIGN,
  json,
  REPEATABLE,
} from "./fault_matrix.ts";
import { answer, hang, head, raw, reset } from "./faults.ts";
import { type HostileServer, type Script, startHostileServer } from "./server.ts";

interface Row {
  readonly fault: Fault;
  /** What is expected everywhere, unless `at` says otherwise. */
  readonly expected?: Expectation;
  readonly at?: Partial<Record<Endpoint, Expectation>>;
}

/** A fault that is the same at every endpoint. */
const always = (script: Script): Fault => () => script;

/** What comes of a body that nobody can read. A revocation has been done all the same (RFC 7009 section 2.2). */
const unreadable: Pick<Row, "at"> = {
  at: { discovery: { code: "invalid_metadata" }, revocation: { code: "good" } },
};

/** What comes of a refusal in words: metadata are looked for in both places. */
function refused(expected: Expectation): Pick<Row, "expected" | "at"> {
  return {
    expected: { code: "server_refused", ...expected },
    at: { discovery: { code: "invalid_metadata", requests: 2, sent: undefined } },
  };
}

/** What comes of something that may pass: asked again where nothing is used up. */
function passing(expected: Expectation): Pick<Row, "expected" | "at"> {
  const again = { ...expected, requests: 3 };
  return { expected, at: { discovery: again, jwks: again } };
}

/** The right answer, changed. */
function changed(change: (good: string) => string | Uint8Array): Fault {
  return ({ good }) => async (connection) => await json(change(await good()))(connection);
}

/** The right answer, with more members in front. */
const withMember = (text: string): Fault =>
  changed((good) => `{${text}${good === "{}" ? "" : ","}${good.slice(1)}`);

/** Sends something and nothing more: time goes on. */
function hanging(...parts: string[]): Fault {
  return ({ driven }) => async (connection) => {
    for (const part of parts) await connection.send(part);
    await connection.pause(50);
    driven.stick();
    await connection.closed;
  };
}

const page = `<!doctype html><title>${FOREIGN}</title>`.padEnd(60_000, `<p>${FOREIGN}`);
const html = "content-type: text/html";
const OK = "HTTP/1.1 200 OK\r\n";
const timeout = {
  code: "timeout",
  message: /gave up after (\d|1[0-5])(\.\d)? s, (waiting for|reading) the answer$/,
} as const;

const rows: Record<string, Row> = {
  "400 slow_down": {
    fault: always(json('{"error":"slow_down"}', 400)),
    ...refused({ serverError: "slow_down" }),
  },
  "400 with a web page": {
    fault: always(answer({ status: 400, headers: [html], body: page })),
    ...refused({ message: /status 400$/ }),
  },
  "401 with a Basic challenge": {
    fault: always(answer({ status: 401, headers: [`www-authenticate: Basic realm="${FOREIGN}"`] })),
    ...refused({ message: /status 401$/ }),
  },
  "403 with the page of a firewall": {
    fault: always(answer({ status: 403, headers: [html, "server: waf"], body: page })),
    ...refused({ message: /status 403$/ }),
  },
  "400 with a long and colourful description": {
    fault: always(
      json(
        JSON.stringify({ error: "invalid_request", error_description: "\x1b[31mred\u202e ".repeat(2000) }),
        400,
      ),
    ),
    ...refused({ serverError: "invalid_request" }),
  },
  "500 with a web page": {
    fault: always(answer({ status: 500, headers: [html], body: page })),
    ...passing({ code: "unavailable" }),
  },

  "a hang before the headers": {
    fault: hanging(),
    expected: { ...timeout, message: /waiting for the answer$/ },
  },
  "a hang within the headers": { fault: hanging(`${OK}content-type: appl`), expected: timeout },
  "a hang within the body": { fault: hanging(head(1000), "{"), expected: timeout },
  "a byte now and then": {
    fault: ({ driven }) => async (connection) => {
      await connection.send(head(100_000));
      await connection.pause(50);
      driven.stick();
      while (!connection.gone()) {
        await connection.send(" ");
        await connection.pause(10);
      }
    },
    expected: timeout,
  },

  "a reset before the first byte": { fault: always(reset()), ...passing({ code: "network" }) },
  "a reset after the headers": { fault: always(reset(head(100))), ...passing({ code: "network" }) },
  "a reset within the body": { fault: always(reset(head(100), "{")), ...passing({ code: "network" }) },
  "a connection closed without an answer": { fault: always(raw()), ...passing({ code: "network" }) },

  "200 with a web page (captive portal)": {
    fault: always(answer({ headers: [html], body: page })),
    expected: { message: /web page/ },
    ...unreadable,
  },
  "200 with nothing in it": { fault: always(json("")), ...unreadable },
  204: { fault: always(answer({ status: 204 })), ...unreadable },
  "200 with a form": {
    fault: always(answer({ body: "access_token=a&token_type=Bearer&expires_in=300" })),
    ...unreadable,
  },

  "a length that is too long": { fault: always(raw(head(100), "{}")), ...passing({ code: "network" }) },
  "a length that is too short": {
    fault: ({ good }) => async (connection) => await raw(head(1), await good())(connection),
    ...unreadable,
  },
  "two lengths": {
    fault: always(raw(head(2, "content-length: 5"), "{}   ")),
    ...passing({ code: "network" }),
  },
  "a length beyond the limit": {
    // time stands still: the announcement alone ends it
    fault: always(hang(head(600_000))),
    expected: { message: /longer than \d+ bytes$/ },
  },
  "a chunk beyond its length": {
    fault: always(raw(`${OK}transfer-encoding: chunked\r\n\r\n2\r\n{}{}\r\n0\r\n\r\n`)),
    ...passing({ code: "network" }),
  },
  "a chunk of any length": {
    fault: always(raw(`${OK}transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}`)),
    ...passing({ code: "network" }),
  },
  "what is no HTTP": { fault: always(raw("SSH-2.0-OpenSSH_9.6\r\n")), ...passing({ code: "network" }) },

  "a member twice": { fault: withMember('"x":1,"x":2'), ...unreadable },
  "a member twice, spelled in two ways": { fault: withMember('"a":1,"\\u0061":2'), ...unreadable },
  "a byte order mark": { fault: changed((good) => `\ufeff${good}`), ...unreadable },
  "UTF-16": {
    fault: changed((good) => new Uint8Array(Uint16Array.from(good, (one) => one.charCodeAt(0)).buffer)),
    ...unreadable,
  },
  "bytes that are no UTF-8": {
    fault: changed((good) => latin1(good.replace("{", '{"x":"\xff",'))),
    ...unreadable,
  },
  "half a surrogate pair": { fault: withMember('"x":"\\ud800"'), ...unreadable },
  NUL: { fault: withMember('"x":"\\u0000"'), ...unreadable },
  "a raw control character": { fault: withMember('"x":"a\tb"'), ...unreadable },
  "a depth of 1000": { fault: withMember(`"x":${"[".repeat(1000)}${"]".repeat(1000)}`), ...unreadable },
  "a depth of 60,000": { fault: withMember(`"x":${"[".repeat(60_000)}${"]".repeat(60_000)}`), ...unreadable },
  "12,000 members": {
    fault: withMember(Array.from({ length: 12_000 }, (_, at) => `"${at}":0`).join()),
    ...unreadable,
  },
  "1,000,000 members": {
    fault: withMember(Array.from({ length: 1_000_000 }, (_, at) => `"${at}":0`).join()),
    expected: { message: /longer than \d+ bytes$/ },
  },
  __proto__: { fault: withMember('"__proto__":{"polluted":true}'), ...unreadable },
  "__proto__, escaped and nested": {
    fault: withMember('"x":[{"\\u005f_proto__":{"polluted":true}}]'),
    ...unreadable,
  },
  constructor: { fault: withMember('"constructor":{"prototype":{"polluted":true}}'), ...unreadable },
  "something after the end": { fault: changed((good) => `${good}{}`), ...unreadable },
  "an array": { fault: changed((good) => `[${good}]`), ...unreadable },
  null: { fault: always(json("null")), ...unreadable },
  "400 with __proto__": {
    fault: always(
      json(
        '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"error":"invalid_request"}',
        400,
      ),
    ),
    ...refused({ serverError: "invalid_request" }),
  },
  "400 with a depth of 60,000": {
    fault: always(json("[".repeat(60_000), 400)),
    ...refused({ message: /status 400$/ }),
  },
};

for (const status of [429, 503]) {
  for (
    const [name, header, seconds] of [
      ["seconds", () => "2", 2],
      ["a date", (now: number) => new Date(now + 2000).toUTCString(), 2],
      ["a negative number", () => "-5", undefined],
      ["ten digits", () => "1000000000", 600],
      ["words", () => "soon", undefined],
    ] as const
  ) {
    // nobody waits for ten minutes: the caller is told instead
    const expected = { code: "unavailable", retryAfter: seconds } as const;
    rows[`${status} with ${name} in Retry-After`] = {
      fault: ({ driven }) => (connection) =>
        answer({ status, headers: [`retry-after: ${header(driven.clock.now())}`] })(connection),
      ...(seconds === 600 ? { expected } : passing(expected)),
    };
  }
}

for (const [name, { fault, expected, at }] of Object.entries(rows)) {
  describe(`${name}, in the answer of`, () => {
    for (const endpoint of ENDPOINTS) {
      const wanted = at?.[endpoint] ?? expected ?? {};
      it(`${endpoint}: ${[wanted.code ?? "invalid_response"].flat().join(" or ")}`, async () => {
        const outcome = await attempt(endpoint, fault);
        assertOutcome(outcome, wanted);
        if (wanted.code === "timeout") assert.ok(outcome.seconds <= 15, `${outcome.seconds} s`);
        // metadata are looked for in a second place at once; what is tried again, after a while
        const least = outcome.requests < 3 ? 0 : Math.max(0.2, wanted.retryAfter ?? 0);
        assert.ok(outcome.pauses.every((pause) => pause >= least), `${outcome.pauses}`);
      });
    }
  });
}

describe("JSON under another content type, in the answer of", () => {
  for (const endpoint of ENDPOINTS) {
    it(`${endpoint}: good, and reported`, async () => {
      const outcome = await attempt(endpoint, ({ good }) => async (connection) => {
        await answer({ headers: ["content-type: text/plain"], body: new TextEncoder().encode(await good()) })(
          connection,
        );
      });
      assertOutcome(outcome, { code: "good" });
      // the body of a revocation is nobody's business (RFC 7009 section 2.2)
      assert.equal(outcome.met.includes("content-type"), endpoint !== "revocation");
    });
  }
});

describe("an HTTP answer that is not quite right, of", () => {
  const slips: Record<string, (length: number) => string> = {
    "no reason phrase": (length) => `HTTP/1.1 200\r\ncontent-length: ${length}\r\nconnection: close\r\n\r\n`,
    "a folded header": (length) =>
      `${OK}x: a\r\n b\r\ncontent-length: ${length}\r\nconnection: close\r\n\r\n`,
    "bare line feeds": (length) => `HTTP/1.1 200 OK\ncontent-length: ${length}\nconnection: close\n\n`,
    "HTTP/1.0": (length) => `HTTP/1.0 200 OK\r\ncontent-length: ${length}\r\n\r\n`,
  };
  for (const [name, head] of Object.entries(slips)) {
    for (const endpoint of ENDPOINTS) {
      it(`${endpoint}, with ${name}: taken, or a broken connection, as the runtime says`, async () => {
        const { error, requests } = await attempt(endpoint, ({ good }) => async (connection) => {
          const body = await good();
          await raw(head(body.length), body)(connection);
        });
        assert.match(error?.code ?? "good", /^(good|network)$/);
        assert.equal(requests, error && REPEATABLE.includes(endpoint) ? 3 : 1);
      });
    }
  }
});

describe("a redirect, in the answer of", () => {
  let other: HostileServer;
  before(async () => {
    other = await startHostileServer();
  });
  after(() => other.close());

  for (const endpoint of ENDPOINTS) {
    it(`${endpoint}: invalid_response, and nothing reaches the other place`, async () => {
      for (const status of [301, 302, 303, 307, 308]) {
        for (
          const target of [
            `${other.origin}/token`,
            "/token",
            `http://localhost:${other.port}/`,
            "https://evil.invalid/",
          ]
        ) {
          const outcome = await attempt(
            endpoint,
            always(answer({ status, headers: [`location: ${target}`], body: "{}" })),
          );
          assertOutcome(outcome, {
            message: new RegExp(`it is a redirect \\(${status}.*redirects are never followed`),
          });
        }
      }
      assert.deepEqual({ ...other.received }, { connections: 0, bytes: 0 });
    });
  }
});

function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (one) => one.charCodeAt(0));
}
