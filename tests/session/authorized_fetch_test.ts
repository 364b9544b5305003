import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { clientSecretBasic } from "../../lib/oauth/client_authentication.ts";
import { dpopKey } from "../../lib/oauth/dpop.ts";
import { TOKEN_TYPES } from "../../lib/oauth/grants/token_exchange.ts";
import { clientCredentials, tokenExchange } from "../../lib/session/grant.ts";
import { tokenSource } from "../../lib/session/token_source.ts";
import { assertHides, endsAtOnce, failureOf, json, type Reply, stub, world } from "../oauth/support.ts";

/** One request that an API saw. */
interface Call {
  readonly url: string;
  readonly method: string;
  readonly headers: Headers;
  readonly body: string;
  readonly init: RequestInit;
}

type Api = (call: Call, index: number) => Response | Promise<Response>;

/** A source whose tokens are `token-1`, `token-2`, …, and APIs on every other host. */
function calling(api: Api, options: { tokens?: Reply } = {}) {
  const calls: Call[] = [];
  let given = 0;
  const place = stub(
    options.tokens ??
      (() => json({ access_token: `token-${++given}`, token_type: "Bearer", expires_in: 300 })),
  );
  const fetch = async (url: string, init: RequestInit): Promise<Response> => {
    if (new URL(url).host === "as.test") return await place.issuer.http.fetch!(url, init);
    const body = init.body == null ? "" : await new Response(init.body).text();
    const call = { url, method: init.method ?? "GET", headers: new Headers(init.headers), body, init };
    calls.push(call);
    return await api(call, calls.length - 1);
  };
  const source = tokenSource(place.issuer, { clientId: "app", fetch }, clientCredentials());
  return { ...place, source, calls, tokenRequests: () => place.sent.length };
}

const authorizations = (calls: readonly Call[]) => calls.map(({ headers }) => headers.get("authorization"));
const ok: Api = () => new Response("fine");
const unauthorized = (challenge?: string) =>
  new Response("no", { status: 401, headers: challenge ? { "www-authenticate": challenge } : {} });
const to = (location: string, status = 302) => new Response("moved", { status, headers: { location } });

