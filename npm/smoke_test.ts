/**
 * The package as an npm user has it. `deno task npm:smoke` copies this file into a project that has the package
 * installed, and runs it there on Node, Bun and Deno.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import * as token from "@apex/token";
import { profile } from "@apex/token/profile";
import { encryptedStore, memoryStore } from "@apex/token/stores";
import { type AuthorizationServer, authorizationServer } from "@apex/token/testing";

const require = createRequire(import.meta.url);
const folder = fileURLToPath(new URL("./node_modules/@apex/token/", import.meta.url));
const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
const program = join(folder, manifest.bin["apex-token"]);
/** Every entry but the command line, which runs when it is loaded. */
const libraries = Object.entries<{ default: string }>(manifest.exports)
  .filter(([, entry]) => join(folder, entry.default) !== program)
  .map(([name]) => `@apex/token${name.slice(1)}`);

const secret = "s3cret:/+ é";

describe("the installed package", () => {
  let home: string;
  let server: AuthorizationServer;
  let listener: Server;

  before(async () => {
    home = mkdtempSync(join(tmpdir(), "apex-token-smoke-"));
    listener = createServer();
    await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
    const issuer = `http://127.0.0.1:${(listener.address() as AddressInfo).port}`;
    server = await authorizationServer({ issuer, clients: [{ clientId: "machine", secret }] });
    serve(listener, server);
  });

  after(async () => {
    listener.closeAllConnections();
    await new Promise((resolve) => listener.close(resolve));
    rmSync(home, { recursive: true, force: true });
  });

  it("has more than one entry", () => {
    assert.ok(libraries.length >= 4, libraries.join());
  });

  for (const name of libraries) {
    it(`gives by require of ${name} what it gives by import`, async () => {
      const imported = await import(name);
      const required = require(name);
      const names = Object.keys(imported).sort();
      assert.ok(names.length > 0);
      for (const name of names) assert.equal(required[name], imported[name], name);
    });
  }

  it("has one TokenError for all its entries", async () => {
    const error = await profile("nobody-made-this").get().catch((error: unknown) => error);
    assert.ok(error instanceof token.TokenError, String(error));
    assert.equal(error.code, "unknown_profile");
  });

  it("keeps bytes in its stores, encrypted", async () => {
    const inner = memoryStore();
    const store = encryptedStore(inner, crypto.getRandomValues(new Uint8Array(32)), "smoke");
    const version = await store.compareAndSet("name", undefined, new Uint8Array([1, 2, 3]));
    assert.deepEqual(await store.read("name"), { version, value: new Uint8Array([1, 2, 3]) });
    assert.ok((await inner.read("name"))!.value.length > 32);
  });

  it("fetches a token with client credentials, once for many callers", async () => {
    const issuer = await token.discover(server.issuer, { allowInsecureLoopback: true });
    const client = { clientId: "machine", authentication: token.clientSecretBasic(secret) };
    const source = token.tokenSource(issuer, client, token.clientCredentials({ scope: "openid roles" }));
    const requests = server.count("token");
    const tokens = await Promise.all([source.get(), source.get(), source.get()]);
    assert.equal(server.count("token"), requests + 1);
    assert.equal(new Set(tokens.map(({ accessToken }) => accessToken)).size, 1);
    assert.equal(token.unverifiedClaims(tokens[0].accessToken)?.scope, "openid roles");
  });

  it("says a refusal in the server's words", async () => {
    const issuer = await token.discover(server.issuer, { allowInsecureLoopback: true });
    const client = { clientId: "machine", authentication: token.clientSecretBasic("wrong") };
    const error = await token.clientCredentialsGrant(issuer, client).catch((error: unknown) => error);
    assert.ok(token.isTokenError(error), String(error));
    assert.deepEqual([error.code, error.serverError], ["server_refused", "invalid_client"]);
  });

  it("does nothing when its SDK is started as a program", async () => {
    assert.deepEqual(await run([join(folder, "mod.js"), "--version"]), { code: 0, stdout: "", stderr: "" });
  });

  it("prints its version by its command", async () => {
    assert.deepEqual(await command("--version"), { code: 0, stdout: `${manifest.version}\n`, stderr: "" });
  });

  it("runs the command line when that entry is imported", async () => {
    const script = join(folder, "../../../command.mjs");
    writeFileSync(script, 'import "@apex/token/cli";\n');
    const printed = { code: 0, stdout: `${manifest.version}\n`, stderr: "" };
    assert.deepEqual(await run([script, "--version"]), printed);
  });

  it("shows the help of a command", async () => {
    const { code, stdout } = await command("get", "--help");
    assert.equal(code, 0);
    assert.match(stdout, /^Usage: apex-token get /m);
  });

  it("signs a service in by its command, and prints the token from the cache", async () => {
    const file = join(home, "secret");
    writeFileSync(file, secret, { mode: 0o600 });
    const at = ["--issuer", server.issuer, "--allow-insecure-loopback"];
    const login = await command("login", "svc", ...at, "--client-id", "machine", "--secret-file", file);
    assert.equal(login.code, 0, login.stderr);
    const first = await command("get", "svc");
    assert.match(first.stdout, /^[\w.-]+\n$/, first.stderr);
    const requests = server.requests.length;
    const { code, stdout, stderr } = await command("get", "svc", "-o", "header");
    assert.deepEqual({ code, stdout, stderr }, {
      code: 0,
      stdout: `Authorization: Bearer ${first.stdout}`,
      stderr: "",
    });
    assert.equal(server.requests.length, requests, "and asks nobody");
  });

  it("says in its command what is wrong, without a stack", async () => {
    const { code, stdout, stderr } = await command("get", "nobody-made-this");
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, /^apex-token: There is no profile "nobody-made-this"\./);
    assert.doesNotMatch(stderr, /^\s+at .*:\d+/m);
  });

  function command(...args: string[]): Promise<Ended> {
    return run([realpathSync(program), ...args]);
  }

  /** Runs a program on the runtime of this test. */
  function run(args: readonly string[]): Promise<Ended> {
    const deno = process.versions.deno === undefined ? [] : ["run", "-A", "--no-prompt", "--cached-only"];
    const { PATH = "", DENO_DIR } = process.env;
    const env = { PATH, HOME: home, NO_COLOR: "1", ...(DENO_DIR === undefined ? {} : { DENO_DIR }) };
    return new Promise((resolve) => {
      execFile(process.execPath, [...deno, ...args], { env, timeout: 300_000 }, (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
        resolve({ code, stdout, stderr });
      });
    });
  }
});

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Lets a server that lives in this process answer on a socket. */
function serve(listener: Server, { issuer, fetch }: AuthorizationServer): void {
  listener.on("request", async (request, response) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const headers = new Headers();
    for (const [name, value] of Object.entries(request.headers)) headers.set(name, String(value));
    const answer = await fetch(`${issuer}${request.url}`, {
      method: request.method ?? "GET",
      headers,
      redirect: "manual",
      ...(chunks.length > 0 ? { body: Buffer.concat(chunks).toString() } : {}),
    });
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    response.end(new Uint8Array(await answer.arrayBuffer()));
  });
}
