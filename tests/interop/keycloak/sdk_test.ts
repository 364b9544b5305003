import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import {
  backchannelAuthentication,
  type Client,
  clientCredentials,
  clientSecretBasic,
  clientSecretPost,
  deleteRegistration,
  dpopKey,
  introspectToken,
  type Issuer,
  isTokenError,
  passwordGrant,
  privateKeyJwt,
  readRegistration,
  refreshToken,
  refreshTokenGrant,
  registerClient,
  revokeToken,
  signingKey,
  TOKEN_TYPES,
  type TokenError,
  tokenExchangeGrant,
  tokenSource,
  unverifiedClaims,
  updateRegistration,
  userInfo,
} from "../../../mod.ts";
import { SAY_NO } from "./authentication_device.ts";
import { discoverKeycloak, keycloak } from "./place.ts";
import { PEOPLE, SECRETS, TOKEN_LIFETIME } from "./realm.ts";

const { alice } = PEOPLE;
const service: Client = { clientId: "apex-service", authentication: clientSecretBasic(SECRETS.service) };
const withPassword: Client = { clientId: "password-client" };
const exchanging: Client = {
  clientId: "exchange-client",
  authentication: clientSecretBasic(SECRETS.exchange),
};
const backchannel: Client = {
  clientId: "backchannel-client",
  authentication: clientSecretBasic(SECRETS.backchannel),
};

async function failureOf(work: Promise<unknown>): Promise<TokenError> {
  try {
    await work;
  } catch (error) {
    if (isTokenError(error)) return error;
    throw error;
  }
  assert.fail("it succeeded");
}

function roles(accessToken: string): string[] {
  const claims = unverifiedClaims(accessToken) as { realm_access?: { roles: string[] } };
  return claims.realm_access?.roles ?? [];
}

