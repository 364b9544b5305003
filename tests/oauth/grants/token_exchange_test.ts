import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { claimsOf } from "../../jwt.ts";
import { clientSecretBasic } from "../../../lib/oauth/client_authentication.ts";
import { clientCredentialsGrant } from "../../../lib/oauth/grants/client_credentials.ts";
import { extensionGrant } from "../../../lib/oauth/grants/extension.ts";
import { TOKEN_TYPES, tokenExchangeGrant } from "../../../lib/oauth/grants/token_exchange.ts";
import { app, assertHides, failureOf, json, stub, tokens, world } from "../support.ts";

const service = { clientId: "service", authentication: clientSecretBasic("service-secret") };
const GRANT_TYPE = "urn:ietf:params:oauth:grant-type:token-exchange";

describe("a token exchange", () => {
  it("gives another token for the same person (P11)", async () => {
    const { server, issuer } = await world();
    const { access_token } = await server.issue({ scope: "openid profile", clientId: "app" });
    const parameters = {
      subjectToken: String(access_token),
      scope: "profile",
      audience: "backend",
      resource: ["https://one.test/", "https://two.test/api"],
    };
    const exchanged = await tokenExchangeGrant(issuer, service, parameters);
    assert.equal(exchanged.issuedTokenType, TOKEN_TYPES.accessToken);
    assert.equal(exchanged.tokenType, "Bearer");
    assert.equal(exchanged.scope, "profile");
    assert.notEqual(exchanged.accessToken, access_token);
    assert.deepEqual([...server.requests[0].parameters], [
      ["scope", "profile"],
      ["audience", "backend"],
      ["resource", "https://one.test/"],
      ["resource", "https://two.test/api"],
      ["subject_token", access_token],
      ["subject_token_type", TOKEN_TYPES.accessToken],
      ["grant_type", GRANT_TYPE],
    ]);
  });

  it("says who acts for whom (P11)", async () => {
    const { server, issuer } = await world();
    const subject = await server.issue({ scope: "a" });
    const actor = await server.issue({ scope: "a" });
    const exchanged = await tokenExchangeGrant(issuer, service, {
      subjectToken: String(subject.access_token),
      actorToken: String(actor.access_token),
      actorTokenType: TOKEN_TYPES.accessToken,
    });
    const claims = claimsOf(exchanged.accessToken);
    assert.equal(typeof claims.act.sub, "string");
  });

  for (const half of [{ actorToken: "x" }, { actorTokenType: TOKEN_TYPES.jwt }]) {
    it(`is refused with ${Object.keys(half)} alone, with nothing sent (P11)`, async () => {
      const { issuer, sent } = stub(json(tokens()));
      const error = await failureOf(tokenExchangeGrant(issuer, app, { subjectToken: "s", ...half }));
      assert.equal(error.code, "invalid_argument");
      assert.deepEqual(sent, []);
    });
  }

  it("names the types that are asked for (P11)", async () => {
    const { issuer, sent } = stub(json(tokens({ issued_token_type: TOKEN_TYPES.saml2 })));
    await tokenExchangeGrant(issuer, app, {
      subjectToken: "s",
      subjectTokenType: TOKEN_TYPES.idToken,
      requestedTokenType: TOKEN_TYPES.saml2,
    });
    assert.equal(sent[0].form.get("subject_token_type"), TOKEN_TYPES.idToken);
    assert.equal(sent[0].form.get("requested_token_type"), TOKEN_TYPES.saml2);
  });

  it("takes a token that is no access token, and says so (P12)", async () => {
    const { server, issuer } = await world();
    const { access_token } = await server.issue();
    for (const requestedTokenType of [TOKEN_TYPES.idToken, TOKEN_TYPES.refreshToken]) {
      const request = { subjectToken: String(access_token), requestedTokenType };
      const exchanged = await tokenExchangeGrant(issuer, service, request);
      assert.deepEqual([exchanged.tokenType, exchanged.issuedTokenType], ["N_A", requestedTokenType]);
    }
  });

  it("is the only grant that takes a token of type N_A (P12)", async () => {
    const answer = tokens({ token_type: "N_A", issued_token_type: TOKEN_TYPES.idToken });
    const { issuer } = stub(json(answer));
    const others = [
      clientCredentialsGrant(issuer, service),
      extensionGrant(issuer, service, { grantType: "urn:test:grant" }),
    ];
    for (const other of others) assert.equal((await failureOf(other)).code, "invalid_response");
    assert.equal((await tokenExchangeGrant(issuer, service, { subjectToken: "s" })).tokenType, "N_A");
  });

  for (const issued of [undefined, "", 42, null]) {
    it(`is refused when issued_token_type is ${JSON.stringify(issued)} (P12)`, async () => {
      const { issuer } = stub(json(tokens({ issued_token_type: issued })));
      const error = await failureOf(tokenExchangeGrant(issuer, app, { subjectToken: "subject-canary" }));
      assert.equal(error.code, "invalid_response");
      assert.match(error.message, /issued_token_type/);
      assertHides(error, "access-canary", "subject-canary");
    });
  }

  it("is refused when another type comes than was asked for (P12)", async () => {
    const { issuer } = stub(json(tokens({ issued_token_type: TOKEN_TYPES.refreshToken })));
    for (const requestedTokenType of [TOKEN_TYPES.accessToken, TOKEN_TYPES.idToken, TOKEN_TYPES.saml1]) {
      const error = await failureOf(
        tokenExchangeGrant(issuer, app, { subjectToken: "s", requestedTokenType }),
      );
      assert.equal(error.code, "invalid_response");
      assert.match(error.message, /another type/);
    }
    const access = stub(json(tokens({ issued_token_type: TOKEN_TYPES.accessToken })));
    const saml = { subjectToken: "s", requestedTokenType: TOKEN_TYPES.saml2 };
    assert.match((await failureOf(tokenExchangeGrant(access.issuer, app, saml))).message, /another type/);
  });

  it("takes a JWT for an access token and the other way round, which RFC 8693 section 3 permits (P12)", async () => {
    const { accessToken, jwt } = TOKEN_TYPES;
    for (const [asked, issued] of [[accessToken, jwt], [jwt, accessToken]]) {
      const { issuer } = stub(json(tokens({ issued_token_type: issued })));
      const request = { subjectToken: "s", requestedTokenType: asked };
      assert.equal((await tokenExchangeGrant(issuer, app, request)).issuedTokenType, issued);
    }
  });

  it("does not show a token that the server quotes when it refuses it", async () => {
    const { issuer } = stub(({ form }) =>
      json({ error: "invalid_request", error_description: `bad ${form.get("subject_token")}` }, 400)
    );
    const error = await failureOf(tokenExchangeGrant(issuer, app, { subjectToken: "subject-canary" }));
    assert.equal(error.serverDescription, "bad …");
    assertHides(error, "subject-canary");
  });

  it("says that the target is unknown in the server's words (P13)", async () => {
    const { server, issuer } = await world();
    server.fault("token", { type: "error", error: "invalid_target", description: "no such API" });
    const error = await failureOf(
      tokenExchangeGrant(issuer, service, { subjectToken: "s", resource: "https://api.test" }),
    );
    assert.deepEqual([error.code, error.serverError], ["server_refused", "invalid_target"]);
  });

  it("keeps parameters that only the server knows", async () => {
    const { issuer, sent } = stub(json(tokens({ issued_token_type: TOKEN_TYPES.jwt })));
    const extra = { requested_issuer: "google", subject_token: "mine", actor_token: "other" };
    await tokenExchangeGrant(issuer, app, { subjectToken: "s", extra });
    const { form } = sent[0];
    assert.deepEqual([form.get("requested_issuer"), form.getAll("subject_token")], ["google", ["s"]]);
    assert.deepEqual(form.getAll("actor_token"), ["other"]);
  });
});
