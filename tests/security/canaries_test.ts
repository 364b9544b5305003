/**
 * Planted secrets in every request and every answer of the library: none turns up in an error, on the console, or in what an
 * object shows of itself, also when the server quotes what it was sent. The command line is in
 * `canaries_command_test.ts`.
 */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import {
  authorizationRequest,
  backchannelAuthentication,
  type Client,
  clientCredentials,
  clientSecretBasic,
  clientSecretJwt,
  clientSecretPost,
  deviceAuthorization,
  discover,
  dpopKey,
  federatedAssertion,
  type Issuer,
  issuerFromMetadata,
  jwtBearer,
  jwtBearerGrant,
  passwordGrant,
  privateKeyJwt,
  refreshToken,
  registerClient,
  signingKey,
  tokenExchange,
  tokenSource,
  userInfo,
} from "../../mod.ts";
import { driven } from "../hostile/driven.ts";
import { assertAbsent, formsOf, overhear, type Overheard, viewsOf } from "./canaries.ts";
import { type Flow, flows, metadataOf, rightAnswers, SECRETS } from "./flows.ts";
import { failureOf, json, REDIRECT } from "./support.ts";

const ORIGIN = "https://as.test";

const ellipticCurve = { name: "ECDSA", namedCurve: "P-256" };
const pair = await crypto.subtle.generateKey(ellipticCurve, true, ["sign", "verify"]) as CryptoKeyPair;
const clientJwk = await crypto.subtle.exportKey("jwk", pair.privateKey);
const pkcs8 = btoa(
  String.fromCharCode(...new Uint8Array(await crypto.subtle.exportKey("pkcs8", pair.privateKey))),
);
const dpop = await dpopKey();
const dpopJwk = await dpop.export();

const canaries = new Set<string>([...Object.values(SECRETS), clientJwk.d!, pkcs8, dpopJwk.d!]);

let overheard: Overheard;
before(() => {
  overheard = overhear();
});
after(() => {
  overheard.stop();
  assertAbsent(overheard.text(), canaries, "the console");
  // those that nobody knows beforehand were seen on their way: verifiers, assertions, request objects
  assert.ok(canaries.size >= 40, `${canaries.size} secrets`);
});

/** A request on its way. */
interface Echoed {
  readonly url: string;
  readonly method: string;
  readonly headers: Headers;
  readonly body: string;
  /** What a server would quote of it: the values of its parameters, its credentials. */
  readonly values: string[];
}

function echoed(url: string, init: RequestInit): Echoed {
  const headers = new Headers(init.headers);
  const body = String(init.body ?? "");
  const isForm = init.body instanceof URLSearchParams;
  const values = isForm ? [...init.body as URLSearchParams].map(([, value]) => value) : [body];
  const [scheme, credentials = ""] = (headers.get("authorization") ?? "").split(" ");
  if (credentials) values.push(credentials);
  if (scheme === "Basic") {
    values.push(...atob(credentials).split(":"), decodeURIComponent(atob(credentials).replaceAll("+", " ")));
  }
  if (isForm) {
    for (const name of ["code_verifier", "client_assertion", "request", "assertion"]) {
      const value = (init.body as URLSearchParams).get(name);
      if (value) canaries.add(value);
    }
  }
  return { url, method: init.method ?? "GET", headers, body, values };
}

