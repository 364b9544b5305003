/**
 * Requirements on tokens that are exchanged for others (RFC 7523, RFC 8693, RFC 8707).
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import {
  clientCredentials,
  clientCredentialsGrant,
  jwtBearerGrant,
  refreshTokenGrant,
  TOKEN_TYPES,
  tokenExchange,
  tokenExchangeGrant,
  tokenSource,
} from "../../mod.ts";
import { app, json, refusedWith, stub, tokens } from "./support.ts";

describe("a token as a grant", () => {
  it("P10 is one JWT, and stays out of whatever is said about it", async () => {
    for (
      const assertion of [
        "",
        "assertion-canary",
        "assertion-canary.b",
        "a.b.assertion-canary d.e.f",
        "a.b.c.d.assertion-canary",
      ]
    ) {
      const { issuer, sent } = stub(json(tokens()));
      const error = await refusedWith("invalid_argument", jwtBearerGrant(issuer, app, { assertion }));
      assert.doesNotMatch(`${inspect(error)}${JSON.stringify(error)}`, /assertion-canary/);
      assert.equal(sent.length, 0);
    }
    const { issuer, sent } = stub(json({ error: "invalid_grant" }, 400));
    const error = await refusedWith(
      "server_refused",
      jwtBearerGrant(issuer, app, { assertion: "a.assertion-canary.c" }),
    );
    assert.deepEqual(sent[0].form.getAll("assertion"), ["a.assertion-canary.c"]);
    assert.doesNotMatch(`${inspect(error)}${JSON.stringify(error)}`, /assertion-canary/);
  });

  it("P11 has a type, and the actor's token has one if and only if it is there", async () => {
    const answer = json(tokens({ issued_token_type: TOKEN_TYPES.accessToken }));
    const subjectToken = "subject";
    for (const half of [{ actorToken: "actor" }, { actorTokenType: TOKEN_TYPES.jwt }]) {
      const { issuer, sent } = stub(answer);
      await refusedWith("invalid_argument", tokenExchangeGrant(issuer, app, { subjectToken, ...half }));
      assert.equal(sent.length, 0);
    }
    const { issuer, sent } = stub(answer);
    await tokenExchangeGrant(issuer, app, { subjectToken });
    await tokenExchangeGrant(issuer, app, {
      subjectToken,
      actorToken: "actor",
      actorTokenType: TOKEN_TYPES.jwt,
    });
    assert.deepEqual(
      sent.map((
        { form },
      ) => [form.get("subject_token_type"), form.get("actor_token"), form.get("actor_token_type")]),
      [
        [TOKEN_TYPES.accessToken, null, null],
        [TOKEN_TYPES.accessToken, "actor", TOKEN_TYPES.jwt],
      ],
    );
  });

  it("P12 is exchanged for a token whose type is known, which never takes the place of the first one", async () => {
    for (const issued_token_type of [undefined, "", 1, null]) {
      const { issuer } = stub(json(tokens({ issued_token_type })));
      await refusedWith("invalid_response", tokenExchangeGrant(issuer, app, { subjectToken: "subject" }));
    }
    const saml = stub(json(tokens({ token_type: "N_A", issued_token_type: TOKEN_TYPES.saml2 })));
    const exchanged = await tokenExchangeGrant(saml.issuer, app, {
      subjectToken: "subject",
      requestedTokenType: TOKEN_TYPES.saml2,
    });
    assert.deepEqual([exchanged.tokenType, exchanged.issuedTokenType], ["N_A", TOKEN_TYPES.saml2]);
    const { issuer } = stub(({ form }) => {
      const isExchange = form.has("subject_token");
      return json(
        tokens({
          access_token: isExchange ? "exchanged" : "own",
          issued_token_type: TOKEN_TYPES.accessToken,
        }),
      );
    });
    const own = tokenSource(issuer, app, clientCredentials());
    const other = tokenSource(
      issuer,
      app,
      tokenExchange(async () => (await own.get()).accessToken, { audience: "other" }),
    );
    assert.equal((await other.get()).accessToken, "exchanged");
    assert.equal((await own.get()).accessToken, "own");
    assert.equal(own.peek({ audience: "other" }), undefined);
  });

  it("P13 is for resources named by absolute URIs without fragment, several if need be, and their refusal is told", async () => {
    for (
      const resource of ["api", "/api", "https://api.test/#x", "", "//api.test", ["https://api.test", "x"]]
    ) {
      const { issuer, sent } = stub(json(tokens()));
      await refusedWith("invalid_argument", clientCredentialsGrant(issuer, app, { resource }), `${resource}`);
      assert.equal(sent.length, 0);
    }
    const { issuer, sent } = stub([json(tokens()), json({ error: "invalid_target" }, 400)]);
    const resource = ["https://a.test/x?y", "urn:b"];
    await clientCredentialsGrant(issuer, app, { resource });
    assert.deepEqual(sent[0].form.getAll("resource"), resource);
    const error = await refusedWith(
      "server_refused",
      refreshTokenGrant(issuer, app, { refreshToken: "refresh", resource: "urn:c" }),
    );
    assert.equal(error.serverError, "invalid_target");
  });
});
