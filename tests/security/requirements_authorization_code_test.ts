/**
 * Requirements on the authorization code flow: PKCE, `state`, mix-up (RFC 7636, RFC 9207, RFC 9700). What concerns the
 * listener is in `requirements_authorization_code_listener_test.ts`; A15 to A17 are in `requirements_documents_test.ts`.
 *
 * | not here | because |
 * | --- | --- |
 * | A11, A21 | replaced: `state` and `iss` tell issuers apart; the password grant is there for old set-ups, with a warning |
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type AuthorizationRequest,
  authorizationRequest,
  issuerFromMetadata,
  type TokenError,
  type TokenSet,
} from "../../mod.ts";
import { authorizationServer } from "../../lib/testing/mod.ts";
import { fakeClock } from "../fake_clock.ts";
import {
  app,
  json,
  REDIRECT,
  refusedWith,
  service,
  signIn,
  stub,
  tokens,
  type World,
  world,
} from "./support.ts";

const REQUEST = { redirectUri: REDIRECT, scope: "openid" };

function parametersOf({ url }: AuthorizationRequest): URLSearchParams {
  return new URL(url).searchParams;
}

/** A request, and the answer of a person that an attacker has changed. */
async function tampered({ issuer, server }: World, tamper: Record<string, string | null>): Promise<TokenSet> {
  const request = await authorizationRequest(issuer, app, REQUEST);
  return await request.redeem(await server.authorize(request.url, { tamper }));
}

/** The error of a redemption after which no token request was made. */
async function refusedBeforeTheTokenRequest(
  there: World,
  tamper: Record<string, string | null>,
): Promise<TokenError> {
  there.server.clearRequests();
  const error = await refusedWith("invalid_response", tampered(there, tamper), JSON.stringify(tamper));
  assert.equal(there.server.count("token"), 0);
  return error;
}

