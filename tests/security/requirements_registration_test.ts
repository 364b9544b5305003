/**
 * Requirements on clients that register themselves (RFC 7591, RFC 7592). The command line is in
 * `requirements_registration_command_test.ts`.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import {
  deleteRegistration,
  readRegistration,
  registerClient,
  type RegisteredClient,
  updateRegistration,
} from "../../mod.ts";
import { json, refusedWith, stub } from "./support.ts";

describe("a registration", () => {
  const metadata = { registration_endpoint: "https://as.test/register" };
  const registered = {
    client_id: "made",
    client_secret: "first-secret",
    client_secret_expires_at: 0,
    registration_access_token: "first-token",
    registration_client_uri: "https://as.test/register/made",
    grant_types: ["client_credentials"],
    client_id_issued_at: 1,
    contacts: ["ada@example.org"],
  };

  it("G6 is what the server made of it, and a secret that ends is known to end", async () => {
    const { issuer } = stub(json({ ...registered, client_secret_expires_at: 5 }, 201), { metadata });
    const client = await registerClient(issuer, {
      grant_types: ["password", "client_credentials"],
      client_name: "asked",
    });
    assert.deepEqual(client.metadata.grant_types, ["client_credentials"]);
    assert.deepEqual([client.metadata.client_name, client.clientSecretExpiresAt], [undefined, 5]);
    const lasting = await registerClient(stub(json(registered, 201), { metadata }).issuer, {});
    assert.equal(lasting.clientSecretExpiresAt, undefined);
  });

  it("G7 has no secret and no token but the newest, as soon as the answer is there", async () => {
    const renewed = {
      ...registered,
      client_secret: "second-secret",
      registration_access_token: "second-token",
    };
    const { issuer, sent } = stub([json(registered, 201), json(renewed), json(renewed)], { metadata });
    const first = await registerClient(issuer, {});
    for (
      const renew of [() => readRegistration(issuer, first), () => updateRegistration(issuer, first, {})]
    ) {
      const second = await renew();
      assert.deepEqual([second.clientSecret, second.registrationAccessToken], [
        "second-secret",
        "second-token",
      ]);
      assert.doesNotMatch(JSON.stringify(second), /first-/);
      await deleteRegistration(issuer, second);
      assert.equal(sent.at(-1)!.headers.get("authorization"), "Bearer second-token");
    }
  });

  it("G8 is changed by a PUT of everything but what belongs to the server", async () => {
    const sent: { method?: string; body: Record<string, unknown> }[] = [];
    const { issuer } = stub(json(registered), { metadata });
    const fetch = (url: string, init: RequestInit) => {
      sent.push({ method: init.method, body: JSON.parse(String(init.body ?? "{}")) });
      return issuer.http.fetch!(url, init);
    };
    const reached = { ...issuer, http: { ...issuer.http, fetch } };
    const client = await registerClient(reached, {});
    const servers = {
      client_id_issued_at: 1,
      client_secret_expires_at: 0,
      registration_access_token: "first-token",
    };
    const more = { ...servers, registration_client_uri: "https://as.test/register/made", client_name: "new" };
    await updateRegistration(reached, client, { ...client.metadata, ...more });
    assert.deepEqual(sent[1], {
      method: "PUT",
      body: {
        client_id: "made",
        client_secret: "first-secret",
        grant_types: ["client_credentials"],
        contacts: ["ada@example.org"],
        client_name: "new",
      },
    });
  });

  it("G9 is managed over https alone, with a token that nobody gets to see", async () => {
    const bad = ["http://as.test/register/made", "ftp://as.test/", "https://u:p@as.test/"];
    for (const registrationClientUri of bad) {
      const { issuer, sent } = stub(json(registered), { metadata });
      const client: RegisteredClient = {
        clientId: "made",
        metadata: {},
        registrationClientUri,
        registrationAccessToken: "token-canary",
      };
      for (const manage of [readRegistration, deleteRegistration]) {
        const error = await refusedWith("insecure_url", manage(issuer, client));
        assert.doesNotMatch(`${error.stack}${inspect(error)}${JSON.stringify(error)}`, /canary/);
      }
      assert.equal(sent.length, 0);
    }
  });
});
