import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { clientSecretPost } from "../../lib/oauth/client_authentication.ts";
import { clientCredentialsGrant } from "../../lib/oauth/grants/client_credentials.ts";
import { passwordGrant } from "../../lib/oauth/grants/password.ts";
import { refreshTokenGrant } from "../../lib/oauth/grants/refresh_token.ts";
import type { Issuer } from "../../lib/oauth/issuer.ts";
import { formOf, requestToken } from "../../lib/oauth/token_request.ts";
import type { TokenSet } from "../../lib/oauth/token_set.ts";
import {
  app,
  assertHides,
  endsAtOnce,
  failureOf,
  hang,
  json,
  type Reply,
  type Stub,
  stub,
  tokens,
  world,
} from "./support.ts";

const CANARY = "access-canary";

/** Asks once, with a grant that is never repeated. */
function ask(issuer: Issuer, signal?: AbortSignal): Promise<TokenSet> {
  return passwordGrant(issuer, app, { username: "ada", password: "password-canary", scope: "a b" }, {
    signal,
  });
}

async function success(reply: Reply): Promise<Stub & { tokens: TokenSet }> {
  const place = stub(reply);
  return { ...place, tokens: await ask(place.issuer) };
}

async function refusal(reply: Reply) {
  const error = await failureOf(ask(stub(reply).issuer));
  assertHides(error, CANARY, "password-canary", "refresh-canary");
  return error;
}

const unsigned = [{ alg: "none" }, { iss: "https://as.test", sub: "ada", aud: "app" }]
  .map((part) => btoa(JSON.stringify(part)).replaceAll("=", "")).join(".") + ".";