describe("an authorization request", () => {
  it("A1 has a PKCE challenge, of public and confidential clients, and nothing turns it off", async () => {
    const { issuer } = await world();
    const extra = { code_challenge: "", code_challenge_method: "plain" };
    for (const client of [app, service]) {
      for (const pushed of [false, true]) {
        const parameters = parametersOf(
          await authorizationRequest(issuer, client, { ...REQUEST, extra, pushed }),
        );
        if (pushed) assert.ok(parameters.has("request_uri"));
        else assert.match(parameters.get("code_challenge")!, /^[\w-]{43}$/);
      }
    }
    const { server, issuer: strict } = await world({ requirePkce: true });
    await signIn({ server, issuer: strict } as World, { client: service, pushed: true, extra });
    assert.equal(
      server.requests.find(({ endpoint }) => endpoint === "pushed_authorization")!.parameters.get(
        "code_challenge_method",
      ),
      "S256",
    );
  });

  it("A2 is made with S256 alone: a server that knows plain only is refused with advice", async () => {
    const { issuer, sent } = stub(json({}), { metadata: { code_challenge_methods_supported: ["plain"] } });
    const error = await refusedWith("unsupported", authorizationRequest(issuer, app, REQUEST));
    assert.match(error.message, /S256/);
    assert.match(error.nextStep!, /device code|operator/);
    assert.equal(sent.length, 0);
    for (const methods of [["S256"], ["plain", "S256"], [], undefined, "S256"]) {
      const { issuer } = stub(json({}), {
        metadata: { code_challenge_methods_supported: methods as string[] },
      });
      const parameters = parametersOf(await authorizationRequest(issuer, app, REQUEST));
      assert.equal(parameters.get("code_challenge_method"), "S256");
    }
  });

  it("A3 is not made again with less when the server refuses it", async () => {
    const { server, issuer } = await world();
    const refusal = {
      type: "error",
      error: "invalid_request",
      description: "code_challenge_method",
    } as const;
    server.fault("pushed_authorization", refusal);
    await refusedWith("server_refused", authorizationRequest(issuer, app, { ...REQUEST, pushed: true }));
    assert.equal(server.count(), 1);
    server.fault("token", refusal);
    await refusedWith("server_refused", signIn({ server, issuer } as World));
    assert.equal(server.count("token"), 1);
    const answer = { error: "invalid_request", code: null };
    await refusedWith("server_refused", tampered({ server, issuer } as World, answer));
    assert.equal(server.count("token"), 1);
  });

  it("A4 has a verifier of 43 unreserved characters, never the same twice", async () => {
    const { issuer, sent } = stub(json(tokens()));
    const seen = new Set<string>();
    for (let count = 0; count < 2000; count++) {
      const request = await authorizationRequest(issuer, app, { redirectUri: REDIRECT });
      const parameters = parametersOf(request);
      for (const name of ["code_challenge", "state"]) seen.add(parameters.get(name)!);
      if (count % 20 > 0) continue;
      await request.redeem(new URLSearchParams({ code: "code", state: parameters.get("state")! }));
      const verifier = sent.at(-1)!.form.get("code_verifier")!;
      assert.match(verifier, /^[A-Za-z0-9_~.-]{43}$/);
      const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
      const challenge = btoa(String.fromCharCode(...new Uint8Array(digest)));
      assert.equal(
        challenge.replaceAll("+", "-").replaceAll("/", "_").replace("=", ""),
        parameters.get("code_challenge"),
      );
      seen.add(verifier);
    }
    assert.equal(seen.size, 2000 * 2 + 100);
  });

  it("A5 takes its own answer alone: those of two at once cannot be swapped", async () => {
    const { server, issuer } = await world();
    const [one, other] = [
      await authorizationRequest(issuer, app, REQUEST),
      await authorizationRequest(issuer, app, REQUEST),
    ];
    const [first, second] = [await server.authorize(one.url), await server.authorize(other.url)];
    assert.equal(one.accepts(new URL(second).searchParams), false);
    for (const [request, answer] of [[one, second], [other, first]] as const) {
      await refusedWith("invalid_response", request.redeem(answer));
    }
    assert.equal(server.count("token"), 0);
    assert.ok((await one.redeem(first)).idToken);
    assert.ok((await other.redeem(second)).idToken);
  });

  it("A6 has a state of at least 128 bits, and a nonce with openid; without its state no code is exchanged", async () => {
    const there = await world();
    const parameters = parametersOf(await authorizationRequest(there.issuer, app, REQUEST));
    for (const name of ["state", "nonce"]) assert.match(parameters.get(name)!, /^[\w-]{43}$/);
    assert.equal(
      parametersOf(await authorizationRequest(there.issuer, app, { redirectUri: REDIRECT })).has("nonce"),
      false,
    );
    for (const state of [null, "", "forged", "undefined", `${parameters.get("state")}x`]) {
      await refusedBeforeTheTokenRequest(there, { state });
    }
  });

  it("A7 is answered once: the same answer again is not exchanged", async () => {
    const { server, issuer } = await world();
    const request = await authorizationRequest(issuer, app, REQUEST);
    const answer = await server.authorize(request.url);
    await request.redeem(answer);
    await refusedWith("invalid_response", request.redeem(answer));
    assert.equal(server.count("token"), 1);
  });

  it("A8 takes the iss of its own issuer alone, letter for letter, also beside an error", async () => {
    const there = await world();
    const wrong = [
      "https://as.test/",
      "https://AS.test",
      "https%3A%2F%2Fas.test",
      "https://evil.test",
      "http://as.test",
      "https://as.test:443",
      " https://as.test",
      "as.test",
    ];
    for (const iss of wrong) {
      await refusedBeforeTheTokenRequest(there, { iss });
      const error = await refusedBeforeTheTokenRequest(there, { iss, code: null, error: "access_denied" });
      assert.equal(error.serverError, undefined);
    }
    const request = await authorizationRequest(there.issuer, app, REQUEST);
    const answer = await there.server.authorize(request.url);
    await refusedWith("invalid_response", request.redeem(`${answer}&iss=https%3A%2F%2Fas.test`));
    assert.ok(await request.redeem(answer));
  });

  it("A9 misses an iss that the server promised, and compares one that it did not promise", async () => {
    await refusedBeforeTheTokenRequest(await world(), { iss: null });
    const silent = await world({ issParameter: false });
    await refusedBeforeTheTokenRequest(silent, { iss: "https://evil.test" });
    assert.ok((await tampered(silent, {})).accessToken);
  });

  it("A10 is answered to the token endpoint of the issuer it was made for, or to none", async () => {
    const clock = fakeClock();
    const honest = await authorizationServer({ clock });
    const reached: string[] = [];
    const metadata = {
      issuer: "https://evil.test",
      authorization_endpoint: `${honest.issuer}/authorize`,
      token_endpoint: "https://evil.test/token",
      authorization_response_iss_parameter_supported: true,
    };
    const fetch = (url: string) => Promise.resolve(json(tokens({ seen: reached.push(url) })));
    const attacker = issuerFromMetadata(metadata, { clock, fetch });
    const request = await authorizationRequest(attacker, app, REQUEST);
    const answer = await honest.authorize(request.url);
    assert.match(answer, /[?&]code=/);
    await refusedWith("invalid_response", request.redeem(answer));
    assert.deepEqual(reached, []);
    // what an issuer says of itself cannot be changed afterwards
    assert.throws(
      () => Object.assign(attacker.metadata, { token_endpoint: "https://other.test" }),
      TypeError,
    );
  });

  it("A18 cannot be given the code of somebody else's sign-in", async () => {
    const { server, issuer } = await world();
    const [mine, theirs] = [
      await authorizationRequest(issuer, app, REQUEST),
      await authorizationRequest(issuer, app, REQUEST),
    ];
    const injected = new URL(await server.authorize(mine.url));
    injected.searchParams.set(
      "code",
      new URL(await server.authorize(theirs.url, { subject: "mallory" })).searchParams.get("code")!,
    );
    const error = await refusedWith("expired_code", mine.redeem(injected));
    assert.equal(error.serverError, "invalid_grant");
    assert.equal(server.families.length, 0);
  });

  it("A20 asks for a code alone, and takes no token out of a browser's address", async () => {
    const there = await world();
    const { issuer, server } = there;
    for (const responseType of ["token", "id_token", "id_token token", "code token", "code id_token"]) {
      const flow = responseType.includes("code") ? /hybrid/ : /implicit/;
      for (
        const way of [{ responseType: responseType as "code" }, { extra: { response_type: responseType } }]
      ) {
        const error = await refusedWith(
          "unsupported",
          authorizationRequest(issuer, app, { ...REQUEST, ...way }),
        );
        assert.match(error.message, flow);
        assert.match(error.nextStep!, /authorization code flow with PKCE/);
      }
    }
    await refusedBeforeTheTokenRequest(there, { access_token: "token", token_type: "Bearer" });
    const request = await authorizationRequest(issuer, app, REQUEST);
    assert.equal(parametersOf(request).get("response_type"), "code");
    const fragment = (await server.authorize(request.url)).replace("?", "#access_token=token&");
    await refusedWith("invalid_response", request.redeem(fragment));
  });

  it("A22 names its redirect URI in the token request too", async () => {
    const there = await world();
    await signIn(there);
    const { parameters } = there.server.requests.find(({ endpoint }) => endpoint === "token")!;
    assert.equal(parameters.get("redirect_uri"), REDIRECT);
  });

  it("A23 has nothing in state, nonce and scope but chance and what was asked for", async () => {
    const { issuer } = await world();
    const person = { loginHint: "ada@example.org", prompt: "consent" };
    const parameters = parametersOf(
      await authorizationRequest(issuer, { clientId: "ada" }, { ...REQUEST, ...person }),
    );
    assert.equal(parameters.get("scope"), "openid");
    for (const name of ["state", "nonce"]) {
      const text = parameters.get(name)!;
      const bytes = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
      for (const shown of [text, bytes]) assert.doesNotMatch(shown, /ada@|example|as\.test|127\.0\.0\.1/);
    }
  });
});
