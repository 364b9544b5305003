/**
 * No byte of a credential reaches the place that a redirect names, or any other origin: every request of the package meets
 * every kind of redirect, over a real network, with the runtime's own `fetch` and with ours.
 */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import {
  type Client,
  clientCredentials,
  clientSecretBasic,
  clientSecretJwt,
  clientSecretPost,
  dpopKey,
  type Fetch,
  generateSigningKey,
  issuerFromMetadata,
  privateKeyJwt,
  tokenSource,
} from "../../mod.ts";
import { nodeFetch } from "../../lib/host/node_fetch.ts";
import { driven } from "../hostile/driven.ts";
import { answer } from "../hostile/faults.ts";
import { type HostileServer, type Script, startHostileServer } from "../hostile/server.ts";
import { newHome } from "./command_line.ts";
import { type Flow, flows, metadataOf, rightAnswers, SECRETS } from "./flows.ts";
import { serve } from "./served.ts";
import { refusedWith } from "./support.ts";

const STATUSES = [301, 302, 303, 307, 308];
const SECRET = SECRETS.longClientSecret;
const key = await generateSigningKey();
const dpop = await dpopKey();

/** Where nothing may arrive. */
let other: HostileServer;
before(async () => {
  other = await startHostileServer();
});
after(() => other.close());

const json = (members: unknown) =>
  answer({ headers: ["content-type: application/json"], body: JSON.stringify(members) });

const fetches: Record<string, Fetch | undefined> = {
  "the runtime's fetch": undefined,
  "our own": nodeFetch({ certificates: () => [], proxyFor: () => undefined }),
};

/** Runs a flow against a server that redirects at one path. */
async function redirected(
  { path, run }: Flow,
  client: Client,
  script: Script,
  fetch?: Fetch,
): Promise<HostileServer> {
  const { http, run: drive, clock } = driven({ fetch });
  const routes: Record<string, Script> = { [path]: script };
  const server = await startHostileServer({ routes });
  for (const [other, right] of Object.entries(rightAnswers)) {
    routes[other] ??= async (connection) => {
      const members = await right(server.origin, clock.now());
      await (members ? json(members) : answer({ status: 404 }))(connection);
    };
  }
  const issuer = issuerFromMetadata(metadataOf(server.origin), http);
  try {
    const error = await refusedWith("invalid_response", drive(run(issuer, client)), path);
    assert.match(error.message, /it is a redirect \(30\d.*\), and redirects are never followed/);
    for (const secret of Object.values(SECRETS)) assert.ok(!error.message.includes(secret));
    assert.equal(server.requests.filter(({ target }) => target === path).length, 1);
  } finally {
    await server.close();
  }
  return server;
}

for (const [who, fetch] of Object.entries(fetches)) {
  describe(`a redirect, met by ${who}, in the answer to`, () => {
    for (const [name, flow] of Object.entries(flows)) {
      it(`${name}, is an error, and nothing arrives where it leads to`, async () => {
        const client = { clientId: "app", authentication: clientSecretPost(SECRET) };
        for (const status of STATUSES) {
          const headers = [`location: ${other.origin}/steal?token=redirect-canary#x`];
          await redirected(flow, client, answer({ status, headers, body: "{}" }), fetch);
        }
        assert.deepEqual({ ...other.received }, { connections: 0, bytes: 0 });
      });
    }
  });
}