describe("fetch with a token", () => {
  it("does not send what an exchange gave in place of an access token (RFC 8693 section 2.2.1)", async () => {
    const { issuer } = stub(
      json({ access_token: "saml", token_type: "N_A", issued_token_type: TOKEN_TYPES.saml2, expires_in: 60 }),
    );
    const source = tokenSource(issuer, { clientId: "app" }, tokenExchange(() => Promise.resolve("subject")));
    assert.equal((await source.get()).tokenType, "N_A");
    const error = await failureOf(source.fetch("https://api.test/"));
    assert.equal(error.code, "unsupported");
    assert.match(error.message, /is no access token/);
  });

  it("adds the header and leaves the rest as it was", async () => {
    const { source, calls } = calling(ok);
    const answer = await source.fetch("https://api.test/items?x=1", {
      method: "POST",
      headers: { "content-type": "application/json", "x-own": "1" },
      body: '{"a":1}',
    });
    assert.equal(await answer.text(), "fine");
    const [{ url, method, headers, body }] = calls;
    assert.deepEqual([url, method, body], ["https://api.test/items?x=1", "POST", '{"a":1}']);
    assert.deepEqual(Object.fromEntries(headers), {
      authorization: "Bearer token-1",
      "content-type": "application/json",
      "x-own": "1",
    });
  });

  it("takes a URL or a Request, whose method, headers and body count", async () => {
    const { source, calls } = calling(ok);
    await source.fetch(new URL("https://api.test/a"));
    const request = new Request("https://api.test/b", {
      method: "PUT",
      headers: { "x-own": "1" },
      body: "text",
    });
    await source.fetch(request);
    await source.fetch(new Request("https://api.test/c", { method: "PUT", body: "text" }), {
      method: "PATCH",
      body: "x",
    });
    assert.deepEqual(calls.map(({ url, method, body }) => [url, method, body]), [
      ["https://api.test/a", "GET", ""],
      ["https://api.test/b", "PUT", "text"],
      ["https://api.test/c", "PATCH", "x"],
    ]);
    assert.equal(calls[1].headers.get("x-own"), "1");
    assert.deepEqual(authorizations(calls), Array(3).fill("Bearer token-1"));
  });

  it("leaves the fragment at home", async () => {
    const { source, calls } = calling(ok);
    await source.fetch("https://api.test/a#part");
    assert.equal(calls[0].url, "https://api.test/a");
  });

  it("refuses a request that has an authorization header already", async () => {
    const { source, calls, tokenRequests } = calling(ok);
    const error = await failureOf(
      source.fetch("https://api.test", { headers: { Authorization: "Basic canary" } }),
    );
    assert.equal(error.code, "invalid_argument");
    assertHides(error, "canary");
    assert.deepEqual([calls.length, tokenRequests()], [0, 0]);
  });

  for (
    const url of [
      "http://api.test/",
      "ftp://api.test/",
      "/relative",
      "https://user:pass@api.test/",
      "data:,x",
      "",
    ]
  ) {
    it(`refuses ${url || "nothing"}: a token goes over https only`, async () => {
      const { source, calls } = calling(ok);
      assert.equal((await failureOf(source.fetch(url))).code, "insecure_url");
      assert.deepEqual(calls, []);
    });
  }

  it("ends at once on an abort while it waits for the token, and passes the signal on", async () => {
    const abort = new AbortController();
    const waiting = calling(ok, { tokens: () => new Promise<never>(() => {}) });
    const asked = waiting.source.fetch("https://api.test", { signal: abort.signal });
    abort.abort();
    assert.ok(await endsAtOnce(asked));
    assert.equal((await failureOf(asked)).code, "aborted");
    const { signal } = new AbortController();
    const { source, calls } = calling(ok);
    await source.fetch("https://api.test", { signal });
    assert.equal(calls[0].init.signal, signal);
  });

  it("fails as get does when there is no token", async () => {
    const { source, calls } = calling(ok, { tokens: json({ error: "invalid_client" }, 401) });
    assert.equal((await failureOf(source.fetch("https://api.test"))).serverError, "invalid_client");
    assert.deepEqual(calls, []);
  });

  it("gives an answer of any other status as it is", async () => {
    for (const status of [200, 204, 400, 403, 404, 429, 500, 503]) {
      const { source, calls } = calling(() => new Response(null, { status }));
      assert.equal((await source.fetch("https://api.test")).status, status);
      assert.equal(calls.length, 1);
    }
  });

  it("reaches a resource that checks its tokens", async () => {
    const { server, issuer } = await world();
    const client = { clientId: "service", authentication: clientSecretBasic("service-secret") };
    const answer = await tokenSource(issuer, client, clientCredentials()).fetch(server.resource);
    assert.equal((await answer.json()).subject, "service");
  });
});

