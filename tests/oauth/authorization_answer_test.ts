import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type AuthorizationParameters,
  type AuthorizationRequest,
  authorizationRequest,
} from "../../lib/oauth/grants/authorization_code.ts";
import { generateSigningKey, type SigningKey, signJwt } from "../../lib/oauth/signing_key.ts";
import { base64url } from "../testing/support.ts";
import { app, assertHides, failureOf, json, type Sent, type Stub, stub, tokens, world } from "./support.ts";

const redirectUri = "http://127.0.0.1:49152/callback";
const plain = { redirectUri, scope: "profile" };

/** A request at a server that speaks only through the browser; it would take any code. */
async function request(
  metadata: Record<string, unknown> = {},
  parameters: Partial<AuthorizationParameters> = {},
): Promise<Stub & { request: AuthorizationRequest; state: string }> {
  const place = stub(json(tokens()), { metadata });
  const request = await authorizationRequest(place.issuer, app, { ...plain, ...parameters });
  return { ...place, request, state: new URL(request.url).searchParams.get("state")! };
}

function answer(members: Record<string, string>): URLSearchParams {
  return new URLSearchParams(members);
}

describe("the answer to an authorization request", () => {
  it("is redeemed as parameters, as a URL, or as its text", async () => {
    const forms = [
      (text: string) => new URLSearchParams(text),
      (text: string) => new URL(`${redirectUri}?${text}`),
      (text: string) => `${redirectUri}?${text}`,
    ];
    for (const form of forms) {
      const { request: { redeem }, state, sent } = await request();
      const given = form(`code=c%26d&state=${state}`);
      assert.equal((await redeem(given)).accessToken, "access-canary");
      assert.equal(sent[0].form.get("code"), "c&d");
    }
  });

  for (const text of ["", "code", "?code=a&state=b", "127.0.0.1/callback?code=a"]) {
    it(`is not "${text}"`, async () => {
      const error = await failureOf((await request()).request.redeem(text));
      assert.equal(error.code, "invalid_argument");
      assert.match(error.nextStep!, /whole address/);
    });
  }

  it("belongs to the request with its state, and to no other (A5, A6)", async () => {
    const [one, other] = [await request(), await request()];
    const mine = answer({ code: "code-canary", state: one.state });
    assert.deepEqual([one.request.accepts(mine), other.request.accepts(mine)], [true, false]);
    const error = await failureOf(other.request.redeem(mine));
    assert.equal(error.code, "invalid_response");
    assertHides(error, "code-canary", one.state, other.state);
    for (
      const foreign of [
        answer({ code: "c" }),
        answer({ code: "c", state: "" }),
        answer({ state: "x", code: "c" }),
      ]
    ) {
      assert.equal(one.request.accepts(foreign), false);
      assert.equal((await failureOf(one.request.redeem(foreign))).code, "invalid_response");
    }
    assert.deepEqual([one.sent, other.sent], [[], []]);
    assert.equal((await one.request.redeem(mine)).accessToken, "access-canary");
  });

  it("is redeemed once (A7)", async () => {
    const { request: { redeem }, state, sent } = await request();
    const both = [redeem(answer({ code: "c", state })), redeem(answer({ code: "c", state }))];
    const outcomes = await Promise.allSettled(both);
    assert.deepEqual(outcomes.map(({ status }) => status), ["fulfilled", "rejected"]);
    assert.equal((await failureOf(redeem(answer({ code: "d", state })))).code, "invalid_response");
    assert.equal(sent.length, 1);
  });

  for (const name of ["code", "state", "iss", "error", "anything"]) {
    it(`is refused when "${name}" is there twice, even with the same value (C6)`, async () => {
      const { request: { redeem, accepts }, state, sent } = await request();
      const parameters = answer({ code: "c", state, iss: "https://as.test", error: "", anything: "a" });
      parameters.append(name, parameters.get(name)!);
      if (name === "state") assert.equal(accepts(parameters), false);
      const error = await failureOf(redeem(parameters));
      assert.equal(error.code, "invalid_response");
      assert.match(error.message, new RegExp(`"${name}" is there twice`));
      assert.deepEqual(sent, []);
    });
  }

  for (const name of ["access_token", "id_token", "token"]) {
    it(`is refused with an ${name} in it, which nobody asked for (A20)`, async () => {
      const { request: { redeem }, state, sent } = await request();
      const error = await failureOf(redeem(answer({ code: "c", state, [name]: "token-canary" })));
      assert.equal(error.code, "invalid_response");
      assertHides(error, "token-canary");
      const fragment = `${redirectUri}#access_token=token-canary&state=${state}`;
      assert.equal((await failureOf(redeem(fragment))).code, "invalid_response");
      assert.deepEqual(sent, []);
    });
  }

  it("is refused without a code", async () => {
    const { request: { redeem }, state } = await request();
    for (const members of [{ state }, { state, code: "" }] as Record<string, string>[]) {
      assert.match((await failureOf(redeem(answer(members)))).message, /no authorization code/);
    }
  });

  it("says in the server's words why there is none, made safe", async () => {
    const { request: { redeem }, state, sent } = await request();
    const refused = await failureOf(
      redeem(answer({ state, error: "invalid_scope", error_description: "no \x1b[31mroles\u202e" })),
    );
    assert.deepEqual([refused.code, refused.serverError, refused.serverDescription], [
      "server_refused",
      "invalid_scope",
      "no roles",
    ]);
    const denied = await failureOf(redeem(answer({ state, error: "access_denied" })));
    assert.equal(denied.code, "access_denied");
    const busy = await failureOf(redeem(answer({ state, error: "temporarily_unavailable" })));
    assert.deepEqual([busy.code, busy.retryable], ["unavailable", true]);
    assert.deepEqual(sent, []);
  });
});

