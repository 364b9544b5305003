import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { claimsOf } from "../../jwt.ts";
import { extensionGrant } from "../../../lib/oauth/grants/extension.ts";
import { app, failureOf, json, stub, tokens, world } from "../support.ts";

const GRANT_TYPE = "urn:example:grant:badge";

describe("an extension grant", () => {
  it("is asked for by its URI, with parameters of its own", async () => {
    const { server, issuer } = await world({
      extensionGrants: {
        [GRANT_TYPE]: (parameters) =>
          parameters.get("badge") === "7" ? { subject: "ada", scope: "doors" } : { error: "invalid_grant" },
      },
    });
    const good = await extensionGrant(issuer, app, { grantType: GRANT_TYPE, extra: { badge: "7" } });
    assert.deepEqual([claimsOf(good.accessToken).sub, good.scope], ["ada", "doors"]);
    assert.equal(server.requests[0].grantType, GRANT_TYPE);
    const bad = await failureOf(
      extensionGrant(issuer, app, { grantType: GRANT_TYPE, extra: { badge: "8" } }),
    );
    assert.deepEqual([bad.code, bad.serverError], ["server_refused", "invalid_grant"]);
  });

  it("cannot be turned into another grant by an extra parameter", async () => {
    const { issuer, sent } = stub(json(tokens()));
    const extra = { grant_type: "password", client_id: "other" };
    await extensionGrant(issuer, app, { grantType: GRANT_TYPE, extra });
    assert.deepEqual(sent[0].form.getAll("grant_type"), [GRANT_TYPE]);
    assert.deepEqual(sent[0].form.getAll("client_id"), ["app"]);
  });

  it("validates the ID token that may come with it", async () => {
    const { server, issuer } = await world({
      extensionGrants: { [GRANT_TYPE]: () => ({ subject: "ada", scope: "openid" }) },
    });
    server.fault("token", { type: "merge", members: { id_token: "eyJhbGciOiJub25lIn0.e30." } });
    const error = await failureOf(extensionGrant(issuer, app, { grantType: GRANT_TYPE }));
    assert.equal(error.code, "invalid_response");
  });

  for (const grantType of ["", "client_credentials", "//x"]) {
    it(`is not called "${grantType}": that is no absolute URI`, async () => {
      const { issuer, sent } = stub(json(tokens()));
      assert.equal((await failureOf(extensionGrant(issuer, app, { grantType }))).code, "invalid_argument");
      assert.deepEqual(sent, []);
    });
  }
});
