import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import {
  authorizationRequest,
  backchannelAuthentication,
  type Client,
  clientSecretPost,
  deviceAuthorization,
  type Issuer,
  issuerFromMetadata,
  refreshTokenGrant,
  TOKEN_TYPES,
  tokenExchangeGrant,
  unverifiedClaims,
} from "../../mod.ts";
import {
  decoded,
  discovered,
  REDIRECT_URI,
  registrableKey,
  signIn,
  steppingClock,
  WEB_CLIENT,
} from "./everything_client.ts";
import { type Everything, startEverything } from "./everything_provider.ts";
import { TOKEN_EXCHANGE } from "./everything_token_exchange.ts";

const DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code";
const CIBA = "urn:openid:params:grant-type:ciba";
const CATALOGUE = "https://catalogue.example/";
const STORE = "https://store.example/";
const SECRET = "a secret of the service";

const CIBA_CLIENT = {
  ...WEB_CLIENT,
  grant_types: ["authorization_code", "refresh_token", CIBA],
  backchannel_token_delivery_mode: "poll",
};

describe("this package against an oidc-provider with everything on", () => {
  let server: Everything;
  let issuer: Issuer;
  let web: Client;

  before(async () => {
    server = await startEverything();
    issuer = await discovered(server);
    web = { clientId: server.addClient(WEB_CLIENT) };
  });
  after(async () => {
    await server.close();
    assert.deepEqual(server.faults, []);
  });

  it("signs in on another device: asks until the person has approved", async () => {
    const grant_types = [DEVICE_CODE, "refresh_token"];
    const client = {
      clientId: server.addClient({ ...WEB_CLIENT, redirect_uris: [], response_types: [], grant_types }),
    };
    const { clock, pauses } = steppingClock(() => {}, () => server.visit(device.verificationUriComplete!));
    const slow = await discovered(server, clock);
    const device = await deviceAuthorization(slow, client, { scope: "openid offline_access" });
    const tokens = await device.wait();
    assert.equal(tokens.claims?.sub, "alice");
    assert.deepEqual(pauses, [5000, 5000]);
    assert.deepEqual(server.seen("/token", DEVICE_CODE).map(({ status }) => status), [400, 200]);
    assert.equal(server.kept("AccessToken", tokens.accessToken)?.gty, "device_code");
    const next = await refreshTokenGrant(issuer, client, { refreshToken: tokens.refreshToken! });
    assert.ok(server.kept("RefreshToken", tokens.refreshToken)?.consumed);
    assert.ok(server.kept("RefreshToken", next.refreshToken));
  });

  it("pushes its authorization request where the server requires that", async () => {
    const { url } = await authorizationRequest(issuer, web, { redirectUri: REDIRECT_URI, scope: "openid" });
    const pushed = server.last("/request");
    assert.equal(pushed.status, 201);
    assert.equal(pushed.parameters.get("redirect_uri"), REDIRECT_URI);
    assert.equal(pushed.parameters.get("code_challenge_method"), "S256");
    assert.deepEqual([...new URL(url).searchParams.keys()], ["client_id", "request_uri"]);
    assert.match(await server.authorize(url), /[?&]code=/);
    const unaware = issuerFromMetadata(
      { ...issuer.metadata, require_pushed_authorization_requests: undefined },
      { allowInsecureLoopback: true },
    );
    const inTheOpen = await authorizationRequest(unaware, web, {
      redirectUri: REDIRECT_URI,
      scope: "openid",
    });
    assert.match(await server.authorize(inTheOpen.url), /[?&]error=invalid_request&.*Pushed/);
  });

  it("signs in over the backchannel (CIBA), with a signed request", async () => {
    const { key, jwks } = await registrableKey("ES256");
    const signed = { backchannel_authentication_request_signing_alg: "ES256", jwks };
    const client = { clientId: server.addClient({ ...CIBA_CLIENT, ...signed }) };
    const { clock, pauses } = steppingClock(() => {}, async () => {
      const { accountId, params } = await server.answerBackchannel("yes");
      assert.deepEqual([accountId, params.binding_message], ["bob", "7-4-2"]);
    });
    const parameters = {
      loginHint: "bob",
      bindingMessage: "7-4-2",
      requestObjectKey: key,
      requestedExpiry: 90,
    };
    const request = await backchannelAuthentication(await discovered(server, clock), client, parameters);
    assert.equal((await request.wait()).claims?.sub, "bob");
    assert.equal(pauses.length, 2);
    const { header, claims } = decoded(server.last("/backchannel").parameters.get("request"));
    assert.deepEqual([header.alg, claims.login_hint, claims.aud], ["ES256", "bob", server.issuer]);
    assert.equal(server.last("/backchannel").parameters.get("login_hint"), null);
    assert.deepEqual(server.seen("/token", CIBA).map(({ status }) => status), [400, 200]);
  });

  it("hears over the backchannel that the person said no", async () => {
    const client = { clientId: server.addClient(CIBA_CLIENT) };
    const { clock } = steppingClock(() => server.answerBackchannel("no"));
    const request = await backchannelAuthentication(await discovered(server, clock), client, {
      idTokenHint: (await signIn(server, client)).idToken,
    });
    await assert.rejects(request.wait(), { code: "access_denied", serverError: "access_denied" });
    assert.equal(server.seen("/token", CIBA).at(-1)?.status, 400);
  });

  it("asks for a token for each of two resources", async () => {
    const scope = "openid offline_access storage.read:/";
    const tokens = await signIn(server, web, { scope, resource: [CATALOGUE, STORE] });
    assert.deepEqual(server.last("/request").parameters.getAll("resource"), [CATALOGUE, STORE]);
    assert.equal(unverifiedClaims(tokens.accessToken)?.aud, CATALOGUE);
    const next = await refreshTokenGrant(issuer, web, {
      refreshToken: tokens.refreshToken!,
      resource: STORE,
    });
    assert.equal(server.last("/token").parameters.get("resource"), STORE);
    assert.equal(unverifiedClaims(next.accessToken)?.aud, STORE);
    const elsewhere = { refreshToken: next.refreshToken!, resource: "https://elsewhere.example/" };
    await assert.rejects(refreshTokenGrant(issuer, web, elsewhere), { serverError: "invalid_target" });
  });

  it("asks for what a token may do in detail (RAR)", async () => {
    const authorizationDetails = [{ type: "storage", actions: ["read"], locations: [STORE] }];
    const tokens = await signIn(server, web, { resource: STORE, authorizationDetails });
    assert.deepEqual(tokens.authorizationDetails, authorizationDetails);
    assert.deepEqual(unverifiedClaims(tokens.accessToken)?.authorization_details, authorizationDetails);
    const sent = server.last("/request").parameters.get("authorization_details");
    assert.deepEqual(JSON.parse(sent!), authorizationDetails);
    const unknown = { resource: STORE, authorizationDetails: [{ type: "payment" }] };
    await assert.rejects(signIn(server, web, unknown), { serverError: "invalid_authorization_details" });
  });

  it("signs its authorization request (JAR)", async () => {
    const { key, jwks } = await registrableKey("EdDSA");
    const signed = { require_signed_request_object: true, request_object_signing_alg: "EdDSA" };
    const client = { clientId: server.addClient({ ...WEB_CLIENT, ...signed, jwks }) };
    const authorizationDetails = [{ type: "storage", actions: ["read"] }];
    const parameters = { maxAge: 600, resource: STORE, authorizationDetails, requestObjectKey: key };
    const tokens = await signIn(server, client, parameters);
    assert.equal(tokens.claims?.sub, "alice");
    assert.deepEqual(tokens.authorizationDetails, authorizationDetails);
    const { parameters: pushed } = server.last("/request");
    assert.deepEqual([...pushed.keys()].sort(), ["client_id", "request"]);
    const { header, claims } = decoded(pushed.get("request"));
    assert.deepEqual([header.alg, header.typ], ["EdDSA", "oauth-authz-req+jwt"]);
    assert.deepEqual([claims.iss, claims.aud], [client.clientId, server.issuer]);
    assert.deepEqual([claims.redirect_uri, claims.max_age], [REDIRECT_URI, 600]);
    await assert.rejects(signIn(server, client), /Request Object must be used/);
    const { key: another } = await registrableKey("EdDSA");
    const forged = signIn(server, client, { requestObjectKey: another });
    await assert.rejects(forged, { serverError: "invalid_request_object" });
  });

  it("takes a signed authorization response (JARM), of a yes and of a no", async () => {
    const alg = { authorization_signed_response_alg: "ES256" };
    const client = { clientId: server.addClient({ ...WEB_CLIENT, ...alg }) };
    const parameters = { redirectUri: REDIRECT_URI, scope: "openid", responseMode: "jwt" } as const;
    const yes = await authorizationRequest(issuer, client, parameters);
    assert.equal(server.last("/request").parameters.get("response_mode"), "jwt");
    const answer = new URL(await server.authorize(yes.url));
    assert.deepEqual([...answer.searchParams.keys()], ["response"]);
    const { header, claims } = decoded(answer.searchParams.get("response"));
    assert.deepEqual([header.alg, claims.iss, claims.aud], ["ES256", server.issuer, client.clientId]);
    assert.ok(yes.accepts(answer.searchParams));
    const tokens = await yes.redeem(answer);
    assert.equal(server.kept("AccessToken", tokens.accessToken)?.clientId, client.clientId);

    const no = await authorizationRequest(issuer, client, parameters);
    const denial = await server.authorize(no.url, { deny: true });
    await assert.rejects(no.redeem(denial), { code: "access_denied", serverError: "access_denied" });
  });

  it("refuses an authorization response with a forged signature (JARM)", async () => {
    const parameters = { redirectUri: REDIRECT_URI, scope: "openid", responseMode: "jwt" } as const;
    const request = await authorizationRequest(issuer, web, parameters);
    const answer = new URL(await server.authorize(request.url));
    const [header, claims, signature] = answer.searchParams.get("response")!.split(".");
    const changed = (signature.startsWith("A") ? "B" : "A") + signature.slice(1);
    const forged = new URLSearchParams({ response: `${header}.${claims}.${changed}` });
    const before = server.seen("/token").length;
    await assert.rejects(request.redeem(forged), { code: "invalid_response", message: /signature/ });
    assert.equal(server.seen("/token").length, before);
    await request.redeem(answer);
    assert.equal(server.seen("/token").length, before + 1);
  });

  it("exchanges a token, on behalf of one person by another", async () => {
    const client = {
      clientId: server.addClient({
        ...WEB_CLIENT,
        redirect_uris: [],
        response_types: [],
        grant_types: [TOKEN_EXCHANGE],
        client_secret: SECRET,
        token_endpoint_auth_method: "client_secret_post",
      }),
      authentication: clientSecretPost(SECRET),
    };
    const alice = await signIn(server, web);
    const actor = await signIn(server, web);
    const exchanged = await tokenExchangeGrant(issuer, client, {
      subjectToken: alice.accessToken,
      actorToken: actor.accessToken,
      actorTokenType: TOKEN_TYPES.accessToken,
      requestedTokenType: TOKEN_TYPES.jwt,
      resource: STORE,
      scope: "storage.read:/",
    });
    const claims = unverifiedClaims(exchanged.accessToken);
    assert.deepEqual([claims?.aud, claims?.sub, claims?.client_id], [STORE, "alice", client.clientId]);
    assert.equal(exchanged.issuedTokenType, TOKEN_TYPES.accessToken);
    const { parameters } = server.last("/token");
    assert.equal(parameters.get("actor_token"), actor.accessToken);
    assert.equal(parameters.get("subject_token_type"), TOKEN_TYPES.accessToken);
    assert.equal(parameters.get("requested_token_type"), TOKEN_TYPES.jwt);
    const unknown = tokenExchangeGrant(issuer, client, { subjectToken: "unknown" });
    await assert.rejects(unknown, { serverError: "invalid_grant" });
  });
});
