import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type AuthorizationParameters,
  type AuthorizationRequest,
  authorizationRequest,
} from "../../../lib/oauth/grants/authorization_code.ts";
import type { ServerMetadata } from "../../../lib/oauth/issuer.ts";
import type { AuthorizationServerOptions } from "../../../lib/testing/mod.ts";
import {
  app,
  assertHides,
  challengeOf,
  failureOf,
  json,
  type Stub,
  stub,
  tokens,
  type World,
  world,
} from "../support.ts";

const redirectUri = "http://127.0.0.1:49152/callback";

interface Started extends World {
  readonly request: AuthorizationRequest;
  /** What the server sends the browser back with. */
  readonly answer: URL;
}

async function start(
  options: AuthorizationServerOptions = {},
  tamper?: Record<string, string | null>,
): Promise<Started> {
  const place = await world(options);
  const request = await authorizationRequest(place.issuer, app, { redirectUri, scope: "openid" });
  return { ...place, request, answer: new URL(await place.server.authorize(request.url, { tamper })) };
}

/** The query of the page that is opened. */
async function queryOf(
  parameters: Partial<AuthorizationParameters> = {},
  metadata?: Partial<ServerMetadata>,
): Promise<URLSearchParams> {
  const { issuer } = stub(json({}), { metadata });
  return new URL((await authorizationRequest(issuer, app, { redirectUri, ...parameters })).url).searchParams;
}

/** The state that a request was made with. */
const stateOf = ({ url }: AuthorizationRequest) => new URL(url).searchParams.get("state")!;

describe("the page of an authorization request", () => {
  it("has PKCE with S256, state, and with openid a nonce", async () => {
    const query = await queryOf({ scope: "profile openid", prompt: "consent", loginHint: "ada", maxAge: 60 });
    assert.match(query.get("code_challenge")!, /^[\w-]{43}$/);
    assert.match(query.get("state")!, /^[\w-]{43}$/);
    assert.match(query.get("nonce")!, /^[\w-]{43}$/);
    for (const name of ["code_challenge", "state", "nonce"]) query.delete(name);
    assert.deepEqual(Object.fromEntries(query), {
      scope: "profile openid",
      response_type: "code",
      client_id: "app",
      redirect_uri: redirectUri,
      prompt: "consent",
      login_hint: "ada",
      max_age: "60",
      code_challenge_method: "S256",
    });
  });

  it("has no nonce where there will be no ID token", async () => {
    for (const scope of [undefined, "profile", "openid2"]) {
      assert.ok(!(await queryOf({ scope })).has("nonce"));
    }
  });

  it("is another one each time", async () => {
    const queries = await Promise.all(Array.from({ length: 100 }, () => queryOf({ scope: "openid" })));
    for (const name of ["code_challenge", "state", "nonce"]) {
      assert.equal(new Set(queries.map((query) => query.get(name))).size, 100);
    }
  });

  it("takes what else the server asks for, which does not replace anything of ours", async () => {
    const ours = ["client_id", "redirect_uri", "state", "code_challenge", "code_challenge_method"];
    const extra = Object.fromEntries([...ours, "prompt", "scope"].map((name) => [name, "extra"]));
    const query = await queryOf({ extra: { ...extra, kc_idp_hint: "esa" } });
    assert.equal(query.get("kc_idp_hint"), "esa");
    for (const name of ours) {
      assert.equal(query.getAll(name).length, 1);
      assert.notEqual(query.get(name), "extra");
    }
    assert.deepEqual([query.get("prompt"), query.get("scope")], ["extra", "extra"]);
    assert.equal((await queryOf({ extra, prompt: "login" })).get("prompt"), "login");
  });

  it("has a nonce also when openid is asked for among what else the server asks for", async () => {
    assert.ok((await queryOf({ extra: { scope: "openid" } })).has("nonce"));
  });

  it("keeps the query that the endpoint has, and no parameter is there twice", async () => {
    const authorization_endpoint = "https://as.test/authorize?tenant=esa&state=theirs&client_id=theirs";
    const query = await queryOf({}, { authorization_endpoint });
    assert.equal(query.get("tenant"), "esa");
    for (const name of query.keys()) assert.equal(query.getAll(name).length, 1);
    assert.equal(query.get("client_id"), "app");
  });

  for (
    const [metadata, code] of [
      [{ authorization_endpoint: undefined }, "unsupported"],
      [{ authorization_endpoint: "http://as.test/authorize" }, "invalid_metadata"],
      [{ authorization_endpoint: "javascript:alert(1)" }, "invalid_metadata"],
      [{ authorization_endpoint: "file:///bin/sh" }, "invalid_metadata"],
      [{ code_challenge_methods_supported: ["plain"] }, "unsupported"],
    ] as const
  ) {
    it(`is refused at a server with ${JSON.stringify(metadata)}`, async () => {
      assert.equal((await failureOf(queryOf({}, metadata))).code, code);
    });
  }

  for (const responseType of ["token", "id_token", "code token", "code id_token"]) {
    it(`is refused for the response type "${responseType}"`, async () => {
      const error = await failureOf(queryOf({ extra: { response_type: responseType } }));
      assert.equal(error.code, "unsupported");
    });
  }
});

