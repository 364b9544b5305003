import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import { createServer as createPlainServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type Certificate, makeCertificates } from "../hostile/certificates.ts";
import { runProgram } from "./programs.ts";
import { type ProxyServer, proxyServer } from "./proxy_server.ts";

const folder = mkdtempSync(join(tmpdir(), "fetch-"));
const caFile = join(folder, "ca.pem");
const caDirectory = join(folder, "directory");
const certificates = makeCertificates();
/** No base64; no certificate; and a certificate with more behind it, which Deno alone refuses, and only when it is used. */
const BROKEN = ["!!!!", "AAAA", withTail(certificates.authority)]
  .map((text) => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`).join("");
const closers: (() => void)[] = [];

function withTail(pem: string): string {
  const bytes = atob(pem.replace(/-----.*-----|\s/g, ""));
  return btoa(bytes + "\0\0").replace(/.{64}/g, "$&\n");
}

interface Site {
  readonly port: number;
  /** What was asked, method and URL each. */
  readonly requests: string[];
}

async function site(certificate?: Certificate): Promise<Site> {
  const requests: string[] = [];
  const listener: Parameters<typeof createPlainServer>[1] = (request, response) => {
    requests.push(`${request.method} ${request.url}`);
    if (request.url === "/redirect") response.writeHead(302, { location: "/elsewhere" });
    response.end("hello");
  };
  const server = certificate === undefined
    ? createPlainServer(listener)
    : createServer(certificate, listener);
  await new Promise<void>((resolve) => server.listen({ host: "127.0.0.1", port: 0 }, resolve));
  closers.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return { port: (server.address() as AddressInfo).port, requests };
}

async function proxy(options: Parameters<typeof proxyServer>[0]): Promise<ProxyServer> {
  const server = await proxyServer(options);
  closers.push(server.close);
  return server;
}

/** Gets a URL in a fresh process with a scrubbed environment. */
async function get(
  url: string,
  env: Record<string, string> = {},
  ...more: string[]
): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await runProgram("fetch", [url, ...more], { env });
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

let secure: Site;
let named: Site;
const HELLO = { status: 200, body: "hello" };

before(async () => {
  mkdirSync(caDirectory);
  writeFileSync(caFile, certificates.authority);
  writeFileSync(join(caDirectory, "12345678.0"), certificates.authority);
  secure = await site(certificates.good);
  named = await site(certificates.wrongHost);
});

after(() => {
  for (const close of closers) close();
  rmSync(folder, { recursive: true });
});

describe("a private authority", () => {
  it("is not trusted unless somebody says so, and nothing is sent", async () => {
    secure.requests.length = 0;
    const blind: Record<string, string> = { NODE_TLS_REJECT_UNAUTHORIZED: "0" };
    for (const env of [{}, blind, { ...blind, HTTPS_PROXY: "http://127.0.0.1:1" }]) {
      const { code, message, sent } = await get(`https://127.0.0.1:${secure.port}/`, env);
      assert.deepEqual([code, sent], ["network", false]);
      assert.match(String(message), /certificate is not trusted/);
    }
    assert.deepEqual(secure.requests, []);
  });

  it("is trusted through SSL_CERT_FILE", async () => {
    assert.deepEqual(await get(`https://127.0.0.1:${secure.port}/`, { SSL_CERT_FILE: caFile }), HELLO);
  });

  it("is trusted through SSL_CERT_DIR", async () => {
    const SSL_CERT_DIR = `/nonexistent:${caDirectory}`;
    assert.deepEqual(await get(`https://127.0.0.1:${secure.port}/`, { SSL_CERT_DIR }), HELLO);
  });

  it("is trusted through a CA file, whatever else is missing", async () => {
    const env = { SSL_CERT_FILE: "/nonexistent", SSL_CERT_DIR: "/nonexistent" };
    assert.deepEqual(
      await get(`https://127.0.0.1:${secure.port}/`, env, caFile),
      HELLO,
    );
  });

  it("is trusted though there are broken certificates beside it", async () => {
    const broken = join(folder, "broken.pem");
    writeFileSync(broken, `${BROKEN}# a comment\n${certificates.authority}${BROKEN}`);
    assert.deepEqual(await get(`https://127.0.0.1:${secure.port}/`, { SSL_CERT_FILE: broken }), HELLO);
  });

  it("vouches only for the names in its certificates, and not for what has expired", async () => {
    const expired = await site(certificates.expired);
    for (const { port, requests } of [named, expired]) {
      const before = requests.length;
      const { code, sent } = await get(`https://127.0.0.1:${port}/`, { SSL_CERT_FILE: caFile });
      assert.deepEqual([code, sent], ["network", false]);
      assert.equal(requests.length, before);
    }
  });
});

describe("a CA file", () => {
  it("must be there", async () => {
    assert.deepEqual(await get("https://127.0.0.1:1/", {}, "/nonexistent/ca.pem"), {
      code: "storage",
      message: "Cannot read the CA file /nonexistent/ca.pem (ENOENT)",
    });
  });

  it("must hold a certificate", async () => {
    const empty = join(folder, "empty.pem");
    writeFileSync(empty, certificates.good.key + BROKEN.slice(0, BROKEN.indexOf("MI")));
    const { code, message } = await get("https://127.0.0.1:1/", {}, empty);
    assert.equal(code, "invalid_argument");
    assert.match(String(message), /holds no certificate/);
  });
});