describe("a token request", () => {
  it("is a form in the body of a POST, with every parameter once", async () => {
    const place = stub(json(tokens()));
    const resource = ["https://api.test/a", "https://api.test/b"];
    await clientCredentialsGrant(place.issuer, app, {
      scope: "a b",
      audience: "https://api.test",
      resource,
      extra: { foo: "bar", scope: "not this one" },
    });
    const [{ url, method, headers, form }] = place.sent;
    assert.deepEqual([method, url], ["POST", "https://as.test/token"]);
    assert.equal(headers.get("accept"), "application/json");
    assert.deepEqual([...form], [
      ["foo", "bar"],
      ["scope", "a b"],
      ["audience", "https://api.test"],
      ["resource", resource[0]],
      ["resource", resource[1]],
      ["grant_type", "client_credentials"],
      ["client_id", "app"],
    ]);
  });

  it("keeps an extra parameter that no grant sets", async () => {
    const place = stub(json(tokens()));
    await clientCredentialsGrant(place.issuer, app, { extra: { scope: "from extra" } });
    assert.equal(place.sent[0].form.get("scope"), "from extra");
  });

  for (const resource of ["not a uri", "/relative", "https://api.test/#fragment"]) {
    it(`refuses the resource ${resource} before anything is sent`, async () => {
      const place = stub(json(tokens()));
      const error = await failureOf(
        (async () => await clientCredentialsGrant(place.issuer, app, { resource }))(),
      );
      assert.equal(error.code, "invalid_argument");
      assert.deepEqual(place.sent, []);
    });
  }

  for (
    const [endpoint, code] of [
      [undefined, "unsupported"],
      [42, "unsupported"],
      ["http://as.test/token", "invalid_metadata"],
      ["https://user:pass@as.test/token", "invalid_metadata"],
      ["/token", "invalid_metadata"],
    ] as const
  ) {
    it(`is not sent when the token endpoint is ${endpoint}`, async () => {
      const place = stub(json(tokens()), { metadata: { token_endpoint: endpoint as string } });
      assert.equal((await failureOf(ask(place.issuer))).code, code);
      assert.deepEqual(place.sent, []);
    });
  }

  for (const status of [301, 302, 303, 307, 308]) {
    it(`is not sent on by a ${status}: nothing goes to its target`, async () => {
      const { server, issuer } = await world({
        elsewhere: () => assert.fail("the target of the redirect was asked"),
      });
      for (const location of ["https://evil.test/token", "http://as.test/token", "/other"]) {
        server.fault("token", { type: "status", status, headers: { location } });
        const error = await failureOf(ask(issuer));
        assert.equal(error.code, "invalid_response");
        assert.equal(error.sent, true);
      }
      assert.equal(server.requests.length, 3);
    });
  }

  it("counts the life of a token from before the request was sent", async () => {
    const users = [{ subject: "ada", username: "ada", password: "password-canary" }];
    const { server, issuer, clock } = await world({ accessTokenLifetime: 60, users });
    const start = clock.now() / 1000;
    server.fault("token", { type: "delay", milliseconds: 7000, before: "answer" });
    const asked = ask(issuer);
    await clock.untilWaiting(2);
    await clock.advance(7000);
    const { issuedAt, expiresAt } = await asked;
    assert.deepEqual([issuedAt, expiresAt], [start, start + 60]);
  });

  it("gives up after 15 s without an answer", async () => {
    const place = stub(hang);
    const failure = failureOf(ask(place.issuer));
    await place.clock.untilWaiting();
    await place.clock.advance(15_000);
    const error = await failure;
    assert.equal(error.code, "timeout");
    assert.equal(error.sent, true);
  });

  it("is not begun for somebody who has left", async () => {
    const place = stub(json(tokens()));
    const error = await failureOf(ask(place.issuer, AbortSignal.abort()));
    assert.equal(error.code, "aborted");
    assert.equal(error.sent, false);
    assert.deepEqual(place.sent, []);
  });

  for (
    const [what, reply] of [
      ["while the server is silent", hang],
      ["while a fetch that does not listen is silent", () => new Promise<never>(() => {})],
      [
        "in the middle of an answer",
        () => new Response(new ReadableStream({ pull: () => new Promise(() => {}) })),
      ],
    ] as const
  ) {
    it(`ends at once on an abort ${what}`, async () => {
      const abort = new AbortController();
      const began = Promise.withResolvers<void>();
      const place = stub((sent, signal) => {
        began.resolve();
        return reply(sent, signal);
      });
      const asked = ask(place.issuer, abort.signal);
      await began.promise;
      abort.abort(new Error("reason-canary"));
      assert.ok(await endsAtOnce(asked));
      const error = await failureOf(asked);
      assert.equal(error.code, "aborted");
      assertHides(error, "reason-canary");
    });
  }

  it("ends at once on an abort while the client secret is being fetched", async () => {
    const abort = new AbortController();
    const place = stub(json(tokens()));
    const authentication = clientSecretPost(() => new Promise<string>(() => {}));
    const client = { clientId: "c", authentication };
    const asked = clientCredentialsGrant(place.issuer, client, {}, { signal: abort.signal });
    abort.abort();
    assert.ok(await endsAtOnce(asked));
    assert.equal((await failureOf(asked)).code, "aborted");
    assert.deepEqual(place.sent, []);
  });

  it("ends at once on an abort while the issuer's keys are being fetched", async () => {
    const { server, issuer } = await world();
    const abort = new AbortController();
    server.fault("jwks", { type: "hang" });
    const fetching = server.nextRequest("jwks");
    const parameters = { username: "ada", password: "lovelace", scope: "openid" };
    const asked = passwordGrant(issuer, app, parameters, { signal: abort.signal });
    await fetching;
    abort.abort();
    assert.ok(await endsAtOnce(asked));
    assert.equal((await failureOf(asked)).code, "aborted");
  });
});