describe("the SDK at Keycloak", () => {
  const place = keycloak();
  let issuer: Issuer;

  before(async () => {
    issuer = await discoverKeycloak(place);
  });

  const signIn = (client = withPassword) =>
    passwordGrant(issuer, client, { username: alice.username, password: alice.password, scope: "openid" });

  it("gets a service its token with its roles, by either form of its secret", async () => {
    const post = { ...service, authentication: clientSecretPost(SECRETS.service) };
    for (const client of [service, post]) {
      const source = tokenSource(issuer, client, clientCredentials({ scope: "openid roles" }));
      const began = Date.now();
      const { accessToken, expiresAt, issuedAt } = await source.get({ minValidity: 60 });
      const took = (Date.now() - began) / 1000;
      // Keycloak counts down from when it began to answer
      const lifetime = expiresAt - issuedAt;
      const least = TOKEN_LIFETIME - took - 1;
      assert.ok(lifetime <= TOKEN_LIFETIME && lifetime >= least, `${lifetime} s after ${took} s`);
      assert.deepEqual(roles(accessToken), ["stac-admin-dev"]);
    }
  });

  it("tells a wrong secret as such", async () => {
    const wrong = { ...service, authentication: clientSecretBasic("wrong") };
    const error = await failureOf(tokenSource(issuer, wrong, clientCredentials()).get());
    assert.deepEqual([error.code, error.status], ["server_refused", 401]);
  });

  it("proves itself with a private key, by an assertion made out to the issuer", async () => {
    const client = { clientId: "key-client", authentication: privateKeyJwt(await signingKey(place.key)) };
    const { accessToken } = await tokenSource(issuer, client, clientCredentials()).get();
    assert.equal(unverifiedClaims(accessToken)?.azp, "key-client");
  });

  it("signs in with a password, with the ID token verified, and is told when it is wrong", async () => {
    const { claims, refreshExpiresAt } = await signIn();
    assert.equal(claims?.preferred_username, "alice");
    assert.ok(refreshExpiresAt! > Date.now() / 1000);
    const wrong = passwordGrant(issuer, withPassword, { ...alice, password: "guess" });
    assert.equal((await failureOf(wrong)).serverError, "invalid_grant");
  });

  it("follows strict rotation, however many ask at once", async () => {
    const first = await signIn();
    const kept: string[] = [];
    const grant = refreshToken({
      refreshToken: first.refreshToken!,
      claims: first.claims,
      onRefreshToken: (next) => void kept.push(next),
    });
    const source = tokenSource(issuer, withPassword, grant);
    for (let round = 1; round <= 3; round++) {
      const all = await Promise.all(Array.from({ length: 50 }, () => source.get({ force: true })));
      assert.equal(new Set(all.map(({ accessToken }) => accessToken)).size, 1);
      assert.equal(kept.length, round);
    }
    assert.equal(new Set([first.refreshToken, ...kept]).size, 4);
  });

  it("asks for a new sign-in when a refresh token was used before; it ends the whole sign-in", async () => {
    const { refreshToken: first } = await signIn();
    const { refreshToken: second } = await refreshTokenGrant(issuer, withPassword, { refreshToken: first! });
    for (const token of [first, second]) {
      const error = await failureOf(refreshTokenGrant(issuer, withPassword, { refreshToken: token! }));
      assert.deepEqual([error.code, error.serverError], ["sign_in_required", "invalid_grant"]);
    }
  });

  it("binds tokens to a key, renews them and uses them at an API", async () => {
    const client = { clientId: "bound-client", dpop: await dpopKey() };
    const first = await signIn(client);
    assert.equal(first.tokenType, "DPoP");
    const grant = refreshToken({ refreshToken: first.refreshToken!, claims: first.claims });
    const source = tokenSource(issuer, client, grant);
    const answer = await source.fetch(issuer.metadata.userinfo_endpoint!);
    assert.equal(answer.status, 200);
    assert.equal((await answer.json()).preferred_username, "alice");
    const { accessToken } = await source.get();
    const claims = unverifiedClaims(accessToken) as { cnf?: { jkt?: string } };
    assert.match(claims.cnf!.jkt!, /^[\w-]{43}$/);
  });

  it("is refused a token without a key where the client demands one", async () => {
    const error = await failureOf(signIn({ clientId: "bound-client" }));
    assert.equal(error.code, "server_refused");
    assert.equal(error.serverError, "invalid_request");
  });

  it("exchanges a person's token for one that another service takes", async () => {
    const { accessToken: subjectToken } = await signIn();
    const parameters = { subjectToken, subjectTokenType: TOKEN_TYPES.accessToken, audience: "other-service" };
    const { accessToken, issuedTokenType } = await tokenExchangeGrant(issuer, exchanging, parameters);
    assert.equal(issuedTokenType, TOKEN_TYPES.accessToken);
    const { aud, azp, preferred_username } = unverifiedClaims(accessToken)!;
    assert.deepEqual([aud, azp, preferred_username], ["other-service", "exchange-client", "alice"]);
  });

  it("is told that a token of somebody else's cannot be exchanged", async () => {
    const { accessToken: subjectToken } = await tokenSource(issuer, service, clientCredentials()).get();
    const parameters = { subjectToken, subjectTokenType: TOKEN_TYPES.accessToken };
    assert.equal(
      (await failureOf(tokenExchangeGrant(issuer, exchanging, parameters))).code,
      "server_refused",
    );
  });

  it("signs a person in who says yes on another device", async () => {
    const { wait } = await backchannelAuthentication(issuer, backchannel, {
      loginHint: "alice",
      bindingMessage: "W4SCT",
    });
    const { claims, refreshToken } = await wait();
    assert.equal(claims?.preferred_username, "alice");
    assert.ok(refreshToken);
  });

  it("ends the wait when the person says no on the other device", async () => {
    const { wait } = await backchannelAuthentication(issuer, backchannel, {
      loginHint: "bob",
      bindingMessage: SAY_NO,
    });
    assert.equal((await failureOf(wait())).code, "access_denied");
  });

  it("registers a client, reads it, changes it, uses it and deletes it", async () => {
    const client = await registerClient(issuer, {
      client_name: "a client of one's own",
      redirect_uris: ["http://127.0.0.1/callback"],
      grant_types: ["client_credentials"],
      response_types: [],
      token_endpoint_auth_method: "client_secret_basic",
    });
    assert.ok(client.clientSecret);
    const read = await readRegistration(issuer, client);
    assert.equal(read.metadata.client_name, "a client of one's own");
    const changed = await updateRegistration(issuer, read, { ...read.metadata, client_name: "renamed" });
    assert.equal(changed.metadata.client_name, "renamed");
    const { clientId, clientSecret } = changed;
    const own = { clientId, authentication: clientSecretBasic(clientSecret!) };
    assert.ok((await tokenSource(issuer, own, clientCredentials()).get()).accessToken);
    await deleteRegistration(issuer, changed);
    const error = await failureOf(tokenSource(issuer, own, clientCredentials()).get());
    assert.equal(error.code, "server_refused");
  });

  it("asks about a token and who is signed in, and revokes it", async () => {
    const { accessToken, refreshToken: token, claims } = await signIn();
    const about = await introspectToken(issuer, exchanging, accessToken);
    assert.deepEqual([about.active, about.username], [true, "alice"]);
    const person = await userInfo(issuer, withPassword, accessToken, { subject: claims!.sub });
    assert.equal(person.email, "alice@example.org");
    await revokeToken(issuer, withPassword, token!);
    const error = await failureOf(refreshTokenGrant(issuer, withPassword, { refreshToken: token! }));
    assert.equal(error.code, "sign_in_required");
    assert.equal((await introspectToken(issuer, exchanging, accessToken)).active, false);
  });
});
