/**
 * Requirements on every request that take a socket, a file or another program: C2, C3, and what C6, C15 and C16 ask of the
 * listener, of a real server and of the command line.
 */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { after, afterEach, describe, it } from "node:test";
import {
  authorizationRequest,
  clientCredentialsGrant,
  clientSecretBasic,
  discover,
  issuerFromMetadata,
} from "../../mod.ts";
import { root } from "../../scripts/toolchain.ts";
import { closeAll, request as visit, send, start, status } from "../host/callback.ts";
import { makeCertificates } from "../hostile/certificates.ts";
import { driven } from "../hostile/driven.ts";
import { answer } from "../hostile/faults.ts";
import { startHostileServer } from "../hostile/server.ts";
import { SERVICE_SECRET, startProvider } from "../interop/oidc_provider.ts";
import { newHome } from "./command_line.ts";
import { serve } from "./served.ts";
import { app, json, REDIRECT, refusedWith, service, stub, tokens } from "./support.ts";

afterEach(closeAll);

describe("every request", () => {
  describe("over TLS", () => {
    const certificates = makeCertificates();
    const home = newHome();
    after(() => home.remove());

    it("C2 is not made when the certificate is not good, and no environment variable changes that", async () => {
      for (const kind of ["expired", "wrongHost", "selfSigned"] as const) {
        const server = await startHostileServer({ tls: certificates[kind], routes: {} });
        const { http, run } = driven();
        const error = await refusedWith("network", run(discover(server.origin, http)), kind);
        assert.match(error.message, /its certificate is not trusted/);
        // once is enough: each command is a process, and tries three times
        if (kind === "selfSigned") {
          const env = { NODE_TLS_REJECT_UNAUTHORIZED: "0", DENO_TLS_CA_STORE: "mozilla" };
          const { code } = await home.run(["login", "x", "--issuer", server.origin, "--client-id", "app"], {
            env,
          });
          assert.equal(code, 6);
        }
        assert.equal(server.received.bytes, 0);
        await server.close();
      }
      const sources = readdirSync(`${root}lib`, { recursive: true, encoding: "utf8" }).filter((path) =>
        /\.ts$/.test(path)
      );
      const offers = /rejectUnauthorized: *false|unsafely-?ignore-?certificate|TLS_REJECT_UNAUTHORIZED/i;
      assert.deepEqual(sources.filter((path) => offers.test(readFileSync(`${root}lib/${path}`, "utf8"))), []);
    });
  });

  it("C3 to the token endpoint is a POST of a UTF-8 form with nothing in the URL", async () => {
    const server = await startHostileServer({
      routes: {
        "/token": answer({ headers: ["content-type: application/json"], body: JSON.stringify(tokens()) }),
      },
    });
    const metadata = { issuer: server.origin, token_endpoint: `${server.origin}/token` };
    const issuer = issuerFromMetadata(metadata, { allowInsecureLoopback: true });
    await clientCredentialsGrant(issuer, { clientId: "a b+c" }, {
      scope: "openid grüße",
      resource: "https://api.test/?x=1&y",
    });
    await server.close();
    const [{ method, target, head, body }] = server.requests;
    assert.deepEqual([method, target], ["POST", "/token"]);
    assert.match(head, /^content-type: application\/x-www-form-urlencoded(;charset=utf-8)?$/im);
    assert.deepEqual(body.split("&").sort(), [
      "client_id=a+b%2Bc",
      "grant_type=client_credentials",
      "resource=https%3A%2F%2Fapi.test%2F%3Fx%3D1%26y",
      "scope=openid+gr%C3%BC%C3%9Fe",
    ]);
  });
});

describe("the listener for the browser", () => {
  it("C6 refuses an answer that repeats a parameter, and waits on", async () => {
    const { issuer } = stub(json(tokens()));
    const request = await authorizationRequest(issuer, app, { redirectUri: REDIRECT, scope: "openid" });
    const state = new URL(request.url).searchParams.get("state")!;
    const listener = await start({ accept: request.accepts });
    for (const twice of [`code=a&code=b&state=${state}`, `code=a&state=${state}&state=${state}`]) {
      assert.equal(status(await send(listener, visit(listener, `/callback?${twice}`))), 400);
    }
    assert.equal(status(await send(listener, visit(listener, `/callback?code=right&state=${state}`))), 200);
    assert.equal((await listener.answer).get("code"), "right");
  });
});

describe("a client", () => {
  const home = newHome();
  after(() => home.remove());

  it("C15 needs the issuer's URL and nothing else, also of a real server", async () => {
    const provider = await startProvider();
    try {
      const issuer = await discover(provider.issuer, { allowInsecureLoopback: true });
      const client = {
        ...service,
        clientId: "apex-service",
        authentication: clientSecretBasic(SERVICE_SECRET),
      };
      assert.ok((await clientCredentialsGrant(issuer, client)).accessToken);
    } finally {
      await provider.close();
    }
  });

  it("C16 says on the command line which scope was granted", async () => {
    const served = await serve({ interval: 1 });
    const device = home.start([
      "login",
      "c16",
      "--issuer",
      served.origin,
      "--client-id",
      "app",
      "--allow-insecure-loopback",
    ]);
    const [, code] = await device.waitFor("stderr", /enter the code\s+(\S+)/);
    served.server.approveDevice(code);
    assert.match((await device.ended).stderr, /^Granted: openid offline_access\.$/m);
    const { stdout } = await home.run(["get", "c16", "-o", "json"]);
    assert.equal(JSON.parse(stdout).scope, "openid offline_access");
    await served.close();
  });
});