describe("an answer that real libraries get wrong", () => {
  it("{}: is refused", async () => {
    assert.equal((await refusal(json({}))).code, "invalid_response");
  });

  it("an error with status 200 (GitHub): is the error that it says it is, and is reported", async () => {
    const place = stub(json({ error: "bad_verification_code", error_description: "The code is wrong" }));
    const error = await failureOf(ask(place.issuer));
    assert.equal(error.code, "server_refused");
    assert.equal(error.serverError, "bad_verification_code");
    assert.equal(error.serverDescription, "The code is wrong");
    assert.deepEqual(place.met, ["error-with-success-status"]);
    const empty = await refusal(json({ error: "invalid_grant", access_token: "" }));
    assert.equal(empty.serverError, "invalid_grant");
  });

  for (const token_type of [undefined, "mac", "N_A", 42, "", null, "constructor", ["bearer"]]) {
    it(`token_type ${JSON.stringify(token_type)}: is refused`, async () => {
      assert.equal((await refusal(json(tokens({ token_type })))).code, "invalid_response");
    });
  }

  for (const token_type of ["bearer", "Bearer", "BEARER"]) {
    it(`token_type ${token_type}: is Bearer`, async () => {
      assert.equal((await success(json(tokens({ token_type })))).tokens.tokenType, "Bearer");
    });
  }

  it("token_type DPoP without a key: is refused", async () => {
    assert.equal((await refusal(json(tokens({ token_type: "DPoP" })))).code, "invalid_response");
  });

  for (
    const access_token of [
      42,
      "",
      null,
      {},
      ["a"],
      true,
      "with blank",
      "with\r\nline",
      "nul\0",
      "d\x7fel",
      "é",
      "\u2028",
    ]
  ) {
    it(`access_token ${JSON.stringify(access_token)}: is refused`, async () => {
      assert.equal((await refusal(json(tokens({ access_token })))).code, "invalid_response");
    });
  }

  it("a token of 64 KiB is taken, a longer one refused", async () => {
    const longest = "x".repeat(64 * 1024);
    assert.equal((await success(json(tokens({ access_token: longest })))).tokens.accessToken, longest);
    assert.equal((await refusal(json(tokens({ access_token: longest + "x" })))).code, "invalid_response");
  });

  for (const expires_in of ["soon", "3600s", "", "-1", 1.5, null, true, [300], {}]) {
    it(`expires_in ${JSON.stringify(expires_in)}: is refused`, async () => {
      assert.equal((await refusal(json(tokens({ expires_in })))).code, "invalid_response");
    });
  }

  it("expires_in 1e400: is refused", async () => {
    const answer = json(JSON.stringify(tokens({ expires_in: 300 })).replace("300", "1e400"));
    assert.equal((await refusal(answer)).code, "invalid_response");
  });

  for (
    const [expires_in, life, quirk] of [
      [undefined, 300, "expires-in-missing"],
      ["3599", 3599, "number-as-string"],
      [0, 0, "expires-in-zero"],
      [-1, 0, "expires-in-zero"],
      [1, 1, undefined],
      [30 * 86400, 30 * 86400, undefined],
      [1e15, 3650 * 86400, undefined],
    ] as const
  ) {
    it(`expires_in ${JSON.stringify(expires_in)}: counts as ${life} s`, async () => {
      const { tokens: { issuedAt, expiresAt }, met } = await success(json(tokens({ expires_in })));
      assert.equal(expiresAt - issuedAt, life);
      assert.deepEqual(met, quirk ? [quirk] : []);
    });
  }

  for (const name of ["refresh_token", "id_token"]) {
    for (const value of ["", null]) {
      it(`${name} ${JSON.stringify(value)}: is taken for absent, and reported`, async () => {
        const place = await success(json(tokens({ [name]: value })));
        assert.equal(place.tokens.accessToken, CANARY);
        assert.equal(place.tokens.refreshToken, undefined);
        assert.equal(place.tokens.idToken, undefined);
        assert.deepEqual(place.met, ["empty-token"]);
      });
    }
  }

  it("a refresh token that is none: is refused", async () => {
    for (const refresh_token of [42, "two words", {}]) {
      assert.equal((await refusal(json(tokens({ refresh_token })))).code, "invalid_response");
    }
  });

  it("an ID token with alg none: is refused; where nobody asked for one it is dropped", async () => {
    const answer = () => json(tokens({ id_token: unsigned, refresh_token: "refresh-canary" }));
    assert.equal((await refusal(answer())).code, "invalid_response");
    const { idToken, claims } = await clientCredentialsGrant(stub(answer()).issuer, app, {
      scope: "openid roles",
    });
    assert.deepEqual([idToken, claims], [undefined, undefined]);
  });

  for (const type of ["text/html", "text/plain", "application/octet-stream", ""]) {
    it(`JSON under the content type "${type}": is read, and reported`, async () => {
      const place = await success(json(tokens(), 200, { "content-type": type }));
      assert.equal(place.tokens.accessToken, CANARY);
      assert.deepEqual(place.met, ["content-type"]);
    });
  }

  for (const status of [201, 202, 206]) {
    it(`status ${status}: is a success, and reported`, async () => {
      const place = await success(json(tokens(), status));
      assert.equal(place.tokens.accessToken, CANARY);
      assert.deepEqual(place.met, ["success-status"]);
    });
  }

  for (const type of ["text/plain", "application/problem+json", "text/html", ""]) {
    it(`an error with status 400 under the content type "${type}": keeps its words`, async () => {
      const body = { error: "invalid_grant", error_description: "Wrong name or password" };
      const error = await refusal(json(body, 400, { "content-type": type }));
      assert.equal(error.code, "server_refused");
      assert.equal(error.serverError, "invalid_grant");
      assert.equal(error.serverDescription, "Wrong name or password");
      assert.equal(error.status, 400);
      assert.ok(error.message.includes('"invalid_grant": "Wrong name or password"'));
    });
  }

  for (const status of [500, 502, 503]) {
    it(`server_error with status ${status}: keeps its word and may be tried again`, async () => {
      const error = await refusal(json({ error: "server_error" }, status));
      assert.equal(error.code, "unavailable");
      assert.equal(error.serverError, "server_error");
      assert.ok(error.retryable);
    });
  }

  it("a challenge beside the error: invalid_client survives", async () => {
    const challenge = { "www-authenticate": 'Basic realm="as"' };
    const error = await refusal(json({ error: "invalid_client" }, 401, challenge));
    assert.equal(error.code, "server_refused");
    assert.equal(error.serverError, "invalid_client");
    assert.match(error.nextStep!, /client secret/);
  });
});