/** What can be quoted in a header as it is. */
const inHeader = (values: string[]) =>
  values.filter((value) => /^[\x20-\x7e]+$/.test(value)).join(" ").replace(/["\\]/g, "\\$&");

/** How a server or a network quotes what it was sent. */
const echoes: Record<string, (request: Echoed) => Response> = {
  "in the description of an error": ({ values }) =>
    json({ error: "invalid_request", error_description: values.join(" ") }, 400),
  "one by one": ({ values }) => json({ error: values.at(-1), error_description: values[0] }, 400),
  "as the name of an error": ({ values }) => json({ error: values.join("~") }, 400),
  "in a challenge": ({ values }) => {
    const words = inHeader(values);
    const challenge =
      `Basic realm="${words}", Bearer realm="${words}", error="invalid_token", error_description="${words}"`;
    return new Response(null, { status: 401, headers: { "www-authenticate": challenge } });
  },
  "on a web page": ({ url, body, values }) =>
    new Response(`<h1>${url}</h1><pre>${body}</pre>${values}`, {
      status: 403,
      headers: { "content-type": "text/html" },
    }),
  "on a web page of a server that is down": ({ body }) => new Response(`<pre>${body}</pre>`, { status: 502 }),
  "as plain text": ({ url, method, headers, body }) =>
    new Response(`${method} ${url}\n${JSON.stringify([...headers])}\n\n${body}`, { status: 400 }),
  "in a form": ({ values }) => {
    return new Response(
      new URLSearchParams({ error: "invalid_request", error_description: values.join(" ") }),
      { status: 400 },
    );
  },
  "in what is no JSON": ({ values }) => json(`{"x":"${values.join('","')}`),
  "in an error with a good status": ({ values }) =>
    json({ error: "bad", error_description: values.join(" ") }),
  "in members of the wrong type": ({ values }) => {
    const names = [
      "access_token",
      "scope",
      "device_code",
      "request_uri",
      "auth_req_id",
      "client_id",
      "sub",
      "issuer",
      "keys",
    ];
    const members = Object.fromEntries(names.map((name) => [name, values]));
    const texts = {
      token_type: values.join(),
      expires_in: values.join(),
      active: values.join(),
      resource: values.join(),
    };
    return json({
      ...members,
      ...texts,
      verification_uri: `javascript:${values}`,
      registration_client_uri: values,
    });
  },
  "in tokens that are none": ({ values }) =>
    json({ access_token: values.join("\n"), token_type: "Bearer", expires_in: 60, active: 1 }),
  "in a member that is there twice": ({ values }) => json(`{"a":${JSON.stringify(values)},"a":1}`),
  "in a redirect": ({ values }) => {
    const location = `https://evil.test/${values.map(encodeURIComponent)}`;
    return new Response(null, { status: 302, headers: { location } });
  },
  "in every header": ({ values }) => {
    const words = inHeader(values);
    const headers = {
      "set-cookie": words,
      "content-type": `text/${words}`,
      "retry-after": words,
      "dpop-nonce": words,
      etag: words,
    };
    return new Response(words, { status: 503, statusText: words, headers });
  },
  "in what fetch throws": ({ url, body, values }) => {
    const cause = Object.assign(new Error(`${values}`), { code: "ECONNRESET", input: body });
    throw Object.assign(new TypeError(`fetch failed: ${url} ${body}`, { cause }), { values });
  },
  "in what breaks an answer off": ({ values }) =>
    new Response(new ReadableStream({ pull: (controller) => controller.error(new Error(`${values}`)) })),
};

const clients: Record<string, () => Client | Promise<Client>> = {
  client_secret_post: () => ({ clientId: "app", authentication: clientSecretPost(SECRETS.clientSecret) }),
  "client_secret_post of odd characters": () => ({
    clientId: "app",
    authentication: clientSecretPost(SECRETS.oddClientSecret),
  }),
  client_secret_basic: () => ({ clientId: "app", authentication: clientSecretBasic(SECRETS.clientSecret) }),
  "client_secret_basic of odd characters": () => ({
    clientId: "app",
    authentication: clientSecretBasic(SECRETS.oddClientSecret),
  }),
  client_secret_jwt: () => ({ clientId: "app", authentication: clientSecretJwt(SECRETS.longClientSecret) }),
  "private_key_jwt and DPoP": async () => ({
    clientId: "app",
    authentication: privateKeyJwt(await signingKey(clientJwk)),
    dpop,
  }),
  "a federated assertion": () => ({
    clientId: "app",
    authentication: federatedAssertion(() => SECRETS.federatedAssertion),
  }),
};

/** An issuer that quotes what comes to `path`, and answers well everywhere else. */
function quotingIssuer(
  path: string,
  echo: (request: Echoed) => Response,
): { issuer: Issuer; run: ReturnType<typeof driven>["run"] } {
  const { http, run, clock } = driven({
    fetch: async (url, init) => {
      const request = echoed(url, init);
      const { pathname } = new URL(url);
      if (pathname === path) return echo(request);
      const members = await rightAnswers[pathname]?.(ORIGIN, clock.now());
      return members === undefined ? json({}, 404) : json(members, 200, { "set-cookie": SECRETS.cookie });
    },
  });
  return { issuer: issuerFromMetadata(metadataOf(ORIGIN), http), run };
}

/** Runs a flow whose last answer quotes the request, and looks at what comes of it. */
async function tellsNothing(
  flow: Flow,
  client: Client,
  echo: (request: Echoed) => Response,
  where: string,
): Promise<void> {
  const { issuer, run } = quotingIssuer(flow.path, echo);
  const value = await run(flow.run(issuer, client)).then(() => undefined, (error) => error);
  if (value !== undefined) await failureOf(Promise.reject(value));
  assertAbsent(viewsOf(value), canaries, where);
}

describe("no secret is in the error of", () => {
  for (const [name, flow] of Object.entries(flows)) {
    it(`${name}, wherever the server quotes it`, async () => {
      for (const [how, echo] of Object.entries(echoes)) {
        await tellsNothing(flow, await clients.client_secret_post(), echo, how);
      }
    });
  }
  for (const [name, client] of Object.entries(clients)) {
    it(`a request with ${name}, wherever the server quotes it`, async () => {
      for (const [how, echo] of Object.entries(echoes)) {
        for (const flow of ["client credentials", "a refresh", "a revocation"]) {
          await tellsNothing(flows[flow], await client(), echo, how);
        }
      }
    });
  }

  it("a call that was wrong from the start", async () => {
    const { issuer } = quotingIssuer("/", () => json({}));
    const client: Client = { clientId: "app" };
    const { accessToken, clientSecret, federatedAssertion: assertion } = SECRETS;
    const breaking = `${accessToken}\r\nx: y`;
    const wrong: Record<string, () => Promise<unknown>> = {
      "an issuer with a password": () => discover(`https://ada:${clientSecret}@as.test`),
      "an issuer with a query": () => discover(`https://as.test?x=${clientSecret}`),
      "a token with a line break": () => userInfo(issuer, client, breaking),
      "an initial token with a line break": () =>
        registerClient(issuer, {}, { initialAccessToken: breaking }),
      "a key that is none": () => signingKey(clientSecret),
      "a PEM of another kind": () =>
        signingKey(`-----BEGIN RSA PRIVATE KEY-----\n${pkcs8}\n-----END RSA PRIVATE KEY-----`),
      "a broken PEM": () =>
        signingKey(`-----BEGIN PRIVATE KEY-----\n${pkcs8.slice(0, -20)}\n-----END PRIVATE KEY-----`),
      "a JWK for another algorithm": () => signingKey(clientJwk, { algorithm: "RS256" }),
      "a broken JWK": () => signingKey(JSON.stringify({ ...clientJwk, crv: "P-999" })),
      "a DPoP key that is none": () => dpopKey({ ...dpopJwk, kty: "RSA" }),
      "an assertion that is no JWT": () => jwtBearerGrant(issuer, client, { assertion: clientSecret }),
      "a client assertion that is no JWT": () => {
        const authentication = federatedAssertion(() => `${assertion}.more`);
        return passwordGrant(issuer, { ...client, authentication }, {
          username: "ada",
          password: SECRETS.password,
        });
      },
      "a callback that is no address": async () => {
        const { redeem } = await authorizationRequest(issuer, client, { redirectUri: REDIRECT });
        return await redeem(`code=${SECRETS.code}`);
      },
      "a callback for somebody else": async () => {
        const { redeem } = await authorizationRequest(issuer, client, { redirectUri: REDIRECT });
        return await redeem(`${REDIRECT}?code=${SECRETS.code}&state=other&access_token=${accessToken}`);
      },
      "a callback with a wrong issuer": async () => {
        const { redeem, url } = await authorizationRequest(issuer, client, { redirectUri: REDIRECT });
        const state = new URL(url).searchParams.get("state")!;
        return await redeem(new URLSearchParams({ code: SECRETS.code, state, iss: "https://evil.test" }));
      },
    };
    for (const [what, call] of Object.entries(wrong)) {
      const error = await call().then(() => assert.fail(`${what} is taken`), (error) => error);
      assert.equal(error.name, "TokenError", what);
      assertAbsent(viewsOf(error), canaries, what);
    }
  });
});

describe("no secret is to be seen in", () => {
  it("clients, keys, issuers, grants and sources, before and after they were used", async () => {
    const { issuer, run } = quotingIssuer("/nowhere", () => json({}));
    const assertion = () => Promise.resolve(SECRETS.jwtAssertion);
    for (const [name, make] of Object.entries(clients)) {
      const client = await make();
      const grants = [
        clientCredentials({ extra: { shared: "no secret" } }),
        refreshToken({ refreshToken: SECRETS.refreshToken }),
        tokenExchange(() => Promise.resolve(SECRETS.subjectToken), {
          actorToken: SECRETS.actorToken,
          actorTokenType: "urn:x",
        }),
        jwtBearer(assertion),
      ];
      for (const grant of grants) {
        const source = tokenSource(issuer, client, grant);
        const all = [issuer, client, client.authentication, client.dpop, grant, source];
        assertAbsent(all.map(viewsOf).join(), canaries, name);
        await run(source.get().catch(() => {}));
        assertAbsent(all.map(viewsOf).join(), canaries, name);
      }
    }
    const keys = [
      dpop,
      await signingKey(clientJwk),
      await signingKey(`-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----`),
    ];
    assertAbsent(keys.map(viewsOf).join(), canaries, "a key");
  });

  it("sign-ins that wait for a person, before and after", async () => {
    const { issuer, run } = quotingIssuer("/nowhere", () => json({}));
    const client = await clients["private_key_jwt and DPoP"]();
    const plain: Client = { clientId: "app" };
    const device = await deviceAuthorization(issuer, client);
    const hint = { loginHintToken: SECRETS.loginHintToken, userCode: SECRETS.userCode };
    const backchannel = await backchannelAuthentication(issuer, client, hint);
    const request = await authorizationRequest(issuer, plain, { redirectUri: REDIRECT });
    const waiting = [device, backchannel, request];
    assertAbsent(waiting.map(viewsOf).join(), canaries, "a sign-in");
    const state = new URL(request.url).searchParams.get("state")!;
    await run(request.redeem(new URLSearchParams({ code: SECRETS.code, state })));
    for (
      const { wait } of [
        await deviceAuthorization(issuer, plain),
        await backchannelAuthentication(issuer, plain, hint),
      ]
    ) {
      await run(wait());
    }
    assertAbsent(waiting.map(viewsOf).join(), canaries, "a sign-in");
  });
});

describe("this search", () => {
  it("finds a secret in each of its forms", () => {
    for (const secret of [SECRETS.oddClientSecret, SECRETS.accessToken]) {
      for (const form of formsOf(secret)) {
        const carrier = Object.assign(new Error("x"), { hidden: { deep: [`before ${form} after`] } });
        Object.defineProperty(carrier, "unseen", { value: form });
        assert.throws(() => assertAbsent(viewsOf(carrier), canaries, ""), /is to be seen in/);
      }
    }
  });
});
