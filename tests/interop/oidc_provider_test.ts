import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { decoded } from "../jwt.ts";
import * as oauth from "oauth4webapi";
import { PASSWORD_USER, type RunningProvider, SERVICE_SECRET, startProvider } from "./oidc_provider.ts";
import {
  authorizationUrl,
  browser,
  device,
  DEVICE_SCOPE,
  discover,
  insecure,
  none,
  pollDevice,
  refresh,
  refusedWith,
  signInOnDevice,
  startDevice,
} from "./oidc_provider_client.ts";

describe("an oidc-provider in this process", () => {
  const spoken: unknown[][] = [];
  const loud = { info: console.info, warn: console.warn, log: console.log, error: console.error };
  let provider: RunningProvider;
  let as: oauth.AuthorizationServer;

  before(async () => {
    for (const name of Object.keys(loud) as (keyof typeof loud)[]) {
      console[name] = (...words: unknown[]) => void spoken.push(words);
    }
    provider = await startProvider();
    as = await discover(provider);
  });
  after(async () => {
    await provider.close();
    Object.assign(console, loud);
    assert.deepEqual(provider.faults, []);
    assert.deepEqual(spoken, []);
  });

  it("gives a service a JWT access token for the audience it asks for", async () => {
    const services: [oauth.Client, oauth.ClientAuth][] = [
      [{ client_id: "apex-service" }, oauth.ClientSecretBasic(SERVICE_SECRET)],
      [{ client_id: "apex-service-post" }, oauth.ClientSecretPost(SERVICE_SECRET)],
    ];
    for (const [client, authentication] of services) {
      const parameters = { scope: "openid roles", audience: "catalogue" };
      const response = await oauth.clientCredentialsGrantRequest(
        as,
        client,
        authentication,
        parameters,
        insecure,
      );
      const answer = await oauth.processClientCredentialsResponse(as, client, response);
      const { header, claims: payload } = decoded(answer.access_token);
      assert.equal(header.typ, "at+jwt");
      assert.deepEqual([payload.aud, payload.iss, payload.sub], [
        "catalogue",
        provider.issuer,
        client.client_id,
      ]);
      assert.equal(payload.scope, "openid roles");
      assert.equal(provider.requests.at(-1)?.parameters.get("audience"), "catalogue");
    }
  });

  it("refuses a wrong secret", async () => {
    const client = { client_id: "apex-service" };
    const wrong = oauth.ClientSecretPost("wrong");
    const response = await oauth.clientCredentialsGrantRequest(as, client, wrong, {}, insecure);
    assert.equal(response.status, 401);
    assert.equal((await response.json()).error, "invalid_client");
  });

  it("makes a device wait until a person approves it", async () => {
    const challenge = { code_challenge: "x".repeat(43), code_challenge_method: "S256", audience: "one two" };
    const answer = await startDevice(as, challenge);
    assert.equal(answer.interval, undefined);
    await assert.rejects(pollDevice(as, answer.device_code), refusedWith("authorization_pending"));
    await provider.approveDevice(answer.verification_uri_complete!, { user: "bob" });
    const tokens = await pollDevice(as, answer.device_code);
    const { header, claims: payload } = decoded(tokens.access_token);
    assert.equal(header.typ, "at+jwt");
    assert.deepEqual(payload.aud, ["one", "two"]);
    assert.deepEqual(new Set(tokens.scope?.split(" ")), new Set(DEVICE_SCOPE.split(" ")));
    assert.ok(tokens.refresh_token);
    const claims = oauth.getValidatedIdTokenClaims(tokens);
    assert.deepEqual([claims?.sub, claims?.preferred_username], ["bob", "bob"]);
    const next = await refresh(as, tokens.refresh_token);
    assert.deepEqual(decoded(next.access_token).claims.aud, ["one", "two"]);
  });

  it("takes a code that is typed in, and refuses one that it does not know", async () => {
    const answer = await startDevice(as);
    const wrong = provider.approveDevice(answer.verification_uri, { userCode: "AAAA-AAAA" });
    await assert.rejects(wrong, /the code was not found/);
    await provider.approveDevice(answer.verification_uri, { userCode: answer.user_code });
    assert.ok((await pollDevice(as, answer.device_code)).access_token);
  });

  it("tells a device that the person said no", async () => {
    const answer = await startDevice(as);
    await provider.approveDevice(answer.verification_uri_complete!, { deny: true });
    await assert.rejects(pollDevice(as, answer.device_code), refusedWith("access_denied"));
  });

  it("rotates refresh tokens and ends the family when an old one comes back", async () => {
    const first = await signInOnDevice(provider, as);
    const second = await refresh(as, first.refresh_token!);
    assert.notEqual(second.refresh_token, first.refresh_token);
    assert.equal(decoded(second.access_token).header.typ, "at+jwt");
    await assert.rejects(refresh(as, first.refresh_token!), refusedWith("invalid_grant"));
    await assert.rejects(refresh(as, second.refresh_token!), refusedWith("invalid_grant"));
  });

  it("forgets every grant when asked to", async () => {
    const tokens = await signInOnDevice(provider, as);
    await provider.revokeGrants();
    await assert.rejects(refresh(as, tokens.refresh_token!), refusedWith("invalid_grant"));
  });

  it("brings a browser back to the loopback redirect URI with a code", async () => {
    const arrivals: string[] = [];
    const listener = createServer((request, response) => {
      arrivals.push(request.url ?? "");
      response.end("done");
    });
    await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
    const redirectUri = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/callback`;
    const { url, verifier, state, nonce } = await authorizationUrl(as, redirectUri);
    const location = new URL(await provider.authorize(url));
    listener.closeAllConnections();
    listener.close();
    assert.deepEqual(arrivals, [location.pathname + location.search]);
    const parameters = oauth.validateAuthResponse(as, browser, location, state);
    const response = await oauth.authorizationCodeGrantRequest(
      as,
      browser,
      none,
      parameters,
      redirectUri,
      verifier,
      insecure,
    );
    const tokens = await oauth.processAuthorizationCodeResponse(as, browser, response, {
      expectedNonce: nonce,
    });
    assert.equal(oauth.getValidatedIdTokenClaims(tokens)?.email, "alice@example.org");
    assert.ok((await refresh(as, tokens.refresh_token!, browser)).access_token);
  });

  it("brings a browser back with an error when the person cancels", async () => {
    const { url, state } = await authorizationUrl(as, "http://127.0.0.1:1/callback");
    const location = new URL(await provider.authorize(url, { deny: true, deliver: false }));
    const denied = (thrown: unknown) =>
      thrown instanceof oauth.AuthorizationResponseError && thrown.error === "access_denied";
    assert.throws(() => oauth.validateAuthResponse(as, browser, location, state), denied);
  });

  it("says on a page what is wrong with an authorization request", async () => {
    const { url } = await authorizationUrl(as, "https://elsewhere.example/");
    await assert.rejects(provider.authorize(url), /redirect_uri/);
  });

  it("trades a password for tokens that can be refreshed", async () => {
    const client = { client_id: "password-client" };
    const scope = { scope: "openid offline_access" };
    const request = (parameters: Record<string, string>) =>
      oauth.genericTokenEndpointRequest(as, client, none, "password", parameters, insecure);
    const response = await request({ ...scope, ...PASSWORD_USER });
    const tokens = await oauth.processGenericTokenEndpointResponse(as, client, response);
    assert.equal(decoded(tokens.access_token).claims.sub, "alice");
    assert.equal(oauth.getValidatedIdTokenClaims(tokens)?.sub, "alice");
    const next = await refresh(as, tokens.refresh_token!, client);
    assert.equal(decoded(next.access_token).header.typ, "at+jwt");
    const refused = await request({ ...scope, ...PASSWORD_USER, password: "guess" });
    assert.equal((await refused.json()).error, "invalid_grant");
  });

  it("gives a token for the resource that was named", async () => {
    const client = { client_id: "apex-service" };
    const basic = oauth.ClientSecretBasic(SERVICE_SECRET);
    const parameters = { resource: "https://catalogue.example/", scope: "storage.read:/projects/a" };
    const response = await oauth.clientCredentialsGrantRequest(as, client, basic, parameters, insecure);
    const { claims: payload } = decoded(
      (await oauth.processClientCredentialsResponse(as, client, response)).access_token,
    );
    assert.deepEqual([payload.aud, payload.scope], [
      "https://catalogue.example/",
      "storage.read:/projects/a",
    ]);
  });

  it("counts what was asked of it, also while it is down", async () => {
    const tokens = await signInOnDevice(provider, as);
    const [start, before] = [provider.requests.length, provider.count("/token", "refresh_token")];
    provider.setDown(true);
    const refused = await oauth.refreshTokenGrantRequest(as, device, none, tokens.refresh_token!, insecure);
    assert.equal(refused.status, 503);
    await refused.body?.cancel();
    provider.setDown("closed");
    await assert.rejects(refresh(as, tokens.refresh_token!), TypeError);
    provider.setDown(false);
    assert.ok((await refresh(as, tokens.refresh_token!)).access_token);
    const seen = provider.requests.slice(start);
    // Deno's fetch sends a POST again by itself when a connection that it had used before is closed on it.
    assert.deepEqual([...new Set(seen.map(({ status }) => status))], [503, undefined, 200]);
    assert.ok(seen.every(({ parameters }) => parameters.get("refresh_token") === tokens.refresh_token));
    assert.equal(provider.count("/token", "refresh_token"), before + seen.length);
  });
});