describe("the error of a server", () => {
  it("says to look at the client when a 401 names no error", async () => {
    const bare = await refusal(new Response(null, { status: 401 }));
    assert.equal(bare.nextStep, "Check the client id and the client secret");
    assert.equal((await refusal(new Response(null, { status: 403 }))).nextStep, undefined);
    assert.equal((await refusal(json({ error: "invalid_grant" }, 401))).nextStep, undefined);
  });

  it("has no pause between two questions but that of a slow_down", async () => {
    assert.equal((await refusal(json({ error: "invalid_grant", interval: 7 }, 400))).retryAfter, undefined);
    assert.equal((await refusal(json({ error: "slow_down", interval: 7 }, 400))).retryAfter, 7);
  });

  it("is still ours when the secret is half a character, and keeps its words when it is hardly a secret", async () => {
    const refused = json({ error: "invalid_client", error_description: "abc is not the secret" }, 401);
    for (const secret of ["\ud800-canary", "abc", "a"]) {
      const client = { ...app, authentication: clientSecretPost(secret) };
      const error = await failureOf(clientCredentialsGrant(stub(refused).issuer, client));
      assert.deepEqual([error.code, error.serverError], ["server_refused", "invalid_client"]);
      assert.equal(error.serverDescription, "abc is not the secret");
    }
  });

  for (
    const [what, challenge, words] of [
      ["quoted", 'Bearer realm="x", error="invalid_token", error_description="It is old"', [
        "invalid_token",
        "It is old",
      ]],
      ["not quoted", "Bearer error=invalid_client", ["invalid_client", undefined]],
      ["with escapes", 'Basic error="invalid_client", error_description="no \\"c\\" here"', [
        "invalid_client",
        'no "c" here',
      ]],
      ["behind another challenge", 'Basic realm="error=no", Bearer error="invalid_request"', [
        "invalid_request",
        undefined,
      ]],
    ] as const
  ) {
    it(`is read from a challenge when the body is empty: ${what}`, async () => {
      const answer = new Response(null, { status: 401, headers: { "www-authenticate": challenge } });
      const error = await refusal(answer);
      assert.deepEqual([error.serverError, error.serverDescription], words);
    });
  }

  for (
    const body of [
      "error=invalid_grant&error_description=Wrong+name",
      "error_description=Wrong+name&error=invalid_grant\r\n",
    ]
  ) {
    it(`is read from a form: ${JSON.stringify(body)}`, async () => {
      const error = await refusal(new Response(body, { status: 400 }));
      assert.deepEqual([error.serverError, error.serverDescription], ["invalid_grant", "Wrong name"]);
    });
  }

  it("is read even if its description is in Latin-1, or a member is there twice", async () => {
    const latin = Uint8Array.from(
      '{"error":"invalid_grant","error_description":"Zugriff gew\xe4hrt"}',
      (c) => c.charCodeAt(0),
    );
    assert.equal((await refusal(new Response(latin, { status: 400 }))).serverError, "invalid_grant");
    assert.equal(
      (await refusal(json('{"error":"invalid_grant","a":1,"a":2}', 400))).serverError,
      "invalid_grant",
    );
  });

  for (
    const [what, answer] of [
      ["empty", new Response(null, { status: 400 })],
      [
        "a web page",
        new Response("<html>error=invalid_grant</html>", {
          status: 403,
          headers: { "content-type": "text/html" },
        }),
      ],
      ["an array", json(["error"], 400)],
      ["null", json("null", 400)],
      ["an error that is no text", json({ error: { code: 1 } }, 400)],
      ["half of it", json('{"error":"invalid_gr', 400)],
    ] as const
  ) {
    it(`is the status when the body is ${what}`, async () => {
      const error = await refusal(answer);
      assert.equal(error.code, "server_refused");
      assert.equal(error.serverError, undefined);
      assert.match(error.message, /status 40[03]$/);
      assert.equal(error.retryable, false);
    });
  }

  it("is safe for a terminal, and short", async () => {
    const hostile = "\u001b[2J\u001b]8;;https://evil.test\u0007\u202eclick\u0000\r\n\u009b31m" +
      "x".repeat(5000);
    const error = await refusal(json({ error: hostile, error_description: hostile }, 400));
    for (const text of [error.message, error.serverError!, error.serverDescription!]) {
      // deno-lint-ignore no-control-regex
      assert.doesNotMatch(text, /[\u0000-\u001f\u007f-\u009f\u202e]/);
      assert.ok(text.length < 600);
    }
  });

  for (
    const [what, answer] of [
      ["of Keycloak in trouble", json({ error: "unknown_error", error_description: "Consult the log" }, 500)],
      [
        "of Spring in trouble",
        json({ timestamp: 1, status: 503, error: "Service Unavailable", path: "/token" }, 503),
      ],
      ["of a gateway", new Response("<html>Bad Gateway", { status: 502 })],
      ["of a rate limiter", json({ error: "too_many_requests" }, 429)],
      ["of a rate limiter without words", new Response(null, { status: 429 })],
      ["of a server that says so itself", json({ error: "temporarily_unavailable" }, 400)],
    ] as const
  ) {
    it(`${what} may pass`, async () => {
      const error = await refusal(answer);
      assert.equal(error.code, "unavailable");
      assert.ok(error.retryable);
    });
  }

  for (
    const error of [
      "invalid_grant",
      "invalid_client",
      "access_denied",
      "unauthorized_client",
      "invalid_scope",
    ]
  ) {
    it(`${error} stands, even with status 500`, async () => {
      const thrown = await refusal(json({ error }, 500));
      assert.equal(thrown.code, "server_refused");
      assert.equal(thrown.retryable, false);
    });
  }

  for (
    const [value, seconds] of [["7", 7], ["Thu, 01 Jan 2026 00:00:30 GMT", 30], ["99999", 600], [
      "soon",
      undefined,
    ]] as const
  ) {
    it(`comes with the wish of Retry-After: ${value}`, async () => {
      const error = await refusal(new Response(null, { status: 503, headers: { "retry-after": value } }));
      assert.equal(error.retryAfter, seconds);
    });
  }

  it("does not quote what was sent", async () => {
    const place = stub(({ form }) =>
      json({ error: "invalid_grant", error_description: `bad: ${form}` }, 400)
    );
    assertHides(await failureOf(ask(place.issuer)), "password-canary");
    const quoting = stub(({ form }) =>
      json({ error: "invalid_grant", error_description: form.get("refresh_token") }, 400)
    );
    const error = await failureOf(refreshTokenGrant(quoting.issuer, app, { refreshToken: "refresh-canary" }));
    assert.equal(error.serverDescription, "…");
    assertHides(error, "refresh-canary");
  });
});

