import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { claimsOf } from "../jwt.ts";
import { clientSecretBasic } from "../../lib/oauth/client_authentication.ts";
import { endSessionUrl } from "../../lib/oauth/end_session.ts";
import { authorizationRequest } from "../../lib/oauth/grants/authorization_code.ts";
import { clientCredentialsGrant } from "../../lib/oauth/grants/client_credentials.ts";
import { introspectToken } from "../../lib/oauth/introspection.ts";
import { mutualTls, selfSignedTlsClientAuth, tlsClientAuth } from "../../lib/oauth/mutual_tls.ts";
import { revokeToken } from "../../lib/oauth/revocation.ts";
import { userInfo } from "../../lib/oauth/user_info.ts";
import { app, failureOf, json, stub, tokens, world } from "./support.ts";

const THUMBPRINT = "thumbprint-of-the-certificate";

describe("mutual TLS", () => {
  for (const authentication of [tlsClientAuth(), selfSignedTlsClientAuth()]) {
    it(`with ${authentication.method} goes to the endpoints' aliases, by the client's own fetch, with its name (P7)`, async () => {
      const { server, issuer } = await world({
        clients: [{
          clientId: "machine",
          certificateThumbprint: THUMBPRINT,
          certificateBound: true,
          authMethods: [authentication.method as "tls_client_auth"],
        }],
      });
      const fetch = (url: string, init: RequestInit) => {
        const headers = new Headers(init.headers);
        headers.set("x-test-client-certificate", THUMBPRINT);
        return server.fetch(url, { ...init, headers });
      };
      const client = { clientId: "machine", authentication, fetch };
      const { accessToken } = await clientCredentialsGrant(issuer, client, { scope: "openid" });
      assert.deepEqual(claimsOf(accessToken).cnf, { "x5t#S256": THUMBPRINT });
      assert.equal((await introspectToken(issuer, client, accessToken)).active, true);
      await revokeToken(issuer, client, accessToken);
      assert.equal(server.requests.length, 3);
      for (const { url, parameters, headers } of server.requests) {
        assert.equal(new URL(url).origin, "https://mtls.as.test");
        assert.deepEqual(parameters.getAll("client_id"), ["machine"]);
        assert.equal(headers.get("authorization"), null);
      }
    });
  }

  it("binds the tokens of a client that proves who it is in another way (P7)", async () => {
    const { server, issuer } = await world({
      clients: [{
        clientId: "service",
        secret: "s",
        certificateThumbprint: THUMBPRINT,
        certificateBound: true,
      }],
    });
    const fetch = (url: string, init: RequestInit) => {
      const headers = new Headers(init.headers);
      headers.set("x-test-client-certificate", THUMBPRINT);
      return server.fetch(url, { ...init, headers });
    };
    const authentication = mutualTls(clientSecretBasic("s"));
    const { accessToken } = await clientCredentialsGrant(issuer, {
      clientId: "service",
      authentication,
      fetch,
    });
    assert.deepEqual(claimsOf(accessToken).cnf, { "x5t#S256": THUMBPRINT });
    const [{ url, headers }] = server.requests;
    assert.equal(new URL(url).origin, "https://mtls.as.test");
    assert.equal(headers.get("authorization"), `Basic ${btoa("service:s")}`);
    assert.equal(mutualTls().method, "none");
  });

  it("shows the certificate at the UserInfo alias too (P7)", async () => {
    const metadata = {
      userinfo_endpoint: "https://as.test/userinfo",
      mtls_endpoint_aliases: { userinfo_endpoint: "https://mtls.as.test/userinfo" },
    };
    const { issuer, sent } = stub(json({ sub: "ada" }), { metadata });
    await userInfo(issuer, { clientId: "machine", authentication: tlsClientAuth() }, "token");
    assert.equal(sent[0].url, "https://mtls.as.test/userinfo");
  });

  it("uses the endpoint itself where there is no alias, and a browser always does (P7)", async () => {
    const client = { clientId: "machine", authentication: tlsClientAuth() };
    const { issuer, sent } = stub(json(tokens()), {
      metadata: { mtls_endpoint_aliases: { other: "https://x.test/" } },
    });
    await clientCredentialsGrant(issuer, client);
    assert.equal(sent[0].url, "https://as.test/token");
    const pages = ["authorization_endpoint", "end_session_endpoint"];
    const aliases = Object.fromEntries(pages.map((name) => [name, "https://mtls.as.test/"]));
    const { issuer: aliased } = stub(json({}), {
      metadata: { mtls_endpoint_aliases: aliases, end_session_endpoint: "https://as.test/logout" },
    });
    const { url } = await authorizationRequest(aliased, client, { redirectUri: "http://127.0.0.1/" });
    assert.match(url, /^https:\/\/as\.test\/authorize\?/);
    assert.match(endSessionUrl(aliased, client), /^https:\/\/as\.test\/logout\?/);
  });

  it("keeps the aliases from every other client (P7)", async () => {
    const { server, issuer } = await world();
    await failureOf(clientCredentialsGrant(issuer, app));
    assert.equal(server.requests[0].url, "https://as.test/token");
  });

  it("sends nothing to an alias that is not https", async () => {
    const metadata = { mtls_endpoint_aliases: { token_endpoint: "http://mtls.as.test/token" } };
    const { issuer, sent } = stub(json(tokens()), { metadata });
    const client = { clientId: "machine", authentication: tlsClientAuth() };
    assert.equal((await failureOf(clientCredentialsGrant(issuer, client))).code, "invalid_metadata");
    assert.deepEqual(sent, []);
  });
});
