/**
 * A server that quotes the secrets of a request in another spelling, a `fetch` that puts them into its error code.
 */

import { describe, it } from "node:test";
import {
  type Client,
  clientSecretBasic,
  clientSecretPost,
  issuerFromMetadata,
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