describe("the scope of a token", () => {
  for (
    const [scope, granted] of [[undefined, "a b"], ["a", "a"], ["", "a b"], ["  ", "a b"], [
      " a ",
      "a",
    ]] as const
  ) {
    it(`is ${JSON.stringify(granted)} when "a b" was asked for and ${JSON.stringify(scope)} is answered`, async () => {
      assert.equal((await success(json(tokens({ scope })))).tokens.scope, granted);
    });
  }

  for (const scope of [["a"], null, 42, {}]) {
    it(`is refused when it is ${JSON.stringify(scope)}`, async () => {
      assert.equal((await refusal(json(tokens({ scope })))).code, "invalid_response");
    });
  }
});

describe("a token answer", () => {
  it("may have members that nobody knows", async () => {
    const more = { "not-before-policy": 0, session_state: "x", constructor_: {}, token: "y" };
    assert.equal((await success(json(tokens(more)))).tokens.accessToken, CANARY);
  });

  it("is good although it has an error among its members", async () => {
    const { tokens: found, met } = await success(json(tokens({ error: "none" })));
    assert.equal(found.accessToken, CANARY);
    assert.deepEqual(met, []);
  });

  it("tells when the sign-in ends, where the server says so (Keycloak)", async () => {
    const of = async (refresh_expires_in: unknown) => {
      const { issuedAt, refreshExpiresAt } = (await success(json(tokens({ refresh_expires_in })))).tokens;
      return refreshExpiresAt === undefined ? undefined : refreshExpiresAt - issuedAt;
    };
    assert.deepEqual(await Promise.all([1800, 0, undefined, -5, "x", "1800", 1.5].map(of)), [
      1800,
      ...Array(6).fill(undefined),
    ]);
  });

  for (
    const [what, text] of [
      ["a member twice", '{"access_token":"a","access_token":"access-canary","token_type":"Bearer"}'],
      ["a byte order mark", "\ufeff" + JSON.stringify(tokens())],
      ["__proto__", '{"access_token":"access-canary","token_type":"Bearer","__proto__":{"x":1}}'],
      ["half a surrogate pair", '{"access_token":"access-canary","token_type":"Bearer","x":"\\ud800"}'],
      [
        "too deep a structure",
        `{"access_token":"access-canary","token_type":"Bearer","x":${"[".repeat(40)}${"]".repeat(40)}}`,
      ],
      ["no end", '{"access_token":"access-canary"'],
      ["nothing", ""],
      ["an array around it", JSON.stringify([tokens()])],
    ]
  ) {
    it(`is refused with ${what}`, async () => {
      const error = await refusal(json(text));
      assert.equal(error.code, "invalid_response");
      assert.equal(error.sent, true);
      assert.equal(error.retryable, false);
    });
  }

  it("that is a web page says so and may pass: somebody in between has spoken", async () => {
    const page = new Response("<html>Sign in to the hotel", { headers: { "content-type": "text/html" } });
    const error = await refusal(page);
    assert.equal(error.code, "invalid_response");
    assert.match(error.nextStep!, /captive portal/);
    assert.ok(error.retryable);
  });

  it("that is longer than 128 KiB is refused", async () => {
    assert.match(
      (await refusal(json(tokens({ x: "x".repeat(128 * 1024) })))).message,
      /longer than 131072 bytes/,
    );
  });

  it("whose keys cannot be fetched counts as an answer to a request that was sent", async () => {
    const { server, issuer, clock } = await world();
    const refused = Object.assign(new TypeError("failed"), { code: "ECONNREFUSED", syscall: "connect" });
    const tries = Array.from({ length: 3 }, () => Promise.withResolvers<void>());
    let tried = 0;
    const fetch = (url: string, init: RequestInit) => {
      if (!url.endsWith("/jwks")) return server.fetch(url, init);
      tries[tried++].resolve();
      return Promise.reject(refused);
    };
    const parameters = { username: "ada", password: "lovelace", scope: "openid" };
    const failure = failureOf(passwordGrant(issuer, { ...app, fetch }, parameters));
    for (const { promise } of tries) {
      await promise;
      await clock.advance(5000);
    }
    const error = await failure;
    assert.equal(error.code, "network");
    assert.equal(error.sent, true);
    assert.equal(server.count("token"), 1);
  });

  it("gives its refresh token away before the rest of it is judged", async () => {
    const seen: string[] = [];
    for (
      const members of [{ expires_in: "soon" }, { token_type: "mac" }, { id_token: unsigned }, {
        access_token: 1,
      }]
    ) {
      const { issuer } = stub(json(tokens({ refresh_token: "refresh-canary", ...members })));
      const request = {
        grantType: "password",
        parameters: formOf({}),
        onRefreshToken: (t: string) => void seen.push(t),
      };
      const validate = () => Promise.reject(new Error("bad"));
      await assert.rejects(
        requestToken(issuer, app, { ...request, ...("id_token" in members ? { validate } : {}) }),
      );
    }
    assert.deepEqual(seen, Array(4).fill("refresh-canary"));
  });
});
