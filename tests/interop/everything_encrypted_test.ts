import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { compactDecrypt, decodeProtectedHeader, exportJWK, generateKeyPair } from "jose";
import {
  authorizationRequest,
  type Client,
  clientSecretPost,
  introspectToken,
  type Issuer,
  unverifiedHeader,
  userInfo,
} from "../../mod.ts";
import { discovered, REDIRECT_URI, SERVICE, signIn, WEB_CLIENT } from "./everything_client.ts";
import { type Everything, startEverything } from "./everything_provider.ts";

const ALGORITHM = "RSA-OAEP-256";
const ENCRYPTION = "A256GCM";
const SECRET = "a secret of the API";

/** What a registration says so that an answer is encrypted. */
function encrypting(answer: string): Record<string, string> {
  return {
    [`${answer}_encrypted_response_alg`]: ALGORITHM,
    [`${answer}_encrypted_response_enc`]: ENCRYPTION,
  };
}

describe("an answer that an oidc-provider encrypts to the client", () => {
  let server: Everything;
  let issuer: Issuer;
  let jwks: { keys: unknown[] };
  let decrypt: (jwe: string) => Promise<string>;
  let opened: string[];

  before(async () => {
    server = await startEverything();
    issuer = await discovered(server);
    const { publicKey, privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
    jwks = { keys: [{ ...await exportJWK(publicKey), use: "enc", alg: ALGORITHM, kid: "1" }] };
    decrypt = async (jwe) => {
      opened.push(jwe);
      const only = { keyManagementAlgorithms: [ALGORITHM], contentEncryptionAlgorithms: [ENCRYPTION] };
      return new TextDecoder().decode((await compactDecrypt(jwe, privateKey, only)).plaintext);
    };
    opened = [];
  });
  after(async () => {
    await server.close();
    assert.deepEqual(server.faults, []);
  });

  function client(metadata: Record<string, unknown>): Client {
    opened = [];
    return { clientId: server.addClient({ ...WEB_CLIENT, jwks, ...metadata }), decrypt };
  }

  it("is an ID token, judged once it is open, and kept as the signed one", async () => {
    const alg = { id_token_signed_response_alg: "ES256" };
    const { claims, idToken } = await signIn(server, client({ ...alg, ...encrypting("id_token") }));
    assert.equal(claims!.sub, "alice");
    assert.equal(decodeProtectedHeader(opened[0]).alg, ALGORITHM);
    assert.equal(unverifiedHeader(idToken!)!.alg, "ES256");
    assert.equal(opened.length, 1);
  });

  it("is refused without a way to decrypt it, and with the wrong one, in words of ours", async () => {
    const who = client(encrypting("id_token"));
    await assert.rejects(signIn(server, { clientId: who.clientId }), { code: "invalid_response" });
    const wrong = () => Promise.reject(new Error("a foreign sentence"));
    await assert.rejects(signIn(server, { ...who, decrypt: wrong }), {
      code: "invalid_response",
      message: "Cannot use the server's answer: it cannot be decrypted",
    });
  });

  it("is refused when another than the issuer signed what is within", async () => {
    const forge = (jwe: string) =>
      decrypt(jwe).then((jws) => jws.replace(/.{4}$/, (end) => end === "AAAA" ? "BBBB" : "AAAA"));
    const forged = { ...client(encrypting("id_token")), decrypt: forge };
    await assert.rejects(signIn(server, forged), { code: "invalid_response", message: /signature/ });
  });

  it("is UserInfo", async () => {
    const alg = { userinfo_signed_response_alg: "ES256" };
    const who = client({ ...alg, ...encrypting("userinfo") });
    const { accessToken } = await signIn(server, who);
    assert.equal(
      (await userInfo(issuer, who, accessToken, { subject: "alice" })).preferred_username,
      "alice",
    );
    assert.equal(opened.length, 1);
    await assert.rejects(userInfo(issuer, { clientId: who.clientId }, accessToken), {
      code: "invalid_response",
    });
  });

  it("is an introspection", async () => {
    const { accessToken } = await signIn(server, { clientId: server.addClient(WEB_CLIENT) });
    const api = {
      ...client({
        ...SERVICE,
        client_secret: SECRET,
        token_endpoint_auth_method: "client_secret_post",
        introspection_signed_response_alg: "ES256",
        ...encrypting("introspection"),
      }),
      authentication: clientSecretPost(SECRET),
    };
    const answer = await introspectToken(issuer, api, accessToken, { signed: true });
    assert.deepEqual([answer.active, answer.sub, opened.length], [true, "alice", 1]);
  });

  it("is the answer to an authorization request (JARM)", async () => {
    const alg = { authorization_signed_response_alg: "ES256" };
    const who = client({ ...alg, ...encrypting("authorization") });
    const parameters = { redirectUri: REDIRECT_URI, scope: "openid", responseMode: "jwt" } as const;
    const request = await authorizationRequest(issuer, who, parameters);
    const answer = new URL(await server.authorize(request.url));
    assert.ok(request.accepts(answer.searchParams));
    const other = await authorizationRequest(issuer, who, parameters);
    await assert.rejects(other.redeem(answer), { code: "invalid_response" });
    const tokens = await request.redeem(answer);
    assert.equal(server.kept("AccessToken", tokens.accessToken)?.clientId, who.clientId);
  });
});