describe("the issuer in an answer", () => {
  const iss = "https://as.test";
  for (
    const [name, wrong] of [
      ["of somebody else", "https://evil.test"],
      ["with a last slash", "https://as.test/"],
      ["in capitals", "https://AS.test"],
      ["with a port", "https://as.test:443"],
      ["encoded twice", "https%3A%2F%2Fas.test"],
    ]
  ) {
    it(`is refused when it is one ${name}, also on an error (A8)`, async () => {
      for (const authorization_response_iss_parameter_supported of [true, undefined]) {
        const { request: { redeem }, state, sent } = await request({
          authorization_response_iss_parameter_supported,
        });
        for (const members of [{ code: "c" }, { error: "access_denied" }] as Record<string, string>[]) {
          const error = await failureOf(redeem(answer({ ...members, state, iss: wrong })));
          assert.equal(error.code, "invalid_response");
        }
        assert.deepEqual(sent, []);
      }
    });
  }

  it("must be there when the server has announced it, also on an error (A9)", async () => {
    const { request: { redeem }, state, sent } = await request({
      authorization_response_iss_parameter_supported: true,
    });
    for (
      const members of [{ code: "c" }, { error: "access_denied" }, { code: "c", iss: "" }] as Record<
        string,
        string
      >[]
    ) {
      assert.equal((await failureOf(redeem(answer({ ...members, state })))).code, "invalid_response");
    }
    assert.deepEqual(sent, []);
    const refused = await failureOf(redeem(answer({ error: "access_denied", state, iss })));
    assert.equal(refused.code, "access_denied");
    assert.equal((await redeem(answer({ code: "c", state, iss }))).accessToken, "access-canary");
  });

  it("of the right server is taken also unannounced, and comes from a server that sends it (A9)", async () => {
    const { request: { redeem }, state } = await request();
    assert.equal((await redeem(answer({ code: "c", state, iss }))).accessToken, "access-canary");
    const { server, issuer } = await world();
    const signIn = await authorizationRequest(issuer, app, plain);
    const callback = await server.authorize(signIn.url, { tamper: { iss: null } });
    assert.equal((await failureOf(signIn.redeem(callback))).code, "invalid_response");
    await signIn.redeem(await server.authorize(signIn.url));
  });

  it("decides where the code goes: to the token endpoint of that server only (A10)", async () => {
    const attacker = { issuer: "https://evil.test", token_endpoint: "https://evil.test/token" };
    const { request: { redeem }, state, sent } = await request(attacker);
    // the honest server's page answered the attacker's request
    const error = await failureOf(redeem(answer({ code: "code-canary", state, iss })));
    assert.equal(error.code, "invalid_response");
    assertHides(error, "code-canary");
    assert.deepEqual(sent, []);
  });
});

