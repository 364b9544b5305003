/**
 * A server that quotes the secrets of a request in another spelling, a `fetch` that puts them into its error code.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type Client,
  type ClientAuthentication,
  clientCredentialsGrant,
  clientSecretBasic,
  clientSecretPost,
  issuerFromMetadata,
  type OptionalQuirk,
  passwordGrant,
  refreshTokenGrant,
  updateRegistration,
} from "../../mod.ts";
import { assertAbsent, viewsOf } from "./canaries.ts";
import { metadataOf, SECRETS } from "./flows.ts";
import { failureOf, json } from "./support.ts";

interface Quoted {
  readonly body: string;
  readonly values: string[];
  readonly authorization: string;
}

const described = (text: string) => json({ error: "invalid_request", error_description: text }, 400);
const base64 = (text: string) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));

const disguises: Record<string, (request: Quoted) => Response> = {
  "as the form that was sent": ({ body }) => described(body),
  "in the encoding of a URL": ({ values }) => described(values.map(encodeURIComponent).join()),
  "in Base64": ({ values }) => described(values.map(base64).join()),
  "in Base64 for URLs": ({ values }) =>
    described(
      values.map((value) => base64(value).replaceAll("+", "-").replaceAll("/", "_")).join(),
    ),
  "as JSON": ({ values }) => described(JSON.stringify(values)),
  "with characters in between that nobody sees": ({ values }) =>
    described(values.map((value) => [...value].join("\u200b")).join()),
  "with escape sequences in between": ({ values }) =>
    described(
      values.map((value) => `${value.slice(0, 3)}\x1b[0m${value.slice(3)}`)
        .join(),
    ),
  "as the credentials that were sent": ({ authorization }) => described(authorization),
  "as the credentials in clear": ({ authorization }) =>
    described(authorization && atob(authorization.split(" ")[1])),
  "in the code of what fetch throws": ({ values }) => {
    throw Object.assign(new TypeError("fetch failed"), {
      cause: Object.assign(new Error(), { code: `E_${values}` }),
    });
  },
};

describe("no secret is in an error when the server quotes it", () => {
  for (const [how, quote] of Object.entries(disguises)) {
    it(how, async () => {
      for (const secret of [SECRETS.clientSecret, SECRETS.oddClientSecret]) {
        for (
          const authentication of [
            clientSecretPost(secret),
            clientSecretBasic(secret),
          ]
        ) {
          const client: Client = { clientId: "app", authentication };
          const issuer = issuerFromMetadata(metadataOf("https://as.test"), {
            fetch: (_, init) => {
              const form = init.body as URLSearchParams;
              const authorization = new Headers(init.headers).get("authorization") ?? "";
              return Promise.resolve().then(() =>
                quote({
                  body: String(form),
                  values: [...form].map(([, value]) => value),
                  authorization,
                })
              );
            },
          });
          const calls = [
            passwordGrant(issuer, client, {
              username: "ada",
              password: SECRETS.password,
            }),
            refreshTokenGrant(issuer, client, {
              refreshToken: SECRETS.refreshToken,
            }),
          ];
          for (const { status, ...end } of await Promise.allSettled(calls)) {
            const { reason } = end as PromiseRejectedResult;
            assertAbsent(`${status} ${viewsOf(reason)}`, [
              secret,
              SECRETS.password,
              SECRETS.refreshToken,
            ], how);
          }
        }
      }
    });
  }

  it("of a registration that is changed", async () => {
    const issuer = issuerFromMetadata(metadataOf("https://as.test"), {
      fetch: (_, init) => Promise.resolve(described(String(init.body))),
    });
    const registered = {
      clientId: "app",
      metadata: {},
      clientSecret: SECRETS.clientSecret,
      registrationClientUri: "https://as.test/register/app",
      registrationAccessToken: SECRETS.registrationToken,
    };
    const error = await failureOf(updateRegistration(issuer, registered, {}));
    assertAbsent(viewsOf(error), [
      SECRETS.clientSecret,
      SECRETS.registrationToken,
    ], "a registration");
  });
});

describe("no secret of odd characters is in an error when the server quotes it", () => {
  /** The error of a server that answers with `quote` of what it got, by a client with `authentication`. */
  async function refused(
    authentication: ClientAuthentication,
    quote: (form: URLSearchParams, credentials: string) => string,
    quirks: readonly OptionalQuirk[] = [],
  ): Promise<string> {
    const fetch = (_: string, init: RequestInit) => {
      const authorization = new Headers(init.headers).get("authorization") ?? "";
      const form = new URLSearchParams(String(init.body));
      return Promise.resolve(described(quote(form, atob(authorization.split(" ")[1] ?? ""))));
    };
    const issuer = issuerFromMetadata(metadataOf("https://as.test"), { fetch, quirks });
    const error = await failureOf(clientCredentialsGrant(issuer, { clientId: "app", authentication }));
    return viewsOf(error);
  }

  it("in either Base64, where the two differ", async () => {
    const secret = "~~~???>>>tail-of-a-canary";
    const inBase64 = base64(secret);
    assert.match(inBase64, /\+.*\/|\/.*\+/);
    for (const text of [inBase64, inBase64.replaceAll("+", "-").replaceAll("/", "_")]) {
      const said = await refused(clientSecretPost(secret), () => text);
      for (const part of text.split(/[+/_=-]+/).filter(({ length }) => length > 7)) {
        assert.ok(!said.includes(part), said);
      }
    }
  });

  it("with characters in it that nobody sees", async () => {
    const said = await refused(
      clientSecretPost("zero\u200bwidth\u202ecanary"),
      (form) => form.get("client_secret")!,
    );
    assert.doesNotMatch(said, /width|canary/);
  });

  it("in the bytes of the raw Basic that some servers want", async () => {
    const raw = clientSecretBasic("pässword-of-a-canary");
    const said = await refused(raw, (_, credentials) => credentials, ["basic-raw"]);
    assert.doesNotMatch(said, /ssword-of-a-canary/);
  });

  it("with half a character, and the error is still ours", async () => {
    for (const make of [clientSecretPost, clientSecretBasic]) {
      assert.doesNotMatch(await refused(make("\ud800-half-a-canary"), () => "no"), /half-a-canary/);
    }
  });
});
