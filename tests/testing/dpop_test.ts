import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { claimsOf } from "../jwt.ts";
import {
  type AuthorizationServer,
  authorizationServer,
  type AuthorizationServerOptions,
} from "../../lib/testing/mod.ts";
import { fakeClock } from "../fake_clock.ts";
import {
  authorizationUrl,
  base64url,
  CHALLENGE,
  keyPair,
  post,
  REDIRECT_URI,
  signed,
  VERIFIER,
} from "./support.ts";

const start = 1_700_000_000;
const tokenEndpoint = "https://as.test/token";

type Keys = Awaited<ReturnType<typeof keyPair>>;

async function proof(
  keys: Keys,
  claims: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
): Promise<Record<string, string>> {
  const payload = { htm: "POST", htu: tokenEndpoint, iat: start, jti: crypto.randomUUID(), ...claims };
  return { dpop: await signed(keys.privateKey, payload, { typ: "dpop+jwt", jwk: keys.jwk, ...header }) };
}

const serverAt = (options: AuthorizationServerOptions = {}) =>
  authorizationServer({ clock: fakeClock(start * 1000), ...options });

async function password(server: AuthorizationServer, headers: Record<string, string>) {
  const parameters = { grant_type: "password", client_id: "app", username: "ada", password: "lovelace" };
  return await post(server, "/token", parameters, headers);
}

async function hashOf(token: string): Promise<string> {
  return base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token))));
}

describe("a DPoP proof", () => {
  it("binds the tokens to its key", async () => {
    const keys = await keyPair();
    const server = await serverAt();
    const { json } = await password(server, await proof(keys));
    assert.equal(json.token_type, "DPoP");
    const { crv, kty, x, y } = keys.jwk;
    assert.deepEqual(claimsOf(json.access_token).cnf, {
      jkt: await hashOf(JSON.stringify({ crv, kty, x, y })),
    });
  });

  const bad: [string, Record<string, unknown>, Record<string, unknown>?][] = [
    ["htm is another", { htm: "GET" }],
    ["htu is another", { htu: "https://as.test/other" }],
    ["htu has a query", { htu: `${tokenEndpoint}?a` }],
    ["iat is long ago", { iat: start - 301 }],
    ["iat is missing", { iat: undefined }],
    ["jti is missing", { jti: undefined }],
    ["typ is another", {}, { typ: "JWT" }],
    ["alg is none", {}, { alg: "none" }],
    ["alg is symmetric", {}, { alg: "HS256" }],
    ["alg does not fit", {}, { alg: "ES384" }],
    ["jwk is missing", {}, { jwk: undefined }],
    ["jwk is private", {}, { jwk: { kty: "EC", d: "x" } }],
    ["something is critical", {}, { crit: ["x"] }],
  ];
  for (const [reason, claims, header] of bad) {
    it(`is refused when ${reason}`, async () => {
      const { status, json } = await password(await serverAt(), await proof(await keyPair(), claims, header));
      assert.deepEqual([status, json.error], [400, "invalid_dpop_proof"]);
    });
  }

  it("is refused when it gives its private key away, though all else is right", async () => {
    const keys = await keyPair();
    for (const more of [{ d: "x" }, { k: "x" }]) {
      const shown = await proof(keys, {}, { jwk: { ...keys.jwk, ...more } });
      assert.equal((await password(await serverAt(), shown)).json.error, "invalid_dpop_proof");
    }
  });

  it("is refused when another key signed it, when it is used twice, when there are two", async () => {
    const [keys, other] = [await keyPair(), await keyPair()];
    const server = await serverAt();
    const good = await proof(keys);
    for (
      const headers of [
        await proof({ ...keys, privateKey: other.privateKey }),
        { dpop: `${good.dpop}, ${(await proof(keys)).dpop}` },
      ]
    ) {
      assert.equal((await password(server, headers)).json.error, "invalid_dpop_proof");
    }
    assert.equal((await password(server, good)).status, 200);
    assert.equal((await password(server, good)).json.error, "invalid_dpop_proof");
  });

  it("must come from clients that are bound to send it", async () => {
    const server = await serverAt({ clients: [{ clientId: "app", dpopBound: true }] });
    assert.equal((await password(server, {})).json.error, "invalid_dpop_proof");
  });
});

