/**
 * Requirements on what is made of answers: C8 to C13, and C17.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import fc from "fast-check";
import {
  authorizationRequest,
  clientCredentials,
  clientCredentialsGrant,
  deviceAuthorization,
  discover,
  introspectToken,
  refreshTokenGrant,
  tokenSource,
} from "../../mod.ts";
import { driven } from "../hostile/driven.ts";
import { apiWith, app, failureOf, json, REDIRECT, refusedWith, stub, tokens } from "./support.ts";

describe("what an answer says", () => {
  it("C8 shows the server's error in characters that do nothing to a terminal, and keeps its code", async () => {
    const bytes = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code));
    const sequences = [
      "\x1b]8;;https://evil.test\x07here\x1b]8;;\x07",
      "\x1b]52;c;ZXZpbA==\x07",
      "\x1b[2K\x1b[1A",
      "\x9b31m",
    ];
    const hidden = [
      "\x1bP$q\x1b\\",
      "\u202eevil",
      "\u2066x\u2069",
      "\u200b",
      "\u{e0041}",
      "\u2028",
      "a\rb\nc",
    ];
    for (const text of [...bytes, ...sequences, ...hidden]) {
      const body = { error: "invalid_grant", error_description: `before ${text} after` };
      const error = await failureOf(
        refreshTokenGrant(stub(json(body, 400)).issuer, app, { refreshToken: "refresh" }),
      );
      assert.equal(error.serverError, "invalid_grant");
      const odd = await failureOf(
        clientCredentialsGrant(stub(json({ error: `x${text}y` }, 400)).issuer, app),
      );
      for (const { message, serverError = "", serverDescription = "" } of [error, odd]) {
        // deno-lint-ignore no-control-regex
        const shown = /[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]/u;
        for (const words of [message, serverError, serverDescription]) {
          assert.doesNotMatch(words, shown, inspect(text));
        }
      }
    }
  });

  it("C9 is not answered with a token that cannot go into a header, and nothing of such an answer is kept", async () => {
    for (const wrong of ["\r", "\n", "\r\nx-evil: 1", "\x00", "\x7f", "\x80", "\u2028", "é", " ", ""]) {
      for (const name of ["access_token", "refresh_token", "id_token"]) {
        const isEmptyOptional = wrong === "" && name !== "access_token";
        if (isEmptyOptional) continue;
        const { issuer } = stub(json(tokens({ [name]: wrong && `to${wrong}ken` })));
        const source = tokenSource(issuer, app, clientCredentials());
        const work = name === "id_token"
          ? refreshTokenGrant(issuer, app, { refreshToken: "refresh" })
          : source.get();
        await refusedWith("invalid_response", work, `${name} ${inspect(wrong)}`);
        assert.equal(source.peek(), undefined);
      }
    }
  });

  it("C10 ends a token when it says so, and a 401 renews it once before its time, no more", async () => {
    for (
      const [says, lives] of [[60, 60], ["60", 60], [0, 0], [-5, 0], [undefined, 300], [
        1e15,
        315360000,
      ]] as const
    ) {
      const { issuer } = stub(json(tokens({ expires_in: says })));
      const { issuedAt, expiresAt } = await clientCredentialsGrant(issuer, app);
      assert.equal(expiresAt - issuedAt, lives, `${says}`);
    }
    for (const says of ["60s", 1.5, null, true, [], {}]) {
      const { issuer } = stub(json(tokens({ expires_in: says })));
      await refusedWith("invalid_response", clientCredentialsGrant(issuer, app), `${says}`);
    }
    const api = apiWith('Bearer error="invalid_token"');
    const answer = await api.source.fetch("https://api.test/");
    assert.equal(answer.status, 401);
    assert.deepEqual([api.tokenRequests(), api.calls.length], [2, 2]);
    assert.notEqual(api.calls[0].headers.get("authorization"), api.calls[1].headers.get("authorization"));
  });

  it("C11 is a token only with a type that is known, in whatever case", async () => {
    for (const type of ["bearer", "Bearer", "BEARER"]) {
      const { issuer } = stub(json(tokens({ token_type: type })));
      assert.equal((await clientCredentialsGrant(issuer, app)).tokenType, "Bearer");
    }
    for (const type of ["mac", "", undefined, null, 1, ["Bearer"], "N_A", "pop"]) {
      const { issuer } = stub(json(tokens({ token_type: type })));
      await refusedWith("invalid_response", clientCredentialsGrant(issuer, app), `${type}`);
    }
  });

  it("C12 is not looked for in the access token: any text is as good as a JWT that says it is over", async () => {
    const expired = ["{}", '{"exp":1,"aud":"evil","iss":"evil"}', "x"].map(btoa).join(".");
    const random = fc.sample(fc.string({ minLength: 1, maxLength: 200, unit: "binary-ascii" }), 50)
      .map((text) => text.replace(/[^\x21-\x7e]/g, "!"));
    for (const accessToken of [expired, "..", "a.b.c", ...random]) {
      const api = apiWith(undefined, { access_token: accessToken });
      assert.equal((await api.source.get({ minValidity: 100 })).accessToken, accessToken);
      await api.source.fetch("https://api.test/");
      assert.equal(api.calls[0].headers.get("authorization"), `Bearer ${accessToken}`);
      assert.equal(api.tokenRequests(), 1);
    }
  });

  it("C13 may grant less, which is told; and such a token is not given to whoever asks for more", async () => {
    const { issuer, sent } = stub(json(tokens({ scope: "a" })));
    const source = tokenSource(issuer, app, clientCredentials({ scope: "a b" }));
    assert.equal((await source.get()).scope, "a");
    await source.get({ scope: "b a" });
    assert.equal(sent.length, 1);
    for (const scope of ["a", "a b c"]) await source.get({ scope });
    await source.get({ audience: "https://other.test" });
    assert.deepEqual(sent.map(({ form }) => form.get("scope")), ["a b", "a", "a b c", "a b"]);
  });

  it("C17 cannot make anything happen but an error of ours, whatever it is", async () => {
    const anything = fc.oneof(
      fc.json(),
      fc.string({ unit: "binary" }),
      fc.dictionary(
        fc.constantFrom(
          "issuer",
          "access_token",
          "token_type",
          "expires_in",
          "device_code",
          "user_code",
          "active",
          "error",
        ),
        fc.jsonValue(),
      ).map((members) => JSON.stringify(members)),
    );
    const status = fc.constantFrom(200, 201, 204, 400, 401, 403, 404, 429, 500, 503);
    await fc.assert(
      fc.asyncProperty(anything, status, async (body, status) => {
        const reply = () =>
          new Response(status === 204 ? null : body, {
            status,
            headers: { "retry-after": body.replace(/[^0-9]/g, "") },
          });
        const metadata = {
          introspection_endpoint: "https://as.test/introspect",
          pushed_authorization_request_endpoint: "https://as.test/par",
        };
        const { issuer } = stub(reply, { metadata });
        const { http, run } = driven({ fetch: () => Promise.resolve(reply()) });
        const attempts = [
          () => refreshTokenGrant(issuer, app, { refreshToken: "refresh" }),
          () => deviceAuthorization(issuer, app),
          () => introspectToken(issuer, app, "token"),
          () => authorizationRequest(issuer, app, { redirectUri: REDIRECT, pushed: true }),
          () => run(discover("https://as.test", http)),
        ];
        for (const attempt of attempts) await attempt().catch((error) => failureOf(Promise.reject(error)));
      }),
      { numRuns: 50 },
    );
  });
});
