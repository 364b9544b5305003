import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import {
  clientCredentialsGrant,
  clientSecretBasic,
  clientSecretJwt,
  clientSecretPost,
  deleteRegistration,
  discover,
  federatedAssertion,
  type Issuer,
  privateKeyJwt,
  readRegistration,
  registerClient,
  signAssertion,
  updateRegistration,
} from "../../mod.ts";
import { decoded, discovered, registrableKey, SERVICE } from "./everything_client.ts";
import { INITIAL_ACCESS_TOKEN } from "./everything_features.ts";
import { type Everything, startEverything } from "./everything_provider.ts";

describe("a client of an oidc-provider with everything on", () => {
  let server: Everything;
  let issuer: Issuer;

  before(async () => {
    server = await startEverything();
    issuer = await discovered(server);
  });
  after(async () => {
    await server.close();
    assert.deepEqual(server.faults, []);
  });

  for (const algorithm of ["ES256", "EdDSA", "Ed25519", "RS256", "PS256"] as const) {
    it(`proves itself with a private key and ${algorithm}`, async () => {
      const { key, jwks } = await registrableKey(algorithm);
      const method = {
        token_endpoint_auth_method: "private_key_jwt",
        token_endpoint_auth_signing_alg: algorithm,
      };
      const clientId = server.addClient({ ...SERVICE, ...method, jwks });
      const client = { clientId, authentication: privateKeyJwt(key) };
      const { accessToken } = await clientCredentialsGrant(issuer, client);
      assert.equal(server.kept("ClientCredentials", accessToken)?.clientId, clientId);
      const { header, claims } = decoded(server.last("/token").parameters.get("client_assertion"));
      assert.deepEqual([header.alg, header.kid, claims.aud], [algorithm, key.keyId, server.issuer]);
      const { key: another } = await registrableKey(algorithm);
      const stranger = { clientId, authentication: privateKeyJwt(another) };
      await assert.rejects(clientCredentialsGrant(issuer, stranger), { serverError: "invalid_client" });
    });
  }

  it("proves itself with an assertion that somebody else signs anew each time", async () => {
    const { key, jwks } = await registrableKey("ES256");
    const clientId = server.addClient({ ...SERVICE, token_endpoint_auth_method: "private_key_jwt", jwks });
    const authentication = federatedAssertion(() =>
      signAssertion(key, { issuer: clientId, subject: clientId, audience: server.issuer })
    );
    const before = server.seen("/token").length;
    for (const _time of [1, 2]) await clientCredentialsGrant(issuer, { clientId, authentication });
    const [one, other] = server.seen("/token").slice(before);
    assert.deepEqual([one.status, other.status], [200, 200]);
    assert.notEqual(one.parameters.get("client_assertion"), other.parameters.get("client_assertion"));
  });

  it("is refused with an assertion for the token endpoint, as FAPI 2 asks, where the quirk makes one", async () => {
    const { key, jwks } = await registrableKey("ES256");
    const clientId = server.addClient({ ...SERVICE, token_endpoint_auth_method: "private_key_jwt", jwks });
    const quirk = ["assertion-audience-token-endpoint"] as const;
    const lenient = await discover(server.issuer, { allowInsecureLoopback: true, quirks: quirk });
    const client = { clientId, authentication: privateKeyJwt(key) };
    await assert.rejects(clientCredentialsGrant(lenient, client), { serverError: "invalid_client" });
    const { claims } = decoded(server.last("/token").parameters.get("client_assertion"));
    assert.equal(claims.aud, `${server.issuer}/token`);
  });

  it("proves itself with a statement that is signed with its secret", async () => {
    const secret = "a secret that is as long as the hash of it";
    const method = { token_endpoint_auth_method: "client_secret_jwt", client_secret: secret };
    const clientId = server.addClient({ ...SERVICE, ...method });
    const client = { clientId, authentication: clientSecretJwt(secret) };
    const { accessToken } = await clientCredentialsGrant(issuer, client);
    assert.equal(server.kept("ClientCredentials", accessToken)?.clientId, clientId);
    const { parameters } = server.last("/token");
    assert.equal(decoded(parameters.get("client_assertion")).header.alg, "HS256");
    assert.ok(![...parameters.values()].some((value) => value.includes(secret)));
    const wrong = { clientId, authentication: clientSecretJwt(secret + "?") };
    await assert.rejects(clientCredentialsGrant(issuer, wrong), { serverError: "invalid_client" });
  });

  it("proves itself with a secret of any characters, in the header and in the body", async () => {
    const secret = "s3cret:/+% & = odd~*";
    for (
      const [name, authentication] of [["basic", clientSecretBasic], ["post", clientSecretPost]] as const
    ) {
      const method = { token_endpoint_auth_method: `client_secret_${name}`, client_secret: secret };
      const clientId = server.addClient({ ...SERVICE, ...method });
      const client = { clientId, authentication: authentication(secret) };
      const { accessToken } = await clientCredentialsGrant(issuer, client);
      assert.equal(server.kept("ClientCredentials", accessToken)?.clientId, clientId);
      const { headers, parameters } = server.last("/token");
      assert.equal(headers.authorization !== undefined, name === "basic");
      assert.equal(parameters.get("client_secret"), name === "post" ? secret : null);
    }
  });

  it("registers itself, reads, changes and deletes its registration", async () => {
    const metadata = { ...SERVICE, client_name: "before", scope: "roles" };
    await assert.rejects(registerClient(issuer, metadata), { serverError: "invalid_token", status: 401 });
    const options = { initialAccessToken: INITIAL_ACCESS_TOKEN };
    const first = await registerClient(issuer, metadata, options);
    assert.equal(server.last("/reg").headers.authorization, `Bearer ${INITIAL_ACCESS_TOKEN}`);
    assert.equal(server.last("/reg").json?.client_name, "before");
    assert.equal(server.kept("Client", first.clientId)?.client_name, "before");
    const authentication = clientSecretBasic(first.clientSecret!);
    const { scope } = await clientCredentialsGrant(issuer, { ...first, authentication }, { scope: "roles" });
    assert.equal(scope, "roles");

    const read = await readRegistration(issuer, first);
    assert.deepEqual(read, first);
    const changed = await updateRegistration(issuer, read, { ...read.metadata, client_name: "after" });
    assert.equal(server.last(first.clientId).method, "PUT");
    assert.equal(server.kept("Client", first.clientId)?.client_name, "after");
    assert.equal(changed.clientSecret, first.clientSecret);
    assert.notEqual(changed.registrationAccessToken, first.registrationAccessToken);
    await assert.rejects(readRegistration(issuer, first), { status: 401, serverError: "invalid_token" });
    assert.equal((await readRegistration(issuer, changed)).metadata.client_name, "after");

    await deleteRegistration(issuer, changed);
    assert.deepEqual([server.last(first.clientId).method, server.last(first.clientId).status], [
      "DELETE",
      204,
    ]);
    assert.equal(server.kept("Client", first.clientId), undefined);
    await assert.rejects(readRegistration(issuer, changed), { status: 401 });
  });
});