describe("a signed answer (JARM)", () => {
  for (const responseMode of ["jwt", "query.jwt"] as const) {
    it(`is verified and redeemed with response_mode ${responseMode}`, async () => {
      const { server, issuer } = await world();
      const signIn = await authorizationRequest(issuer, app, { redirectUri, scope: "openid", responseMode });
      const callback = new URL(await server.authorize(signIn.url));
      assert.deepEqual([...callback.searchParams.keys()], ["response"]);
      assert.equal(signIn.accepts(callback.searchParams), true);
      const other = await authorizationRequest(issuer, app, { redirectUri, responseMode });
      assert.equal(other.accepts(callback.searchParams), false);
      assert.equal(typeof (await signIn.redeem(callback)).claims?.sub, "string");
    });
  }

  it("is expected when response_mode is among the further parameters", async () => {
    const { server, issuer } = await world();
    const signIn = await authorizationRequest(issuer, app, { ...plain, extra: { response_mode: "jwt" } });
    assert.ok((await signIn.redeem(await server.authorize(signIn.url))).accessToken);
  });

  it("is a refusal when it says so", async () => {
    const { server, issuer } = await world();
    const signIn = await authorizationRequest(issuer, app, { ...plain, responseMode: "jwt" });
    const error = await failureOf(signIn.redeem(await server.authorize(signIn.url, { deny: true })));
    assert.equal(error.code, "access_denied");
  });

  for (
    const [name, tamper] of [
      ["of another issuer", { iss: "https://evil.test" }],
      ["without an issuer", { iss: null }],
      ["for another client", { aud: "other" }],
      ["of another sign-in", { state: "other" }],
      ["without a state", { state: null }],
      ["that is over", { exp: 1 as unknown as string }],
      ["without an end", { exp: undefined as unknown as string }],
      ["with an access token in it", { access_token: "canary" }],
    ] as [string, Record<string, string | null>][]
  ) {
    it(`is refused when it is one ${name}`, async () => {
      const { server, issuer } = await world();
      const signIn = await authorizationRequest(issuer, app, { ...plain, responseMode: "jwt" });
      const callback = await server.authorize(signIn.url, { tamper });
      assert.equal((await failureOf(signIn.redeem(callback))).code, "invalid_response");
      assert.equal(server.count("token"), 0);
    });
  }

  /** A request with a server whose key the test has. */
  async function withKey(): Promise<{
    signIn: AuthorizationRequest;
    key: SigningKey;
    claims: Record<string, unknown>;
    sent: Sent[];
  }> {
    const key = { ...await generateSigningKey(), keyId: "k" };
    const place = stub(
      ({ url }) => json(url.endsWith("/jwks") ? { keys: [{ ...key.publicJwk, kid: "k" }] } : tokens()),
      { metadata: { authorization_signing_alg_values_supported: ["ES256"] } },
    );
    const signIn = await authorizationRequest(place.issuer, app, { ...plain, responseMode: "jwt" });
    const state = new URL(signIn.url).searchParams.get("state");
    const exp = place.clock.now() / 1000 + 60;
    return {
      signIn,
      key,
      claims: { iss: "https://as.test", aud: "app", exp, state, code: "code-canary" },
      sent: place.sent,
    };
  }
  const asked = (sent: Sent[]): number => sent.filter(({ url }) => url.endsWith("/token")).length;

  it("is taken from the server's key, and from no other", async () => {
    const { signIn, key, claims, sent } = await withKey();
    const stranger = { ...await generateSigningKey(), keyId: "k" };
    const forged = answer({ response: await signJwt(stranger, {}, claims) });
    // it may well be for this request, who could tell before looking at the signature
    assert.equal(signIn.accepts(forged), true);
    const error = await failureOf(signIn.redeem(forged));
    assert.equal(error.code, "invalid_response");
    assertHides(error, "code-canary");
    assert.equal(asked(sent), 0);
    await signIn.redeem(answer({ response: await signJwt(key, {}, claims) }));
    assert.equal(asked(sent), 1);
  });

  it("is refused unsigned, with a broken signature, with another algorithm, or as no JWT", async () => {
    const { signIn, key, claims, sent } = await withKey();
    const good = await signJwt(key, {}, claims);
    const [header, payload, signature] = good.split(".");
    const none = base64url(JSON.stringify({ alg: "none" }));
    const hmac = base64url(JSON.stringify({ alg: "HS256", kid: "k" }));
    const crit = await signJwt(key, { crit: ["exp"] }, claims);
    const responses = [
      `${none}.${payload}.`,
      `${hmac}.${payload}.${signature}`,
      `${header}.${payload}.`,
      `${header}.${payload}.!!!`,
      `${header}.${payload}.${signature.slice(0, 20)}`,
      `${header}.${base64url(JSON.stringify({ ...claims, code: "other" }))}.${signature}`,
      `${header}.${payload}`,
      `!.${payload}.${signature}`,
      crit,
      "",
      "canary",
    ];
    for (const response of responses) {
      const error = await failureOf(signIn.redeem(answer({ response })));
      assert.equal(error.code, "invalid_response", response);
      assertHides(error, "code-canary");
    }
    assert.equal(asked(sent), 0);
  });

  it("is the only one to be taken once it was asked for, and never unasked", async () => {
    const { signIn, key, claims, sent } = await withKey();
    const open = answer({ code: "c", state: String(claims.state), iss: "https://as.test" });
    assert.match((await failureOf(signIn.redeem(open))).message, /not signed/);
    const { request: { redeem }, state, sent: other } = await request();
    const response = await signJwt(key, {}, { ...claims, state });
    assert.match((await failureOf(redeem(answer({ response })))).message, /signed unasked/);
    assert.match((await failureOf(redeem(answer({ response, code: "c", state })))).message, /signed unasked/);
    assert.deepEqual([asked(sent), asked(other)], [0, 0]);
  });
});

describe("a flow that puts tokens into the browser's address", () => {
  for (
    const [responseType, flow] of [
      ["token", "implicit"],
      ["id_token", "implicit"],
      ["id_token token", "implicit"],
      ["code id_token", "hybrid"],
      ["code token", "hybrid"],
      ["code id_token token", "hybrid"],
    ]
  ) {
    it(`is refused by name: ${responseType} is the ${flow} flow (A20)`, async () => {
      const { issuer, sent } = stub(json({}));
      for (
        const wanted of [{ responseType: responseType as "code" }, { extra: { response_type: responseType } }]
      ) {
        const error = await failureOf(authorizationRequest(issuer, app, { ...plain, ...wanted }));
        assert.equal(error.code, "unsupported");
        assert.match(error.message, new RegExp(`the ${flow} flow`));
        assert.match(error.nextStep!, /authorization code flow with PKCE/);
      }
      assert.deepEqual(sent, []);
    });
  }
});
