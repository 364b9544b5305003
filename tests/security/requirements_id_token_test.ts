/**
 * Validation of an ID token (OpenID Connect Core 1.0 section 3.1.3.7), row by row.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { userInfo } from "../../mod.ts";
import type { AuthorizationServerOptions, Fault, IdTokenFault } from "../../lib/testing/mod.ts";
import { refusedWith, resigned, service, signIn, signInWithIdToken, type World, world } from "./support.ts";

type SignInOptions = Parameters<typeof signIn>[1];

/** A sign-in whose ID token is not what it should be. */
async function withFault(
  fault: IdTokenFault | Fault,
  options?: SignInOptions,
  server: AuthorizationServerOptions = {},
): Promise<World> {
  const there = await world(server);
  there.server.fault("token", "type" in fault ? fault : { type: "id_token", ...fault });
  const error = await refusedWith("invalid_response", signIn(there, options), JSON.stringify(fault));
  assert.match(error.message, /^Cannot (use|trust) the server's /);
  assert.equal(error.sent, true);
  return there;
}

/** A sign-in whose ID token is unusual and good. */
async function accepted(
  fault: IdTokenFault,
  options?: SignInOptions,
  server: AuthorizationServerOptions = {},
) {
  const there = await world(server);
  there.server.fault("token", { type: "id_token", ...fault });
  const { claims } = await signIn(there, options);
  assert.ok(claims);
  return claims;
}

/** Seconds from the moment of the sign-in. */
const at = (seconds: number) => Date.UTC(2026, 0, 1) / 1000 + seconds;

describe("an ID token", () => {
  it("I1 is no JWE: nobody registered a key for one", async () => {
    const jwe = [btoa('{"alg":"RSA-OAEP","enc":"A256GCM"}').replaceAll("=", ""), "a", "b", "c", "d"].join(
      ".",
    );
    await withFault({ type: "merge", members: { id_token: jwe } });
  });

  it("I2 names the issuer exactly", async () => {
    for (
      const iss of [undefined, "https://evil.test", "https://as.test/", "https://AS.test", "as.test", [
        "https://as.test",
      ], null]
    ) {
      await withFault({ claims: { iss } });
    }
  });

  it("I3 is for this client, and for nobody whom it does not trust", async () => {
    for (const aud of [undefined, "other", ["other"], [], "", ["app", "other"], null, { app: true }]) {
      await withFault({ claims: { aud } });
    }
    assert.deepEqual((await accepted({ claims: { aud: ["app"] } })).aud, ["app"]);
  });

  it("I4 names the authorized party when it has several audiences", async () => {
    await withFault({ claims: { aud: ["app", "other"] } });
    assert.equal((await accepted({ claims: { aud: ["app", "other"], azp: "app" } })).azp, "app");
  });

  it("I5 names this client as the authorized party", async () => {
    for (const azp of ["other", "", 1, null, ["app"]]) {
      await withFault({ claims: { aud: ["app", "other"], azp } });
    }
  });

  it("I6 is signed by the issuer, whatever its algorithm, with a key that may be new", async () => {
    for (const signature of ["stranger", "garbage"] as const) await withFault({ signature });
    for (const idTokenAlg of ["ES256", "EdDSA", "RS256"] as const) {
      await withFault({ signature: "garbage" }, {}, { idTokenAlg });
      await accepted({ header: { kid: undefined } }, {}, { idTokenAlg });
    }
    const there = await world();
    await signIn(there);
    await there.server.rotateKeys();
    // the keys are fetched again once a minute at most, by the clock of the machine
    const { now } = Date;
    Date.now = () => now() + 61_000;
    try {
      assert.ok((await signIn(there)).claims);
    } finally {
      Date.now = now;
    }
  });

  it("I7 is signed with an algorithm that the issuer announced, and never with none", async () => {
    await withFault({ signature: "none" });
    for (const alg of ["none", "None", "", "ES384", "RS256", "es256", "HS256", null, undefined, ["ES256"]]) {
      const work = signInWithIdToken(await world(), (idToken) => resigned(idToken, { alg }));
      await refusedWith("invalid_response", work, `${alg}`);
    }
  });

  it("I8 is not signed with the client's secret, nor with what everybody knows", async () => {
    const there = await world();
    const [key] = there.server.jwks.keys;
    for (const known of ["service-secret", JSON.stringify(key), JSON.stringify(there.server.jwks), key.x!]) {
      const hash = { name: "HMAC", hash: "SHA-256" };
      const hmac = await crypto.subtle.importKey("raw", new TextEncoder().encode(known), hash, false, [
        "sign",
      ]);
      const forge = (idToken: string) =>
        resigned(
          idToken,
          { alg: "HS256" },
          async (input) => new Uint8Array(await crypto.subtle.sign("HMAC", hmac, input)),
        );
      await refusedWith("invalid_response", signInWithIdToken(there, forge, service), known);
    }
    await withFault({ signature: "client-secret" }, { client: service });
    await withFault({ signature: "client-secret" });
  });

  it("I9 is not over", async () => {
    for (const exp of [undefined, at(-61), at(-3600), "soon", null, String(at(300))]) {
      await withFault({ claims: { exp } });
    }
  });

  it("I10 was issued just now", async () => {
    for (const iat of [undefined, at(-7 * 86400), at(-601), at(3600), "now", null]) {
      await withFault({ claims: { iat } });
    }
    for (const iat of [at(-500), at(50)]) await accepted({ claims: { iat } });
  });

  it("I11 has the nonce of its request, and none of another", async () => {
    for (const nonce of [undefined, "other", "", null, 1]) await withFault({ claims: { nonce } });
  });

  it("I12 tells how the person signed in, for whoever asked", async () => {
    const asked = { extra: { acr_values: "urn:mace:incommon:iap:silver" } };
    assert.equal(
      (await accepted({ claims: { acr: "urn:mace:incommon:iap:silver" } }, asked)).acr,
      asked.extra.acr_values,
    );
  });

  it("I13 is of a sign-in no older than was asked for", async () => {
    for (const auth_time of [undefined, at(-100), "now", null, -1]) {
      await withFault({ claims: { auth_time } }, { maxAge: 60 });
    }
    assert.equal((await accepted({ claims: { auth_time: at(-50) } }, { maxAge: 60 })).auth_time, at(-50));
    for (const auth_time of ["now", -1]) await withFault({ claims: { auth_time } });
  });

  it("I14 belongs to the access token that it came with, if it says to which", async () => {
    for (const idTokenAlg of ["ES256", "EdDSA"] as const) {
      for (const at_hash of ["x", "", "AAAAAAAAAAAAAAAAAAAAAA", null, 1]) {
        await withFault({ claims: { at_hash } }, {}, { idTokenAlg });
      }
      await accepted({}, {}, { idTokenAlg });
    }
    await accepted({ claims: { at_hash: undefined } });
    await withFault({ type: "merge", members: { access_token: "another" } });
  });

  it("I15 says who it is, in 1 to 255 characters, and the same as userinfo does", async () => {
    for (const sub of [undefined, "", "x".repeat(256), 1, null, ["ada"]]) {
      await withFault({ claims: { sub } });
    }
    await accepted({ claims: { sub: "x".repeat(255) } });
    const there = await world();
    const { accessToken, claims } = await signIn(there);
    const ask = () => userInfo(there.issuer, { clientId: "app" }, accessToken, { subject: claims!.sub });
    assert.equal((await ask()).sub, "ada");
    for (const sub of ["mallory", undefined, "ADA", ""]) {
      there.server.fault("userinfo", { type: "body", body: JSON.stringify({ sub, name: "Ada" }) });
      await refusedWith("invalid_response", ask());
    }
  });
});