describe("a 401", () => {
  for (
    const challenge of [
      undefined,
      "Bearer",
      'Bearer realm="api"',
      'Bearer error="invalid_token"',
      "Bearer error=invalid_token",
    ]
  ) {
    it(`with the challenge ${challenge} leads to one new token and one more try`, async () => {
      const { source, calls, tokenRequests } = calling((_, index) =>
        index === 0 ? unauthorized(challenge) : new Response("fine")
      );
      const answer = await source.fetch("https://api.test/a", { method: "POST", body: "text" });
      assert.equal(await answer.text(), "fine");
      assert.deepEqual(authorizations(calls), ["Bearer token-1", "Bearer token-2"]);
      assert.deepEqual(calls.map(({ method, body }) => [method, body]), [["POST", "text"], ["POST", "text"]]);
      assert.equal(tokenRequests(), 2);
    });
  }

  it("a second time is the answer", async () => {
    const { source, calls, tokenRequests } = calling(() => unauthorized());
    const answer = await source.fetch("https://api.test");
    assert.equal(answer.status, 401);
    assert.equal(await answer.text(), "no");
    assert.deepEqual([calls.length, tokenRequests()], [2, 2]);
  });

  for (
    const challenge of [
      'Bearer error="invalid_request"',
      'Bearer realm="x", error="insufficient_scope", scope="a"',
      'Bearer error="insufficient_user_authentication"',
      'DPoP error="invalid_dpop_proof"',
    ]
  ) {
    it(`that says ${challenge} is the answer: a new token would not help`, async () => {
      const { source, calls, tokenRequests } = calling(() => unauthorized(challenge));
      assert.equal(await (await source.fetch("https://api.test")).text(), "no");
      assert.deepEqual([calls.length, tokenRequests()], [1, 1]);
      assert.ok(source.peek());
    });
  }

  const once = [
    ["a stream", () => new Blob(["text"]).stream()],
    ["a Request with a body", () => new Request("https://api.test", { method: "POST", body: "text" })],
  ] as const;
  for (const [what, make] of once) {
    it(`is the answer to ${what}, which cannot be sent twice`, async () => {
      const { source, calls } = calling(() => unauthorized());
      const body = make();
      const answer = body instanceof Request
        ? await source.fetch(body)
        : await source.fetch("https://api.test", { method: "POST", body });
      assert.equal(await answer.text(), "no");
      assert.deepEqual(calls.map(({ body }) => body), ["text"]);
      assert.equal((calls[0].init as { duplex?: string }).duplex, "half");
    });
  }

  const form = new FormData();
  form.append("a", "text");
  for (
    const [what, body] of [
      ["a text", "text"],
      ["bytes", new TextEncoder().encode("text")],
      ["a buffer", new TextEncoder().encode("text").buffer],
      ["a Blob", new Blob(["text"])],
      ["a form", new URLSearchParams({ a: "text" })],
      ["a form with parts", form],
    ] as const
  ) {
    it(`leads to one more try with ${what}`, async () => {
      const { source, calls } = calling((_, index) => index === 0 ? unauthorized() : new Response("fine"));
      assert.equal((await source.fetch("https://api.test", { method: "POST", body })).status, 200);
      assert.equal(calls.length, 2);
      for (const call of calls) assert.match(call.body, /text/);
    });
  }

  it("to 100 calls at a time leads to one new token", async () => {
    const { source, calls, tokenRequests } = calling(({ headers }) =>
      headers.get("authorization") === "Bearer token-1" ? unauthorized() : new Response("fine")
    );
    const answers = await Promise.all(Array.from({ length: 100 }, () => source.fetch("https://api.test")));
    assert.ok(answers.every(({ status }) => status === 200));
    assert.equal(tokenRequests(), 2);
    assert.equal(calls.length, 200);
  });

  it("that comes late, when somebody else has renewed the token, renews nothing", async () => {
    const { promise: slow, resolve } = Promise.withResolvers<Response>();
    const { source, calls, tokenRequests } = calling(({ url, headers }) =>
      headers.get("authorization") !== "Bearer token-1"
        ? new Response("fine")
        : url.endsWith("/slow")
        ? slow
        : unauthorized()
    );
    const late = source.fetch("https://api.test/slow");
    assert.equal((await source.fetch("https://api.test/quick")).status, 200);
    resolve(unauthorized());
    assert.equal((await late).status, 200);
    assert.deepEqual(authorizations(calls), [
      "Bearer token-1",
      "Bearer token-1",
      "Bearer token-2",
      "Bearer token-2",
    ]);
    assert.equal(tokenRequests(), 2);
  });

  it("is the answer when the server gives the same token again", async () => {
    const tokens = json({ access_token: "same", token_type: "Bearer", expires_in: 300 });
    const { source, calls } = calling(() => unauthorized(), { tokens });
    assert.equal(await (await source.fetch("https://api.test")).text(), "no");
    assert.equal(calls.length, 1);
  });

  it("ends with the reason why there is no new token, and closes the answer", async () => {
    let closed = false;
    let asked = 0;
    const tokens: Reply = () =>
      ++asked === 1
        ? json({ access_token: "token-1", token_type: "Bearer", expires_in: 300 })
        : json({ error: "unauthorized_client" }, 400);
    const body = new ReadableStream({ cancel: () => void (closed = true) });
    const { source } = calling(() => new Response(body, { status: 401 }), { tokens });
    assert.equal((await failureOf(source.fetch("https://api.test"))).serverError, "unauthorized_client");
    assert.ok(closed);
  });
});

