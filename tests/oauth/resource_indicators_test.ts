import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { claimsOf } from "../jwt.ts";
import { clientSecretBasic } from "../../lib/oauth/client_authentication.ts";
import { jwtBearerGrant } from "../../lib/oauth/grants/assertion.ts";
import { authorizationRequest } from "../../lib/oauth/grants/authorization_code.ts";
import { backchannelAuthentication } from "../../lib/oauth/grants/backchannel.ts";
import { clientCredentialsGrant } from "../../lib/oauth/grants/client_credentials.ts";
import { deviceAuthorization } from "../../lib/oauth/grants/device_code.ts";
import { extensionGrant } from "../../lib/oauth/grants/extension.ts";
import { passwordGrant } from "../../lib/oauth/grants/password.ts";
import { refreshTokenGrant } from "../../lib/oauth/grants/refresh_token.ts";
import { tokenExchangeGrant } from "../../lib/oauth/grants/token_exchange.ts";
import type { Issuer } from "../../lib/oauth/issuer.ts";
import type { TokenParameters } from "../../lib/oauth/token_request.ts";
import { app, failureOf, json, stub, tokens, world } from "./support.ts";

const service = { clientId: "service", authentication: clientSecretBasic("service-secret") };
const JWT = "eyJh.eyJz.c2ln";
const metadata = { backchannel_authentication_endpoint: "https://as.test/ciba" };

/** Every grant, asked with `narrowing`. */
const grants: Record<string, (issuer: Issuer, narrowing: TokenParameters) => Promise<unknown>> = {
  "client credentials": (issuer, narrowing) => clientCredentialsGrant(issuer, app, narrowing),
  password: (issuer, narrowing) => passwordGrant(issuer, app, { username: "a", password: "b", ...narrowing }),
  "refresh token": (issuer, narrowing) => refreshTokenGrant(issuer, app, { refreshToken: "r", ...narrowing }),
  "token exchange": (issuer, narrowing) =>
    tokenExchangeGrant(issuer, app, { subjectToken: "s", ...narrowing }),
  "JWT bearer": (issuer, narrowing) => jwtBearerGrant(issuer, app, { assertion: JWT, ...narrowing }),
  extension: (issuer, narrowing) => extensionGrant(issuer, app, { grantType: "urn:x:y", ...narrowing }),
  "device code": (issuer, narrowing) => deviceAuthorization(issuer, app, narrowing),
  CIBA: (issuer, narrowing) => backchannelAuthentication(issuer, app, { loginHint: "a", ...narrowing }),
  "authorization code": (issuer, narrowing) =>
    authorizationRequest(issuer, app, { redirectUri: "http://127.0.0.1/", ...narrowing })
      .then(({ url }) => issuer.http.fetch!(`${url}&in_the_open`, {})),
};

const everything = {
  ...tokens({ issued_token_type: "urn:ietf:params:oauth:token-type:jwt" }),
  ...{ device_code: "d", user_code: "u", verification_uri: "https://as.test/device", auth_req_id: "a" },
};

describe("a resource (RFC 8707)", () => {
  for (const [name, grant] of Object.entries(grants)) {
    it(`is named once for each API in the grant: ${name} (P13)`, async () => {
      const resource = ["https://one.test/", "https://two.test/api?v=1", "urn:three"];
      const { issuer, sent } = stub(json(everything), { metadata });
      await grant(issuer, { resource, audience: "four" });
      const form = sent[0].method === "POST" ? sent[0].form : new URL(sent[0].url).searchParams;
      assert.deepEqual(form.getAll("resource"), resource);
      assert.deepEqual(form.getAll("audience"), ["four"]);
    });

    it(`is the audience where the server has that parameter alone, which is reported: ${name}`, async () => {
      const resource = ["https://one.test/", "urn:two"];
      for (const [audience, expected] of [[undefined, "https://one.test/ urn:two"], ["four", "four"]]) {
        const { issuer, sent, met } = stub(json(everything), { metadata, quirks: ["audience-parameter"] });
        await grant(issuer, { resource, audience });
        const form = sent[0].method === "POST" ? sent[0].form : new URL(sent[0].url).searchParams;
        assert.deepEqual([form.getAll("resource"), form.getAll("audience")], [[], [expected]]);
        assert.ok(met.includes("audience-parameter"));
      }
    });

    for (const resource of ["", "api", "/api", "//api.test/", "https://api.test/#a", "https://api.test/#"]) {
      it(`is not "${resource}", and nothing is sent: ${name} (P13)`, async () => {
        const { issuer, sent } = stub(json(everything), { metadata });
        for (const one of [resource, ["https://one.test/", resource]]) {
          const error = await failureOf(grant(issuer, { resource: one }));
          assert.equal(error.code, "invalid_argument");
        }
        assert.deepEqual(sent, []);
      });
    }
  }

  it("becomes the audience of the token (P13)", async () => {
    const { issuer } = await world({ audienceDialect: "resource" });
    const resource = ["https://one.test/", "https://two.test/"];
    const { accessToken } = await clientCredentialsGrant(issuer, service, { resource });
    assert.deepEqual(claimsOf(accessToken).aud, resource);
  });

  it("becomes the audience of a token of INDIGO IAM, by the name that it knows", async () => {
    const quirks = ["issuer-trailing-slash", "audience-parameter"] as const;
    const { issuer, met } = await world({ flavor: "indigo-iam", audienceDialect: "audience", quirks });
    met.splice(0);
    const { accessToken } = await clientCredentialsGrant(issuer, service, { resource: "https://one.test/" });
    assert.deepEqual([claimsOf(accessToken).aud].flat(), ["https://one.test/"]);
    assert.deepEqual(met.filter((name) => name !== "expires-in-missing"), ["audience-parameter"]);
    await clientCredentialsGrant(issuer, service, { audience: "two" });
    assert.deepEqual(met.filter((name) => name !== "expires-in-missing"), ["audience-parameter"]);
  });

  it("that was not granted is refused in the server's words (P13)", async () => {
    const { issuer } = await world();
    const parameters = {
      username: "ada",
      password: "lovelace",
      resource: "https://one.test/",
      scope: "openid",
    };
    const { refreshToken } = await passwordGrant(issuer, app, parameters);
    const request = { refreshToken: refreshToken!, resource: "https://two.test/" };
    const error = await failureOf(refreshTokenGrant(issuer, app, request));
    assert.deepEqual([error.code, error.serverError], ["server_refused", "invalid_target"]);
  });
});