describe("the key of a proof", () => {
  it("stays the key of a public client's refresh tokens", async () => {
    const [keys, other] = [await keyPair(), await keyPair()];
    const server = await serverAt();
    const { refresh_token } = (await password(server, await proof(keys))).json;
    const refresh = async (headers: Record<string, string>) =>
      (await post(
        server,
        "/token",
        { grant_type: "refresh_token", client_id: "app", refresh_token },
        headers,
      )).json;
    assert.equal((await refresh(await proof(other))).error, "invalid_grant");
    assert.equal((await refresh({})).error, "invalid_grant");
    assert.equal((await refresh(await proof(keys))).token_type, "DPoP");
    assert.equal(server.families[0].revoked, false);
  });

  it("is that of dpop_jkt, where the authorization request named one", async () => {
    const [keys, other] = [await keyPair(), await keyPair()];
    const server = await serverAt();
    const { crv, kty, x, y } = keys.jwk;
    const dpop_jkt = await hashOf(JSON.stringify({ crv, kty, x, y }));
    const callback = await server.authorize(authorizationUrl(server, { ...CHALLENGE, dpop_jkt }));
    const parameters = {
      grant_type: "authorization_code",
      client_id: "app",
      code: new URL(callback).searchParams.get("code")!,
      redirect_uri: REDIRECT_URI,
      code_verifier: VERIFIER,
    };
    for (const headers of [{}, await proof(other)] as Record<string, string>[]) {
      assert.equal((await post(server, "/token", parameters, headers)).json.error, "invalid_grant");
    }
    assert.equal((await post(server, "/token", parameters, await proof(keys))).status, 200);
  });

  it("binds a pushed request's code too", async () => {
    const keys = await keyPair();
    const server = await serverAt();
    const request = { ...CHALLENGE, client_id: "app", response_type: "code", redirect_uri: REDIRECT_URI };
    const htu = "https://as.test/par";
    const wrong = await post(server, "/par", { ...request, dpop_jkt: "x" }, await proof(keys, { htu }));
    assert.equal(wrong.json.error, "invalid_dpop_proof");
    const { json: { request_uri } } = await post(server, "/par", request, await proof(keys, { htu }));
    const query = new URLSearchParams({ client_id: "app", request_uri });
    const callback = await server.authorize(`https://as.test/authorize?${query}`);
    const code = new URL(callback).searchParams.get("code")!;
    const redemption = { grant_type: "authorization_code", client_id: "app", code, code_verifier: VERIFIER };
    const parameters = { ...redemption, redirect_uri: REDIRECT_URI };
    assert.equal((await post(server, "/token", parameters)).json.error, "invalid_grant");
    assert.equal((await post(server, "/token", parameters, await proof(keys))).status, 200);
  });
});

describe("a proof at the resource", () => {
  it("carries the hash of the access token, and the key that the token is bound to", async () => {
    const [keys, other] = [await keyPair(), await keyPair()];
    const server = await serverAt();
    const { access_token } = (await password(server, await proof(keys))).json;
    const call = async (keys: Keys, claims: Record<string, unknown>) => {
      const aim = { htm: "GET", htu: server.resource };
      const headers = {
        authorization: `DPoP ${access_token}`,
        ...(await proof(keys, { ...aim, ...claims })),
      };
      const response = await server.fetch(server.resource, { headers });
      return `${response.status} ${
        /error="(\w+)"/.exec(response.headers.get("www-authenticate") ?? "")?.[1]
      }`;
    };
    const ath = await hashOf(access_token);
    assert.equal(await call(keys, { ath }), "200 undefined");
    assert.equal(await call(keys, {}), "401 invalid_dpop_proof");
    assert.equal(await call(keys, { ath: await hashOf("another") }), "401 invalid_dpop_proof");
    assert.equal(await call(other, { ath }), "401 invalid_token");
    assert.equal(await call(keys, { ath, htu: "https://other.test/api" }), "401 invalid_dpop_proof");
    const authorization = `DPoP ${access_token}`;
    assert.equal((await server.fetch(server.resource, { headers: { authorization } })).status, 401);
  });
});

describe("the nonce of a proof", () => {
  it("is demanded, told with every answer, and good for two changes", async () => {
    const keys = await keyPair();
    const server = await serverAt({ requireDpopNonce: true });
    const demanded = await password(server, await proof(keys));
    assert.deepEqual([demanded.status, demanded.json.error], [400, "use_dpop_nonce"]);
    const nonce = demanded.headers.get("dpop-nonce")!;
    assert.equal((await password(server, await proof(keys, { nonce: "x" }))).json.error, "use_dpop_nonce");
    assert.equal((await password(server, await proof(keys, { nonce }))).headers.get("dpop-nonce"), nonce);
    server.rotateDpopNonces();
    const changed = await password(server, await proof(keys, { nonce }));
    assert.equal(changed.status, 200);
    assert.notEqual(changed.headers.get("dpop-nonce"), nonce);
    server.rotateDpopNonces();
    assert.equal((await password(server, await proof(keys, { nonce }))).json.error, "use_dpop_nonce");
  });

  it("of the resource is not that of the server", async () => {
    const keys = await keyPair();
    const server = await serverAt({ requireDpopNonce: true });
    const first = await password(server, await proof(keys));
    const nonce = first.headers.get("dpop-nonce")!;
    const { access_token } = (await password(server, await proof(keys, { nonce }))).json;
    const call = async (nonce: string) => {
      const claims = { htm: "GET", htu: server.resource, ath: await hashOf(access_token), nonce };
      const headers = { authorization: `DPoP ${access_token}`, ...(await proof(keys, claims)) };
      return await server.fetch(server.resource, { headers });
    };
    const refused = await call(nonce);
    assert.equal(refused.status, 401);
    assert.match(refused.headers.get("www-authenticate")!, /^DPoP .*error="use_dpop_nonce"/);
    assert.equal((await call(refused.headers.get("dpop-nonce")!)).status, 200);
  });
});