describe("the answer to an authorization request", () => {
  it("is redeemed with the verifier, the redirect URI and the client id", async () => {
    const { request, answer, server, met } = await start();
    const { claims, accessToken, refreshToken, scope } = await request.redeem(answer);
    assert.equal(claims?.sub, "ada");
    assert.ok(accessToken && refreshToken);
    assert.equal(scope, "openid");
    const { parameters } = server.requests.find(({ endpoint }) => endpoint === "token")!;
    const verifier = parameters.get("code_verifier")!;
    assert.equal(new URL(request.url).searchParams.get("code_challenge"), await challengeOf(verifier));
    assert.deepEqual([...parameters.keys()].sort(), [
      ...["client_id", "code", "code_verifier", "grant_type", "redirect_uri"],
    ]);
    assert.deepEqual(met, []);
  });

  it("may come as parameters, as a URL, or as its text", async () => {
    for (const form of [(url: URL) => url, (url: URL) => url.href, (url: URL) => url.searchParams]) {
      const { request, answer } = await start();
      assert.ok((await request.redeem(form(answer))).accessToken);
    }
  });

  it("must be a whole address when it is typed in: a code alone proves nothing", async () => {
    const { request, answer, server } = await start();
    for (const text of [answer.searchParams.get("code")!, answer.search, "", "code"]) {
      assert.equal((await failureOf(request.redeem(text))).code, "invalid_argument");
    }
    assert.equal(server.count("token"), 0);
    assert.ok((await request.redeem(answer)).accessToken);
  });

  it("is known by its state", async () => {
    const { request } = await start();
    const state = stateOf(request);
    const accepts = (query: string) => request.accepts(new URLSearchParams(query));
    assert.ok(accepts(`state=${state}&code=x`));
    assert.ok(accepts(`state=${state}&error=access_denied`));
    for (
      const query of [
        "",
        "code=x",
        "state=&code=x",
        "state=other",
        `state=${state}&state=${state}`,
        `state=${state}x`,
      ]
    ) {
      assert.ok(!accepts(query), query);
    }
  });

  const forged: [string, Record<string, string | null>][] = [
    ["without state", { state: null }],
    ["with another state", { state: "forged" }],
    ["with an empty state", { state: "" }],
    ["from another issuer", { iss: "https://evil.test" }],
    ["from an issuer with a slash more", { iss: "https://as.test/" }],
    ["from an issuer in other letters", { iss: "https://AS.test" }],
    ["from an issuer that is percent-encoded", { iss: "https%3A%2F%2Fas.test" }],
    ["that does not say its issuer, though the server always does", { iss: null }],
    ["without a code", { code: null }],
    ["with an empty code", { code: "" }],
    ["with an access token", { access_token: "token" }],
    ["with an ID token", { id_token: "token" }],
    ["that is signed unasked", { response: "a.b.c" }],
    ["that is an error with another state", { error: "access_denied", state: "forged" }],
    ["that is an error from another issuer", { error: "access_denied", iss: "https://evil.test" }],
  ];
  for (const [what, tamper] of forged) {
    it(`${what} is refused, the code stays unused, and the right answer still counts`, async () => {
      const { request, answer, server } = await start({}, tamper);
      const error = await failureOf(request.redeem(answer));
      assert.equal(error.code, "invalid_response");
      assertHides(error, stateOf(request));
      assert.equal(server.count("token"), 0);
      assert.ok((await request.redeem(await server.authorize(request.url))).accessToken);
    });
  }

  for (const name of ["code", "state", "iss", "error", "anything"]) {
    it(`with "${name}" twice is refused, even if both are the same`, async () => {
      const { request, answer, server } = await start();
      const value = answer.searchParams.get(name) ?? "x";
      const twice = new URL(answer);
      twice.searchParams.delete(name);
      for (const one of [value, value]) twice.searchParams.append(name, one);
      assert.equal((await failureOf(request.redeem(twice))).code, "invalid_response");
      assert.equal(server.count("token"), 0);
    });
  }

  it("need not say its issuer to a server that never does", async () => {
    const { request, answer } = await start({ issParameter: false });
    assert.ok(!answer.searchParams.has("iss"));
    assert.ok((await request.redeem(answer)).accessToken);
  });

  it("of one sign-in does not fit another", async () => {
    const [one, other] = [await start(), await start()];
    assert.equal((await failureOf(one.request.redeem(other.answer))).code, "invalid_response");
    assert.equal((await failureOf(other.request.redeem(one.answer))).code, "invalid_response");
    assert.equal(one.server.count("token") + other.server.count("token"), 0);
  });

  it("is redeemed once, also by two at a time", async () => {
    const { request, answer, server } = await start();
    const results = await Promise.allSettled([request.redeem(answer), request.redeem(answer)]);
    assert.deepEqual(results.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
    assert.equal((await failureOf(request.redeem(answer))).code, "invalid_response");
    assert.equal(server.count("token"), 1);
  });

  it("is not redeemed again after a failure: the server may have used the code up", async () => {
    const { request, answer, server } = await start();
    server.fault("token", { type: "drop-answer" });
    const error = await failureOf(request.redeem(answer));
    assert.equal(error.code, "network");
    assert.equal(error.sent, true);
    assert.equal((await failureOf(request.redeem(answer))).code, "invalid_response");
    assert.equal(server.count("token"), 1);
  });

  it("whose code ran out asks for a new sign-in, in the server's words", async () => {
    const { request, answer, clock } = await start();
    await clock.advance(61_000);
    const error = await failureOf(request.redeem(answer));
    assert.equal(error.code, "expired_code");
    assert.equal(error.serverError, "invalid_grant");
    assert.equal(error.nextStep, "Start the sign-in again");
    assertHides(error, answer.searchParams.get("code"));
  });

  it("is not redeemed without PKCE when the server does not like it", async () => {
    const { request, answer, server } = await start();
    server.fault("token", { type: "error", error: "invalid_request", description: "No PKCE, please" });
    assert.equal((await failureOf(request.redeem(answer))).serverError, "invalid_request");
    assert.equal(server.count("token"), 1);
  });

  for (
    const [error, code] of [
      ["access_denied", "access_denied"],
      ["invalid_scope", "server_refused"],
      ["login_required", "server_refused"],
      ["temporarily_unavailable", "unavailable"],
      ["server_error", "unavailable"],
    ]
  ) {
    it(`that is the error ${error} ends as ${code}, with the server's words made safe`, async () => {
      const tamper = { error, error_description: "No\u001b[2J way", code: null };
      const { request, answer, server } = await start({}, tamper);
      const thrown = await failureOf(request.redeem(answer));
      assert.equal(thrown.code, code);
      assert.equal(thrown.serverError, error);
      assert.equal(thrown.serverDescription, "No way");
      assert.ok(thrown.message.includes(`"${error}": "No way"`));
      assert.equal(server.count("token"), 0);
    });
  }

  it("says so when the person says no", async () => {
    const { server, issuer } = await world();
    const request = await authorizationRequest(issuer, app, { redirectUri, scope: "openid" });
    const answer = await server.authorize(request.url, { deny: true });
    assert.equal((await failureOf(request.redeem(answer))).code, "access_denied");
  });

  it("goes to the token endpoint of the issuer that was asked, whatever the answer says", async () => {
    const place: Stub = stub(json(tokens()));
    const request = await authorizationRequest(place.issuer, app, { redirectUri });
    const answer = `${redirectUri}?code=c&state=${stateOf(request)}&token_endpoint=https://evil.test`;
    await request.redeem(answer);
    assert.deepEqual(place.sent.map(({ url }) => url), ["https://as.test/token"]);
  });

  it("is waited for until the signal aborts", async () => {
    const { request, answer, server } = await start();
    const abort = new AbortController();
    server.fault("token", { type: "hang" });
    const asked = server.nextRequest("token");
    const redeemed = request.redeem(answer, { signal: abort.signal });
    await asked;
    abort.abort();
    assert.equal((await failureOf(redeemed)).code, "aborted");
  });

  it("and its request show no verifier and no code, whoever prints them", async () => {
    const { request, answer, server } = await start();
    server.fault("token", { type: "merge", members: { token_type: "mac", access_token: "access-canary" } });
    const error = await failureOf(request.redeem(answer));
    const { parameters } = server.requests.find(({ endpoint }) => endpoint === "token")!;
    for (const shown of [request, error]) {
      assertHides(shown, parameters.get("code_verifier"), parameters.get("code"), "access-canary");
    }
  });
});
