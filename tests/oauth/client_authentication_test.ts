import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Client } from "../../lib/oauth/client.ts";
import {
  type ClientAuthentication,
  clientSecretBasic,
  clientSecretPost,
  none,
  type SecretSource,
} from "../../lib/oauth/client_authentication.ts";
import { authorizationRequest } from "../../lib/oauth/grants/authorization_code.ts";
import { clientCredentialsGrant } from "../../lib/oauth/grants/client_credentials.ts";
import { deviceAuthorization } from "../../lib/oauth/grants/device_code.ts";
import { passwordGrant } from "../../lib/oauth/grants/password.ts";
import { refreshTokenGrant } from "../../lib/oauth/grants/refresh_token.ts";
import { app, assertHides, failureOf, json, stub, tokens, type World, world } from "./support.ts";

const REDIRECT_URI = "http://127.0.0.1:49152/callback";
const ODD = "s:e c+r%e/t=&é€*-._~!'()";

/** Goes through every grant that the client may use. */
async function everyGrant({ server, issuer, clock }: World, client: Client): Promise<void> {
  if ((client.authentication?.method ?? "none") !== "none") await clientCredentialsGrant(issuer, client);
  await passwordGrant(issuer, client, { username: "ada", password: "lovelace" });
  const request = await authorizationRequest(issuer, client, { redirectUri: REDIRECT_URI, scope: "openid" });
  const { refreshToken } = await request.redeem(await server.authorize(request.url));
  await refreshTokenGrant(issuer, client, { refreshToken: refreshToken! });
  const device = await deviceAuthorization(issuer, client);
  server.approveDevice(device.userCode);
  const waiting = device.wait();
  await clock.advance(5000);
  await waiting;
}

describe("client authentication", () => {
  it("of a public client is its id in the body, and never an Authorization header", async () => {
    for (const client of [app, { ...app, authentication: none() }]) {
      const place = await world();
      await everyGrant(place, client);
      const posts = place.server.requests.filter(({ method }) => method === "POST");
      assert.equal(posts.length, 5);
      for (const { headers, parameters } of posts) {
        assert.equal(headers.get("authorization"), null);
        assert.deepEqual(parameters.getAll("client_id"), ["app"]);
        assert.ok(!parameters.has("client_secret"));
      }
    }
  });

  for (const [name, authenticate] of [["basic", clientSecretBasic], ["post", clientSecretPost]] as const) {
    it(`by client_secret_${name} goes with every request, once`, async () => {
      const clients = [{
        clientId: "a client:é",
        secret: ODD,
        authMethods: [`client_secret_${name}`] as const,
      }];
      const place = await world({ clients });
      await everyGrant(place, { clientId: "a client:é", authentication: authenticate(ODD) });
      const posts = place.server.requests.filter(({ method }) => method === "POST");
      assert.equal(posts.length, 6);
      for (const { headers, parameters } of posts) {
        const ways = [headers.has("authorization"), ...parameters.getAll("client_secret")];
        assert.deepEqual(ways, name === "basic" ? [true] : [false, ODD]);
      }
    });
  }

  it("by client_secret_basic is form-encoded first", async () => {
    const { issuer, sent } = stub(json(tokens()));
    await clientCredentialsGrant(issuer, { clientId: "a b:c", authentication: clientSecretBasic("d+e é/") });
    assert.equal(sent[0].headers.get("authorization"), `Basic ${btoa("a+b%3Ac:d%2Be+%C3%A9%2F")}`);
    assert.ok(!sent[0].form.has("client_secret"));
  });

  it("by client_secret_basic is not form-encoded for a server with the quirk basic-raw, which is reported", async () => {
    const { issuer, sent, met } = stub(json(tokens()), { quirks: ["basic-raw"] });
    await clientCredentialsGrant(issuer, { clientId: "a b", authentication: clientSecretBasic("c+d:é") });
    assert.equal(sent[0].headers.get("authorization"), `Basic ${btoa("a b:c+d:Ã©")}`);
    assert.deepEqual(met, ["basic-raw"]);
  });

  it("asks for the secret at each use", async () => {
    const { issuer, sent } = stub(json(tokens()));
    let asked = 0;
    const client = {
      clientId: "c",
      authentication: clientSecretPost(() => Promise.resolve(`secret-${++asked}`)),
    };
    await clientCredentialsGrant(issuer, client);
    await clientCredentialsGrant(issuer, client);
    assert.deepEqual(sent.map(({ form }) => form.get("client_secret")), ["secret-1", "secret-2"]);
  });

  for (const secret of ["", undefined, () => "", () => undefined]) {
    it(`refuses to send ${typeof secret === "function" ? `what gives ${JSON.stringify(secret())}` : JSON.stringify(secret)}`, async () => {
      for (const authenticate of [clientSecretBasic, clientSecretPost]) {
        const { issuer, sent } = stub(json(tokens()));
        const client = { clientId: "c", authentication: authenticate(secret as SecretSource) };
        assert.equal((await failureOf(clientCredentialsGrant(issuer, client))).code, "invalid_argument");
        assert.deepEqual(sent, []);
      }
    });
  }

  it("lets through what the secret's source throws, with nothing sent", async () => {
    const { issuer, sent } = stub(json(tokens()));
    const locked = new Error("the vault is locked");
    const authentication = clientSecretBasic(() => Promise.reject(locked));
    await assert.rejects(clientCredentialsGrant(issuer, { clientId: "c", authentication }), locked);
    assert.deepEqual(sent, []);
  });

  it("refuses a client without a name, with nothing sent", async () => {
    const { issuer, sent } = stub(json(tokens()));
    assert.equal(
      (await failureOf(clientCredentialsGrant(issuer, { clientId: "" }))).code,
      "invalid_argument",
    );
    assert.deepEqual(sent, []);
  });

  it("does not show the secret, whoever prints it", () => {
    for (const authenticate of [clientSecretBasic, clientSecretPost]) {
      for (const secret of ["secret-canary", () => "secret-canary"]) {
        const authentication: ClientAuthentication = authenticate(secret);
        // A function's source is the test's own; what it gives is not to be seen.
        if (typeof secret === "string") assertHides({ clientId: "c", authentication }, "secret-canary");
        assert.match(authentication.method, /^client_secret_(basic|post)$/);
      }
    }
  });

  for (const [name, authenticate] of [["basic", clientSecretBasic], ["post", clientSecretPost]] as const) {
    it(`by client_secret_${name} is cut out of an error that quotes it`, async () => {
      const { issuer } = stub(({ headers, form }) => {
        const password = atob(headers.get("authorization")?.slice(6) ?? "").split(":")[1];
        const quoted = `wrong secret "${form.get("client_secret") ?? password}" or "canary:1", ${
          headers.get("authorization")
        }`;
        return json({ error: "invalid_client", error_description: quoted }, 401);
      });
      const client = { clientId: "c", authentication: authenticate("canary:1") };
      const error = await failureOf(clientCredentialsGrant(issuer, client));
      assert.equal(error.serverError, "invalid_client");
      assert.match(error.serverDescription!, /^wrong secret "…" or "…"/);
      assertHides(error, "canary:1", "canary%3A1");
    });
  }

  it("that is wrong leads to a refusal with what to check", async () => {
    const { issuer } = await world();
    const client = { clientId: "service", authentication: clientSecretBasic("wrong") };
    const error = await failureOf(clientCredentialsGrant(issuer, client));
    assert.equal(error.code, "server_refused");
    assert.equal(error.serverError, "invalid_client");
    assert.equal(error.status, 401);
    assert.equal(error.nextStep, "Check the client id and the client secret");
  });
});
