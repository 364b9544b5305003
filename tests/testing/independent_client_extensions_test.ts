import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as oauth from "oauth4webapi";
import { type AuthorizationServer, authorizationServer } from "../../lib/testing/mod.ts";

const options = (server: AuthorizationServer) => ({
  [oauth.customFetch]: (url: string, init: unknown) => server.fetch(url, init as RequestInit),
});
const app: oauth.Client = { client_id: "app" };
const service: oauth.Client = { client_id: "service" };
const secret = oauth.ClientSecretBasic("service-secret");

async function discovered(server: AuthorizationServer): Promise<oauth.AuthorizationServer> {
  const issuer = new URL(server.issuer);
  return await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, options(server)));
}

describe("an independent client, around the token", () => {
  it("introspects, and revokes a refresh token with its family", async () => {
    const server = await authorizationServer();
    const as = await discovered(server);
    const issued = await server.issue({ clientId: "service" });
    const token = String(issued.access_token);
    const introspect = async (requestJwtResponse: boolean) => {
      const asked = { ...options(server), requestJwtResponse };
      const response = await oauth.introspectionRequest(as, service, secret, token, asked);
      return await oauth.processIntrospectionResponse(as, service, response);
    };
    assert.deepEqual([(await introspect(false)).active, (await introspect(true)).sub], [true, "ada"]);
    const refreshToken = String(issued.refresh_token);
    await oauth.processRevocationResponse(
      await oauth.revocationRequest(as, service, secret, refreshToken, options(server)),
    );
    assert.equal((await introspect(false)).active, false);
    assert.equal(server.families[0].revoked, true);
  });

  for (const signedUserinfo of [false, true]) {
    it(`reads userinfo ${signedUserinfo ? "as a signed JWT" : "as JSON"}`, async () => {
      const server = await authorizationServer({ clients: [{ clientId: "app", signedUserinfo }] });
      const as = await discovered(server);
      const token = String((await server.issue()).access_token);
      const response = await oauth.userInfoRequest(as, app, token, options(server));
      const client: oauth.Client = signedUserinfo ? { ...app, userinfo_signed_response_alg: "ES256" } : app;
      const claims = await oauth.processUserInfoResponse(as, client, "ada", response);
      if (signedUserinfo) await oauth.validateApplicationLevelSignature(as, response, options(server));
      assert.equal(claims.name, "Ada Lovelace");
    });
  }

  it("registers itself and uses what it was given", async () => {
    const server = await authorizationServer();
    const as = await discovered(server);
    const response = await oauth.dynamicClientRegistrationRequest(
      as,
      { grant_types: ["client_credentials"], redirect_uris: [] },
      options(server),
    );
    const client = await oauth.processDynamicClientRegistrationResponse(response);
    const authentication = oauth.ClientSecretBasic(String(client.client_secret));
    const answer = await oauth.clientCredentialsGrantRequest(as, client, authentication, {}, options(server));
    assert.ok((await oauth.processClientCredentialsResponse(as, client, answer)).access_token);
  });

  it("finds the server from the resource alone", async () => {
    const server = await authorizationServer({ resource: "https://api.test/data" });
    const resource = new URL(server.resource);
    const response = await oauth.resourceDiscoveryRequest(resource, options(server));
    const metadata = await oauth.processResourceDiscoveryResponse(resource, response);
    assert.deepEqual(metadata.authorization_servers, [server.issuer]);
  });

  it("asks a person elsewhere with CIBA", async () => {
    const server = await authorizationServer();
    const as = await discovered(server);
    const started = await oauth.processBackchannelAuthenticationResponse(
      as,
      service,
      await oauth.backchannelAuthenticationRequest(
        as,
        service,
        secret,
        { scope: "openid", login_hint: "ada" },
        options(server),
      ),
    );
    const id = started.auth_req_id;
    server.approveBackchannel(id);
    const response = await oauth.backchannelAuthenticationGrantRequest(
      as,
      service,
      secret,
      id,
      options(server),
    );
    const result = await oauth.processBackchannelAuthenticationGrantResponse(as, service, response);
    assert.equal(oauth.getValidatedIdTokenClaims(result)?.sub, "ada");
  });

  it("binds its tokens with DPoP, and learns the nonces of server and resource", async () => {
    const server = await authorizationServer({ requireDpopNonce: true, resource: "https://api.test/data" });
    const as = await discovered(server);
    const DPoP = oauth.DPoP(service, await oauth.generateKeyPair("ES256"));
    const request = async () => {
      const given = { ...options(server), DPoP };
      const response = await oauth.clientCredentialsGrantRequest(as, service, secret, {}, given);
      return await oauth.processClientCredentialsResponse(as, service, response);
    };
    await assert.rejects(request(), oauth.isDPoPNonceError);
    const result = await request();
    assert.equal(result.token_type, "dpop");
    const call = () =>
      oauth.protectedResourceRequest(
        result.access_token,
        "GET",
        new URL(server.resource),
        undefined,
        undefined,
        {
          ...options(server),
          DPoP,
        },
      );
    await assert.rejects(call(), oauth.isDPoPNonceError);
    assert.equal((await (await call()).json()).subject, "service");
  });
});
