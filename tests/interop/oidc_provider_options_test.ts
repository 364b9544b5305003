import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decoded } from "../jwt.ts";
import * as oauth from "oauth4webapi";
import {
  authorizationUrl,
  discover,
  insecure,
  pollDevice,
  refresh,
  startDevice,
} from "./oidc_provider_client.ts";
import { startProvider } from "./oidc_provider.ts";

describe("an oidc-provider with options", () => {
  it("serves an issuer with a path and a last slash, an interval and its own lifetimes", async () => {
    const options = { path: "/realms/apex", trailingSlash: true, interval: 1, deviceCodeLifetime: 42 };
    const provider = await startProvider({ ...options, accessTokenLifetime: 7, rotate: false });
    try {
      assert.match(provider.issuer, /^http:\/\/127\.0\.0\.1:\d+\/realms\/apex\/$/);
      const as = await discover(provider);
      const answer = await startDevice(as);
      assert.deepEqual([answer.interval, answer.expires_in], [1, 42]);
      await provider.approveDevice(answer.verification_uri_complete!);
      const tokens = await pollDevice(as, answer.device_code);
      assert.equal(tokens.expires_in, 7);
      assert.equal(decoded(tokens.access_token).claims.iss, provider.issuer);
      assert.equal((await refresh(as, tokens.refresh_token!)).refresh_token, tokens.refresh_token);
      assert.equal(provider.count("/token"), 2);
      assert.equal(provider.count("/realms/apex/token", "refresh_token"), 1);
      const { url } = await authorizationUrl(as, "http://127.0.0.1:1/callback");
      assert.match(
        await provider.authorize(url, { deliver: false }),
        /^http:\/\/127\.0\.0\.1:1\/callback\?code=/,
      );
      const metadata = new URL("/.well-known/oauth-authorization-server/realms/apex", provider.issuer);
      assert.equal((await (await fetch(metadata)).json()).issuer, provider.issuer);
      assert.equal((await fetch(new URL("/token", provider.issuer))).status, 404);
    } finally {
      await provider.close();
    }
  });

  it("takes other clients, features and resource servers", async () => {
    const client = {
      client_id: "apex-service",
      client_secret: "another",
      grant_types: ["client_credentials"],
    };
    const provider = await startProvider({
      clients: [{ ...client, redirect_uris: [], response_types: [] }],
      features: { revocation: { enabled: false } },
      resourceServers: { "urn:opaque": { accessTokenFormat: "opaque", accessTokenTTL: 5 } },
    });
    try {
      const as = await discover(provider);
      assert.equal(as.revocation_endpoint, undefined);
      const basic = oauth.ClientSecretBasic("another");
      const parameters = { resource: "urn:opaque" };
      const response = await oauth.clientCredentialsGrantRequest(as, client, basic, parameters, insecure);
      const tokens = await oauth.processClientCredentialsResponse(as, client, response);
      assert.equal(tokens.expires_in, 5);
      assert.doesNotMatch(tokens.access_token, /\./);
    } finally {
      await provider.close();
    }
  });
});