describe("a redirect of a token request", () => {
  const methods = {
    client_secret_basic: clientSecretBasic(SECRET),
    client_secret_jwt: clientSecretJwt(SECRET),
    private_key_jwt: privateKeyJwt(key),
  };
  for (const [name, authentication] of Object.entries(methods)) {
    it(`takes nothing of ${name} along, nor of a DPoP proof`, async () => {
      for (const status of STATUSES) {
        const headers = [`location: ${other.origin}/token`, "dpop-nonce: nonce"];
        await redirected(
          flows["a refresh"],
          { clientId: "app", authentication, dpop },
          answer({ status, headers }),
        );
      }
      assert.deepEqual({ ...other.received }, { connections: 0, bytes: 0 });
    });
  }

  it("leads nowhere by its other spellings either", async () => {
    const client = { clientId: "app", authentication: clientSecretPost(SECRET) };
    const host = `127.0.0.1:${other.port}`;
    const spellings = [
      `//${host}/`,
      `HTTP://${host}`,
      `http:\\\\${host}`,
      `http://localhost:${other.port}/`,
      `http://u:p@${host}/`,
      "",
      "/token",
    ];
    for (const location of spellings) {
      await redirected(
        flows["a refresh"],
        client,
        answer({ status: 307, headers: [`location: ${location}`] }),
      );
      await redirected(
        flows["a refresh"],
        client,
        answer({ status: 307, headers: [`refresh: 0;url=${location}`] }),
      );
    }
    for (const status of [300, 304, 305, 306]) {
      await redirected(
        flows["a refresh"],
        client,
        answer({ status, headers: [`location: http://${host}/`] }),
      );
    }
    assert.deepEqual({ ...other.received }, { connections: 0, bytes: 0 });
  });
});

describe("a redirect of a request to an API", () => {
  for (const [who, fetch] of Object.entries(fetches)) {
    for (const bound of [false, true]) {
      it(`is followed for reading without the ${bound ? "bound " : ""}token, and not at all for writing, by ${who}`, async () => {
        const elsewhere = await startHostileServer({
          routes: {
            "/there": (connection) =>
              answer({ body: connection.request.method === "HEAD" ? "" : "{}" })(connection),
          },
        });
        let status = 0;
        const token = {
          access_token: "access-canary",
          token_type: bound ? "DPoP" : "Bearer",
          expires_in: 300,
        };
        const api = await startHostileServer({
          routes: {
            "/token": json(token),
            "/things": (connection) =>
              answer({ status, headers: [`location: ${elsewhere.origin}/there`] })(connection),
          },
        });
        const issuer = issuerFromMetadata(metadataOf(api.origin), { fetch, allowInsecureLoopback: true });
        const source = tokenSource(
          issuer,
          { clientId: "app", ...(bound ? { dpop } : {}) },
          clientCredentials(),
        );
        for (status of STATUSES) {
          for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
            const response = await source.fetch(`${api.origin}/things`, { method, body: "body-canary" });
            assert.equal(response.status, status);
          }
          assert.deepEqual({ ...elsewhere.received }, { connections: 0, bytes: 0 });
        }
        for (status of STATUSES) {
          for (const method of ["GET", "HEAD"]) {
            const headers = { cookie: "cookie-canary", accept: "application/json" };
            const response = await source.fetch(`${api.origin}/things`, { method, headers });
            assert.equal(response.status, 200);
          }
        }
        await api.close();
        await elsewhere.close();
        assert.equal(elsewhere.requests.length, 10);
        for (const { head, body } of elsewhere.requests) {
          assert.doesNotMatch(head + body, /canary|^authorization:|^dpop:|^cookie:/im);
          assert.match(head, /^accept: application\/json$/im);
        }
      });
    }
  }
});

describe("a redirect on the command line", () => {
  const home = newHome();
  after(() => home.remove());

  it("ends every command, and nothing arrives where it leads to", async () => {
    const served = await serve();
    const signIn = [
      "login",
      "svc",
      "--issuer",
      served.origin,
      "--client-id",
      "service",
      "--secret-file",
      "-",
    ];
    const reach = ["--allow-insecure-loopback"];
    assert.equal((await home.run([...signIn, ...reach], { stdin: "service-secret" })).code, 0);
    served.intercept(({ url }) => {
      const location = `${other.origin}${url.pathname}`;
      return new Response(null, { status: 307, headers: { location } });
    });
    const commands = [["get", "svc", "--force"], ["introspect", "svc"], ["exchange", "svc"], [
      "revoke",
      "svc",
    ]];
    for (const command of [...commands, [...signIn, ...reach]]) {
      const { code, stdout, stderr } = await home.run(command, { stdin: "service-secret" });
      assert.match(stderr, /it is a redirect \(307 to 127\.0\.0\.1:\d+\)/, command[0]);
      assert.deepEqual([stdout, code], ["", 5]);
    }
    await served.close();
    assert.deepEqual({ ...other.received }, { connections: 0, bytes: 0 });
  });
});
