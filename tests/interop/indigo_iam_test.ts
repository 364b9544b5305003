import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { claimsOf } from "../jwt.ts";
import {
  clientSecretBasic,
  deleteRegistration,
  deviceAuthorization,
  discover,
  type Issuer,
  refreshTokenGrant,
  registerClient,
} from "../../mod.ts";
import { DEVICE_CODE } from "../../lib/oauth/grants/device_code.ts";
import { providerOf } from "../../lib/providers.ts";
import { IAM_SCOPES, type IndigoIam, startIndigoIam } from "./indigo_iam.ts";

/** What is known of IAM 1.12, asked of the fixture over HTTP. */
describe("the fixture of INDIGO IAM", () => {
  let iam: IndigoIam;
  let issuer: Issuer;
  before(async () => {
    iam = await startIndigoIam();
    issuer = await discover(iam.issuer, { allowInsecureLoopback: true });
  });
  after(() => iam.close());

  const post = (path: string, body: string, type: string, headers: Record<string, string> = {}) =>
    fetch(new URL(path, iam.issuer), { method: "POST", body, headers: { "content-type": type, ...headers } });
  const register = (metadata: Record<string, unknown>) =>
    post("/iam/api/client-registration", JSON.stringify(metadata), "application/json");

  it("ends its issuer with a slash, and is known by its endpoints", () => {
    const { metadata } = issuer;
    assert.match(metadata.issuer, /\/$/);
    assert.equal(new URL(String(metadata.device_authorization_endpoint)).pathname, "/devicecode");
    assert.equal(new URL(String(metadata.registration_endpoint)).pathname, "/iam/api/client-registration");
    assert.deepEqual(metadata.scopes_supported, [...IAM_SCOPES]);
    assert.deepEqual(metadata.code_challenge_methods_supported, ["plain", "S256"]);
    assert.equal(metadata.pushed_authorization_request_endpoint, undefined);
    assert.deepEqual(providerOf(metadata.issuer, metadata).audience, "audience");
  });

  it("registers the code grant alone for who does not ask, and wants a redirect URI for that", async () => {
    const refused = await register({ client_name: "x" });
    assert.equal(refused.status, 400);
    const made = await register({ client_name: "x", redirect_uris: ["http://localhost:4242"] });
    assert.equal(made.status, 201);
    assert.deepEqual((await made.json()).grant_types, ["authorization_code"]);
  });

  it("refuses grants that an administrator gives", async () => {
    assert.equal((await register({ client_name: "x", grant_types: ["password"] })).status, 400);
  });

  it("registers, signs in by a device code, narrows, and deletes what it registered", async () => {
    const client = await registerClient(issuer, {
      client_name: "oidc-agent:wlcg",
      grant_types: [DEVICE_CODE, "refresh_token"],
      scope: "openid offline_access storage.read:/",
    });
    const who = { clientId: client.clientId, authentication: clientSecretBasic(client.clientSecret!) };
    const device = await deviceAuthorization(issuer, who, { scope: "openid offline_access storage.read:/" });
    iam.server.approveDevice(device.userCode);
    const tokens = await device.wait();
    const narrow = await refreshTokenGrant(issuer, who, {
      refreshToken: tokens.refreshToken!,
      scope: "storage.read:/",
      audience: "example.audience",
    });
    const claims = claimsOf(narrow.accessToken);
    assert.equal(claims.iss, iam.issuer.replace(/\/$/, ""), "as it is configured, without the slash");
    assert.deepEqual([claims.scope, [claims.aud].flat()], ["storage.read:/", ["example.audience"]]);
    await deleteRegistration(issuer, client);
    assert.ok(!iam.server.clientIds.includes(client.clientId));
  });

  it("does not know a client that it does not know: 404", async () => {
    const form = "client_id=nobody&scope=openid";
    const answer = await post("/devicecode", form, "application/x-www-form-urlencoded");
    assert.equal(answer.status, 404);
    await answer.body?.cancel();
  });
});
