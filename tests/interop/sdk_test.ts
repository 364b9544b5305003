import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { decoded } from "../jwt.ts";
import {
  authorizationRequest,
  type Client,
  clientCredentials,
  clientSecretBasic,
  clientSecretPost,
  deviceAuthorization,
  discover,
  type Issuer,
  isTokenError,
  passwordGrant,
  refreshToken,
  refreshTokenGrant,
  type TokenError,
  type TokenSet,
  tokenSource,
} from "../../mod.ts";
import { PASSWORD_USER, type RunningProvider, SERVICE_SECRET, startProvider } from "./oidc_provider.ts";

const insecure = { allowInsecureLoopback: true };
const device: Client = { clientId: "project-a-catalogue-dev-api" };
const browser: Client = { clientId: "browser-client" };
const withPassword: Client = { clientId: "password-client" };
const service: Client = { clientId: "apex-service", authentication: clientSecretBasic(SERVICE_SECRET) };
const redirectUri = "http://127.0.0.1:4242/callback";
const scope = "openid offline_access";

async function failureOf(work: Promise<unknown>): Promise<TokenError> {
  try {
    await work;
  } catch (error) {
    if (isTokenError(error)) return error;
    throw error;
  }
  assert.fail("it succeeded");
}

describe("the SDK at a real OpenID Provider", () => {
  let provider: RunningProvider;
  let issuer: Issuer;

  before(async () => {
    provider = await startProvider({ interval: 1 });
    issuer = await discover(provider.issuer, insecure);
  });
  beforeEach(() => void provider.requests.splice(0));
  after(async () => {
    await provider.close();
    assert.deepEqual(provider.faults, []);
  });

  const signIn = (): Promise<TokenSet> => passwordGrant(issuer, withPassword, { ...PASSWORD_USER, scope });

  it("gets a token for a service, with either form of its secret", async () => {
    const post = { clientId: "apex-service-post", authentication: clientSecretPost(SERVICE_SECRET) };
    for (const client of [service, post]) {
      const source = tokenSource(
        issuer,
        client,
        clientCredentials({ scope: "openid roles", audience: "catalogue" }),
      );
      const { accessToken, expiresAt, issuedAt, scope, claims } = await source.get({ minValidity: 60 });
      const { header, claims: payload } = decoded(accessToken);
      assert.equal(header.typ, "at+jwt");
      assert.deepEqual([payload.aud, payload.sub], ["catalogue", client.clientId]);
      assert.deepEqual([expiresAt - issuedAt, scope, claims], [300, "openid roles", undefined]);
    }
  });

  it("asks once for 1,000 callers", async () => {
    const source = tokenSource(issuer, service, clientCredentials());
    const tokens = await Promise.all(Array.from({ length: 1000 }, () => source.get()));
    assert.equal(new Set(tokens.map(({ accessToken }) => accessToken)).size, 1);
    assert.equal(provider.count("/token"), 1);
  });

  it("tells a wrong secret as such", async () => {
    const client = { ...service, authentication: clientSecretBasic("wrong") };
    const error = await failureOf(tokenSource(issuer, client, clientCredentials()).get());
    assert.deepEqual([error.code, error.serverError, error.status], [
      "server_refused",
      "invalid_client",
      401,
    ]);
    assert.equal(provider.count("/token"), 1);
  });

  it("signs in with a device code, after a while and with the ID token verified", async () => {
    const { verificationUriComplete, userCode, wait } = await deviceAuthorization(issuer, device, { scope });
    const waiting = wait();
    while (provider.count("/token") === 0) await new Promise((resolve) => setImmediate(resolve));
    assert.ok(verificationUriComplete!.includes(userCode));
    await provider.approveDevice(verificationUriComplete!, { user: "bob" });
    const { claims, refreshToken } = await waiting;
    assert.equal(claims?.sub, "bob");
    assert.ok(refreshToken);
    const ours = provider.requests.filter(({ path }) => ["/token", "/device/auth"].includes(path));
    assert.ok(ours.length >= 3);
    assert.ok(ours.every(({ headers }) => headers.authorization === undefined));
    assert.ok(ours[0].parameters.get("code_challenge"));
  });

  it("ends the wait when the person says no", async () => {
    const { verificationUriComplete, wait } = await deviceAuthorization(issuer, device, { scope });
    await provider.approveDevice(verificationUriComplete!, { deny: true });
    assert.equal((await failureOf(wait())).code, "access_denied");
  });

  it("signs in with a browser: code, PKCE, state, nonce, issuer", async () => {
    const parameters = { redirectUri, scope, prompt: "consent" };
    const request = await authorizationRequest(issuer, browser, parameters);
    const location = new URL(await provider.authorize(request.url, { deliver: false }));
    assert.equal(location.searchParams.get("iss"), provider.issuer);
    assert.ok(request.accepts(location.searchParams));
    const { claims, refreshToken } = await request.redeem(location);
    assert.equal(claims?.sub, "alice");
    assert.equal(claims?.nonce, new URL(request.url).searchParams.get("nonce"));
    assert.ok(refreshToken);
    const token = provider.requests.find(({ path }) => path === "/token")!;
    assert.match(token.parameters.get("code_verifier")!, /^[\w-]{43}$/);
    assert.equal(token.headers.authorization, undefined);
    assert.equal((await failureOf(request.redeem(location))).code, "invalid_response");
    assert.equal(provider.count("/token"), 1);
  });

  it("cannot be made to redeem the code of another sign-in", async () => {
    const requests = await Promise.all(
      [1, 2].map(() => authorizationRequest(issuer, browser, { redirectUri, scope: "openid" })),
    );
    const [one, other] = await Promise.all(
      requests.map(({ url }) => provider.authorize(url, { deliver: false })),
    );
    assert.equal((await failureOf(requests[0].redeem(other))).code, "invalid_response");
    // The code of one sign-in under the state of the other: the server finds that the verifier does not fit.
    const injected = new URL(one);
    injected.searchParams.set("code", new URL(other).searchParams.get("code")!);
    const error = await failureOf(requests[0].redeem(injected));
    assert.deepEqual([error.code, error.serverError], ["expired_code", "invalid_grant"]);
  });

  it("tells it when the person says no in the browser", async () => {
    const request = await authorizationRequest(issuer, browser, { redirectUri, scope: "openid" });
    const location = await provider.authorize(request.url, { deny: true, deliver: false });
    assert.equal((await failureOf(request.redeem(location))).code, "access_denied");
  });

  it("signs in with a password, and is told when it is wrong", async () => {
    const { claims } = await signIn();
    assert.equal(claims?.sub, PASSWORD_USER.username);
    const wrong = passwordGrant(issuer, withPassword, { ...PASSWORD_USER, password: "guess" });
    assert.equal((await failureOf(wrong)).serverError, "invalid_grant");
  });

  it("follows the rotation of refresh tokens, however many ask", async () => {
    const first = await signIn();
    const kept: string[] = [];
    const onRefreshToken = (next: string) => void kept.push(next);
    const grant = refreshToken({ refreshToken: first.refreshToken!, claims: first.claims, onRefreshToken });
    const source = tokenSource(issuer, withPassword, grant);
    for (let round = 0; round < 3; round++) {
      const all = await Promise.all(Array.from({ length: 100 }, () => source.get({ force: true })));
      assert.equal(new Set(all.map(({ accessToken }) => accessToken)).size, 1);
    }
    const presented = provider.requests.filter(({ grantType }) => grantType === "refresh_token")
      .map(({ parameters }) => parameters.get("refresh_token"));
    assert.deepEqual(presented, [first.refreshToken, kept[0], kept[1]]);
    assert.equal(new Set(kept).size, 3);
  });

  it("gives narrower tokens for other audiences from one refresh token", async () => {
    const { refreshToken: first } = await signIn();
    const source = tokenSource(issuer, withPassword, refreshToken({ refreshToken: first! }));
    const audiences = ["one", "two", "three"];
    const tokens = await Promise.all(audiences.map((audience) => source.get({ audience })));
    assert.deepEqual(tokens.map(({ accessToken }) => decoded(accessToken).claims.aud), audiences);
    assert.equal(provider.count("/token", "refresh_token"), 3);
  });

  it("asks for a new sign-in when a refresh token was used before", async () => {
    const { refreshToken: first } = await signIn();
    const { refreshToken: second } = await refreshTokenGrant(issuer, withPassword, { refreshToken: first! });
    for (const token of [first, second]) {
      const error = await failureOf(refreshTokenGrant(issuer, withPassword, { refreshToken: token! }));
      assert.deepEqual([error.code, error.serverError], ["sign_in_required", "invalid_grant"]);
    }
  });

  it("asks for a new sign-in when the grant was revoked, once, and serves what is valid until then", async () => {
    const { refreshToken: first } = await signIn();
    const source = tokenSource(issuer, withPassword, refreshToken({ refreshToken: first! }));
    const { accessToken } = await source.get();
    await provider.revokeGrants();
    assert.equal((await source.get()).accessToken, accessToken);
    for (let call = 0; call < 3; call++) {
      assert.equal((await failureOf(source.get({ force: true }))).code, "sign_in_required");
    }
    assert.equal(provider.count("/token", "refresh_token"), 2);
  });

  it("serves a valid token while the server is down, and refuses a longer one", async () => {
    const { refreshToken: first } = await signIn();
    const source = tokenSource(issuer, withPassword, refreshToken({ refreshToken: first! }));
    const { accessToken } = await source.get();
    provider.setDown(true);
    try {
      assert.equal((await source.get()).accessToken, accessToken);
      assert.equal((await failureOf(source.get({ force: true }))).code, "unavailable");
      assert.equal((await source.get()).accessToken, accessToken);
    } finally {
      provider.setDown(false);
    }
    assert.notEqual((await source.get({ force: true })).accessToken, accessToken);
  });

  it("presents a refresh token once to a server that closes the connection without an answer", async () => {
    const { refreshToken: first } = await signIn();
    provider.setDown("closed");
    try {
      const error = await failureOf(refreshTokenGrant(issuer, withPassword, { refreshToken: first! }));
      assert.deepEqual([error.code, error.sent], ["network", true]);
    } finally {
      provider.setDown(false);
    }
    assert.equal(provider.count("/token", "refresh_token"), 1);
    assert.ok((await refreshTokenGrant(issuer, withPassword, { refreshToken: first! })).accessToken);
  });

  for (
    const [path, trailingSlash] of [["", true], ["/realms/apex", false], ["/tenant", true]] as const
  ) {
    it(`discovers an issuer that ends in "${path}${trailingSlash ? "/" : ""}", exactly`, async () => {
      const other = await startProvider({ path, trailingSlash });
      try {
        const found = await discover(other.issuer, insecure);
        assert.equal(found.issuer, other.issuer);
        const { accessToken } = await tokenSource(found, service, clientCredentials()).get();
        assert.equal(decoded(accessToken).claims.iss, other.issuer);
        const wrong = trailingSlash ? other.issuer.slice(0, -1) : `${other.issuer}/`;
        const error = await failureOf(discover(wrong, insecure));
        assert.equal(error.code, "invalid_metadata");
        assert.match(error.nextStep!, /as the server writes it/);
        const quirks = ["issuer-trailing-slash"] as const;
        assert.equal((await discover(wrong, { ...insecure, quirks })).issuer, other.issuer);
      } finally {
        await other.close();
      }
    });
  }
});
