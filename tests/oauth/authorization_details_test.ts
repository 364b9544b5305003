import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { authorizationRequest } from "../../lib/oauth/grants/authorization_code.ts";
import { clientCredentialsGrant } from "../../lib/oauth/grants/client_credentials.ts";
import { app, assertHides, failureOf, json, stub, tokens, world } from "./support.ts";

const details = [
  { type: "account", actions: ["read", "pay"], locations: ["https://bank.test/"] },
  { type: "photo", identifier: "zoë ⊕" },
];

describe("a rich authorization request (RFC 9396)", () => {
  it("sends the details as JSON in one parameter", async () => {
    const { issuer, sent } = stub(json(tokens()));
    const { authorizationDetails } = await clientCredentialsGrant(issuer, app, {
      authorizationDetails: details,
    });
    assert.equal(authorizationDetails, undefined);
    assert.deepEqual(sent[0].form.getAll("authorization_details"), [JSON.stringify(details)]);
  });

  it("leads to a token with the details that were granted", async () => {
    const { server, issuer } = await world();
    for (const pushed of [false, true]) {
      const parameters = { redirectUri: "http://127.0.0.1/", authorizationDetails: details, pushed };
      const request = await authorizationRequest(issuer, app, parameters);
      const { authorizationDetails } = await request.redeem(await server.authorize(request.url));
      assert.deepEqual(authorizationDetails, details);
    }
  });

  it("may be granted less than it asked for, or more about it", async () => {
    const granted = [{ type: "account", actions: ["read"], iban: "DE1" }];
    const { issuer } = stub(json(tokens({ authorization_details: granted })));
    const answer = await clientCredentialsGrant(issuer, app, { authorizationDetails: details });
    assert.deepEqual(answer.authorizationDetails, granted);
  });

  for (const granted of ["[]", { type: "account" }, [1], [null], [{}], [{ type: 7 }], ["account"], null, 1]) {
    it(`is refused when the answer's details are ${JSON.stringify(granted)}`, async () => {
      const { issuer } = stub(json(tokens({ authorization_details: granted })));
      const error = await failureOf(clientCredentialsGrant(issuer, app));
      assert.equal(error.code, "invalid_response");
      assert.match(error.message, /authorization_details/);
      assertHides(error, "access-canary");
    });
  }

  it("is refused in the server's words", async () => {
    const reply = { error: "invalid_authorization_details", error_description: "no such type" };
    const { issuer } = stub(json(reply, 400));
    const error = await failureOf(clientCredentialsGrant(issuer, app, { authorizationDetails: details }));
    assert.deepEqual([error.code, error.serverError], ["server_refused", "invalid_authorization_details"]);
  });
});