describe("a redirect", () => {
  it("is not followed", async () => {
    secure.requests.length = 0;
    const { code } = await get(`https://127.0.0.1:${secure.port}/redirect`, { SSL_CERT_FILE: caFile });
    assert.equal(code, "invalid_response");
    assert.deepEqual(secure.requests, ["GET /redirect"]);
  });
});

describe("a proxy", () => {
  for (const variable of ["HTTPS_PROXY", "https_proxy"]) {
    it(`in ${variable} is asked for a tunnel to another machine, with trust as without it`, async () => {
      const { port, requests } = await proxy({ target: named.port });
      const env = { [variable]: `http://127.0.0.1:${port}`, SSL_CERT_FILE: caFile };
      assert.deepEqual(await get("https://other.example/", env), HELLO);
      assert.equal(requests.length, 1);
      assert.match(requests[0], /^CONNECT other\.example:443 HTTP\/1\.1\r\nHost: other\.example:443\r\n/);
      const { code, sent } = await get("https://other.example/", { [variable]: `http://127.0.0.1:${port}` });
      assert.deepEqual([code, sent], ["network", false]);
    });
  }

  it("is not asked about this machine", async () => {
    const { port, requests } = await proxy({ target: named.port });
    const plain = await site();
    const url = `http://127.0.0.1:${port}`;
    const env = { HTTPS_PROXY: url, HTTP_PROXY: url, http_proxy: url, ALL_PROXY: url, SSL_CERT_FILE: caFile };
    for (const variables of [env, { ...env, NODE_USE_ENV_PROXY: "1" }]) {
      assert.deepEqual(await get(`https://127.0.0.1:${secure.port}/`, variables), HELLO);
      assert.deepEqual(await get(`http://127.0.0.1:${plain.port}/`, variables), HELLO);
    }
    assert.deepEqual(requests, []);
  });

  it("is not asked about what NO_PROXY has", async () => {
    const { port, requests } = await proxy({ target: named.port });
    const env = {
      HTTPS_PROXY: `http://127.0.0.1:${port}`,
      NO_PROXY: "127.0.0.1, .example",
      SSL_CERT_FILE: caFile,
    };
    const { code, sent } = await get("https://other.example/", env);
    assert.deepEqual([code, sent], ["network", false]);
    assert.deepEqual(requests, []);
  });

  it("gets the credentials in its URL", async () => {
    const { port, requests } = await proxy({ target: named.port });
    const env = { HTTPS_PROXY: `ada:p%40%E9%zz@127.0.0.1:${port}`, SSL_CERT_FILE: caFile };
    assert.deepEqual(await get("https://other.example/", env), HELLO);
    assert.match(requests[0], new RegExp(`\r\nProxy-Authorization: Basic ${btoa("ada:p@\xe9%zz")}\r\n`));
  });

  it("may be spoken to over TLS", async () => {
    const { port, requests } = await proxy({ target: named.port, certificate: certificates.good });
    const env = { HTTPS_PROXY: `https://127.0.0.1:${port}`, SSL_CERT_FILE: caFile };
    assert.deepEqual(await get("https://other.example/", env), HELLO);
    assert.equal(requests.length, 1);
    const { code, sent } = await get("https://other.example/", { HTTPS_PROXY: `https://127.0.0.1:${port}` });
    assert.deepEqual([code, sent], ["network", false]);
    assert.equal(requests.length, 1, "it is not trusted blindly");
  });

  const refusals: [name: string, refusal: string, clue: RegExp][] = [
    [
      "refuses",
      "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
      /PROXY_STATUS_407/,
    ],
    ["speaks another protocol", "SSH-2.0-OpenSSH\r\n\r\n", /PROXY_STATUS_UNKNOWN/],
    ["hangs up", "", /PROXY_CLOSED|ECONNRESET/],
    ["sends more than its answer", "HTTP/1.1 200 OK\r\n\r\nmore", /PROXY_STATUS_200/],
    ["never ends its answer", `HTTP/1.1 200 OK\r\nX: ${"x".repeat(20_000)}`, /PROXY_ANSWER/],
  ];
  for (const [name, refusal, clue] of refusals) {
    it(`that ${name} is a network error, and nothing was sent`, async () => {
      const before = named.requests.length;
      const { port } = await proxy({ target: named.port, refusal });
      const env = { HTTPS_PROXY: `http://127.0.0.1:${port}`, SSL_CERT_FILE: caFile };
      const { code, message, sent } = await get("https://other.example/", env);
      assert.deepEqual([code, sent], ["network", false]);
      assert.match(String(message), clue);
      assert.equal(named.requests.length, before);
    });
  }

  it("that cannot be reached is a network error", async () => {
    const { code, message, sent } = await get("https://other.example/", {
      HTTPS_PROXY: "http://127.0.0.1:1",
    });
    assert.deepEqual([code, sent], ["network", false]);
    assert.match(String(message), /the connection was refused \(PROXY_ECONNREFUSED\)/);
  });
});