describe("a redirect", () => {
  for (const status of [301, 302, 303, 307, 308]) {
    for (const method of ["GET", "HEAD"]) {
      it(`${status} of a ${method} is followed, with the token at the same origin`, async () => {
        const { source, calls } = calling((_, index) =>
          index === 0 ? to("/there?x=1#part", status) : new Response(null)
        );
        assert.equal((await source.fetch("https://api.test/here", { method })).status, 200);
        assert.deepEqual(calls.map(({ url, method }) => `${method} ${url}`), [
          `${method} https://api.test/here`,
          `${method} https://api.test/there?x=1`,
        ]);
        assert.deepEqual(authorizations(calls), ["Bearer token-1", "Bearer token-1"]);
      });
    }

    it(`${status} of a POST is the answer: nothing is sent on`, async () => {
      const { source, calls } = calling(() => to("https://evil.test/", status));
      const answer = await source.fetch("https://api.test/here", { method: "POST", body: "text" });
      assert.equal(answer.status, status);
      assert.equal(await answer.text(), "moved");
      assert.equal(calls.length, 1);
    });
  }

  for (
    const target of [
      "https://evil.test/",
      "https://sub.api.test/",
      "https://api.test:8443/",
      "https://api.test.evil.test/",
    ]
  ) {
    it(`to ${target} drops the token and the cookies, and keeps the rest`, async () => {
      const { source, calls } = calling((_, index) => index === 0 ? to(target) : new Response("fine"));
      await source.fetch("https://api.test/", { headers: { cookie: "a=b", accept: "text/plain" } });
      assert.deepEqual(authorizations(calls), ["Bearer token-1", null]);
      assert.deepEqual(Object.fromEntries(calls[1].headers), { accept: "text/plain" });
    });
  }

  it("to another origin and back does not bring the token back", async () => {
    const targets = ["https://evil.test/", "https://api.test/again", "/once-more"];
    const { source, calls } = calling((_, index) => index < 3 ? to(targets[index]) : new Response("fine"));
    await source.fetch("https://api.test/");
    assert.deepEqual(authorizations(calls), ["Bearer token-1", null, null, null]);
  });

  it("to another origin that answers 401 renews nothing: no token was there", async () => {
    const { source, calls, tokenRequests } = calling((_, index) =>
      index === 0 ? to("https://evil.test/") : unauthorized()
    );
    assert.equal((await source.fetch("https://api.test/")).status, 401);
    assert.deepEqual([calls.length, tokenRequests()], [2, 1]);
    assert.ok(source.peek());
  });

  for (const target of ["http://api.test/", "ftp://api.test/", "https://user:pass@evil.test/"]) {
    it(`to ${target} is refused`, async () => {
      const { source, calls } = calling((_, index) => index === 0 ? to(target) : new Response("fine"));
      const error = await failureOf(source.fetch("https://api.test/"));
      assert.equal(error.code, "insecure_url");
      assert.equal(calls.length, 1);
    });
  }

  for (const answer of [() => new Response("x", { status: 302 }), () => to("https://[bad")]) {
    it("that leads nowhere is the answer", async () => {
      const { source, calls } = calling(answer);
      assert.equal((await source.fetch("https://api.test/")).status, 302);
      assert.equal(calls.length, 1);
    });
  }

  it("without end is given up after 20", async () => {
    const { source, calls } = calling(() => to("/again"));
    const error = await failureOf(source.fetch("https://api.test/"));
    assert.equal(error.code, "network");
    assert.equal(calls.length, 21);
  });

  it("is the answer where the request says manual, and an error where it says error", async () => {
    const elsewhere = () => to("https://evil.test/");
    for (const request of ["https://api.test/", new Request("https://api.test/", { redirect: "manual" })]) {
      const { source, calls } = calling(elsewhere);
      const init = typeof request === "string" ? { redirect: "manual" as const } : undefined;
      assert.equal((await source.fetch(request, init)).status, 302);
      assert.equal(calls.length, 1);
    }
    for (const method of ["GET", "POST"]) {
      const { source, calls } = calling(elsewhere);
      const error = await failureOf(source.fetch("https://api.test/", { method, redirect: "error" }));
      assert.equal(error.code, "invalid_response");
      assert.equal(calls.length, 1);
    }
  });
});

describe("fetch with a token that is bound to a key", () => {
  it("proves the possession of the key at each request, and learns the API's nonce", async () => {
    const { server, issuer } = await world({ requireDpopNonce: true });
    const client = {
      clientId: "service",
      authentication: clientSecretBasic("service-secret"),
      dpop: await dpopKey(),
    };
    const source = tokenSource(issuer, client, clientCredentials());
    for (const body of ["one", "two"]) {
      const answer = await source.fetch(server.resource, { method: "POST", body });
      assert.equal((await answer.json()).body, body);
    }
    const calls = server.requests.filter(({ endpoint }) => endpoint === "resource");
    assert.deepEqual(calls.map(({ status }) => status), [401, 200, 200]);
    assert.ok(calls.every(({ headers }) => headers.get("authorization")?.startsWith("DPoP ")));
    assert.equal(new Set(calls.map(({ headers }) => headers.get("dpop"))).size, 3);
    assert.equal(source.peek()?.tokenType, "DPoP");
  });
});
