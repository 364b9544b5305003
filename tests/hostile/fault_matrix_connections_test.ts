/**
 * What can go wrong before an answer is there.
 *
 * | not here | because |
 * | --- | --- |
 * | slow DNS, an IPv6 black hole, rebinding | a matter of the runtime's resolver; the deadline is the same as for a hang |
 */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { machineFetch } from "../../lib/host/machine_fetch.ts";
import { proxyServer } from "../host/proxy_server.ts";
import { currentRuntime } from "../process.ts";
import { makeCertificates } from "./certificates.ts";
import { assertOutcome, attempt, ENDPOINTS, type Fault, json, REPEATABLE, SECRETS } from "./fault_matrix.ts";
import { raw, reset } from "./faults.ts";
import {
  type HostileServer,
  type HostileServerOptions,
  NOWHERE,
  type Script,
  startHostileServer,
} from "./server.ts";

const right: Fault = ({ good }) => async (connection) => await json(await good())(connection);
const servers: HostileServer[] = [];
after(() => Promise.all(servers.map((server) => server.close())));

async function start(options: HostileServerOptions): Promise<HostileServer> {
  const server = await startHostileServer(options);
  servers.push(server);
  return server;
}

describe("a server over TLS", () => {
  const certificates = makeCertificates();
  for (const kind of ["expired", "wrongHost", "selfSigned", "good"] as const) {
    const name = kind === "good" ? "of an unknown authority" : kind;
    it(`with a certificate (${name}) is refused everywhere, before anything is sent`, async () => {
      const server = await start({ tls: certificates[kind] });
      for (const endpoint of ENDPOINTS) {
        const outcome = await attempt(endpoint, right, { at: server.origin });
        // a token endpoint had its say before the keys could not be fetched
        assertOutcome(outcome, { code: "network", requests: 0, sent: endpoint === "jwks" });
        assert.match(
          outcome.error!.message,
          new RegExp(`127\\.0\\.0\\.1:${server.port}: its certificate is not trusted \\(.+\\)$`),
        );
        assert.match(outcome.error!.nextStep!, /--ca-file or SSL_CERT_FILE/);
        assert.equal(outcome.error!.retryable, true);
      }
      assert.equal(server.received.bytes, 0);
    });
  }

  const breaks: Record<string, Script> = {
    "closes within the handshake": raw(),
    "breaks off within the handshake": reset(),
    "knows TLS 1.1 only": raw("\x15\x03\x02\x00\x02\x02\x46"),
    "speaks plain HTTP": raw("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"),
  };
  for (const [name, script] of Object.entries(breaks)) {
    it(`that ${name} is a network error everywhere`, async () => {
      const server = await start({ uncouth: script });
      for (const endpoint of ENDPOINTS) {
        const before = server.received.connections;
        const { error } = await attempt(endpoint, right, { at: `https://127.0.0.1:${server.port}` });
        assert.equal(error?.code, "network");
        assert.match(error.message, new RegExp(`127\\.0\\.0\\.1:${server.port}: `));
        const most = REPEATABLE.includes(endpoint) ? 3 : 1;
        assert.ok(
          server.received.connections - before <= most,
          `${endpoint} ${server.received.connections - before}`,
        );
      }
    });
  }
});

describe("a name", () => {
  it("that nobody knows is a network error everywhere, and nothing was sent", async () => {
    for (const endpoint of ENDPOINTS) {
      const outcome = await attempt(endpoint, right, { at: "https://auth.invalid" });
      assertOutcome(outcome, {
        code: "network",
        message: /auth\.invalid: the name was not found/,
        requests: 0,
        sent: endpoint === "jwks",
      });
    }
  });

  it("with two addresses, at one of which nobody listens, is reached at the other", async () => {
    for (const endpoint of ENDPOINTS) {
      assertOutcome(await attempt(endpoint, right, { at: "http://localhost:PORT" }), { code: "good" });
    }
  });

  it("at which nobody listens is a network error everywhere, and nothing was sent", async () => {
    for (const endpoint of ENDPOINTS) {
      const outcome = await attempt(endpoint, right, { at: NOWHERE });
      assertOutcome(outcome, {
        code: "network",
        message: /: the connection was refused/,
        requests: 0,
        sent: endpoint === "jwks",
      });
    }
  });
});

describe("a proxy", () => {
  const certificates = makeCertificates();

  async function through(url: string, more: Record<string, string> = {}) {
    const environment = { HTTPS_PROXY: url, HTTP_PROXY: url, ...more } as Record<string, string>;
    return await machineFetch({
      runtime: currentRuntime(),
      platform: "linux",
      environment: (name) => environment[name],
    });
  }

  it("that wants to be signed in to (407) is a network error everywhere, and gets its own credentials alone", async () => {
    for (const credentials of ["", "ada:proxy-password@"]) {
      const refusal =
        "HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic\r\ncontent-length: 0\r\n\r\n";
      const proxy = await proxyServer({ target: 1, refusal });
      const fetch = await through(`http://${credentials}127.0.0.1:${proxy.port}`);
      for (const endpoint of ENDPOINTS) {
        const { error, requests } = await attempt(endpoint, right, { at: "https://auth.invalid", fetch });
        assert.deepEqual([error?.code, requests], ["network", 0]);
        assert.match(error!.message, /auth\.invalid: .*407/);
        assert.doesNotMatch(error!.message, /proxy-password/);
      }
      proxy.close();
      for (const request of proxy.requests) {
        assert.match(request, /^CONNECT auth\.invalid:443 HTTP\/1\.1\r\n/);
        for (const secret of SECRETS) assert.ok(!request.includes(secret));
        const authorization = /^(?:proxy-)?authorization: (.*)$/im.exec(request)?.[1].trim();
        assert.equal(authorization, credentials ? `Basic ${btoa("ada:proxy-password")}` : undefined);
      }
    }
  });

  it("that reads along with a certificate of its own is refused everywhere, before anything is sent", async () => {
    const reader = await start({ tls: certificates.selfSigned });
    const proxy = await proxyServer({ target: reader.port });
    const fetch = await through(`http://127.0.0.1:${proxy.port}`);
    for (const endpoint of ENDPOINTS) {
      const { error } = await attempt(endpoint, right, { at: "https://auth.invalid", fetch });
      assert.equal(error?.code, "network");
      assert.match(error.message, /auth\.invalid: its certificate is not trusted/);
    }
    proxy.close();
    assert.equal(reader.received.bytes, 0);
  });

  it("is left out for the hosts of NO_PROXY and for this machine", async () => {
    const proxy = await proxyServer({ target: 1 });
    const fetch = await through(`http://127.0.0.1:${proxy.port}`, { NO_PROXY: "auth.invalid" });
    for (const endpoint of ENDPOINTS) {
      assertOutcome(await attempt(endpoint, right, { fetch }), { code: "good" });
      const { error } = await attempt(endpoint, right, { at: "https://auth.invalid", fetch });
      assert.match(error!.message, /the name was not found/);
    }
    proxy.close();
    assert.deepEqual(proxy.requests, []);
  });
});
