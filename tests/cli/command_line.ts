/**
 * The jobs of the command line from the outside, the same for every way to run it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { decoded } from "../jwt.ts";
import {
  PASSWORD_USER,
  type RunningProvider,
  SERVICE_SECRET,
  startProvider,
} from "../interop/oidc_provider.ts";
import { writeProgram } from "../process.ts";
import { type Machine, makeMachine, type Variant } from "./machine.ts";
import { arrive, at, done, refused, signInOnDevice, signInService } from "./sign_in.ts";

/** Registers the tests of one way to run it. */
export function testCommandLine(variant: Variant): void {
  describe(`the command line (${variant})`, () => {
    let provider: RunningProvider;
    let machine: Machine;

    before(async () => {
      // INDIGO IAM's issuers end in a slash
      provider = await startProvider({ interval: 1, trailingSlash: true });
      machine = await makeMachine(variant);
    });
    after(async () => {
      await provider.close();
      machine.close();
      assert.deepEqual(provider.faults, []);
    });

    it("signs a person in with a device code and says who and what next", async () => {
      const { stdout, stderr } = await signInOnDevice(machine, provider, "dev", [
        "--scope",
        "openid storage.read:/ storage.modify:/",
      ]);
      assert.equal(stdout, "");
      assert.match(stderr, /Go on only if you started this yourself/);
      assert.match(stderr, /^Signed in to 127\.0\.0\.1:\d+ as alice\.$/m);
      assert.match(stderr, /^Next: apex-token get dev$/m);
      const [request] = provider.requests.filter(({ path }) => path.endsWith("/device/auth"));
      assert.equal(request.parameters.get("client_id"), "project-a-catalogue-dev-api");
      assert.equal(request.parameters.get("code_challenge_method"), "S256");
      assert.equal(request.headers.authorization, undefined);
    });

    it("prints the token without any request while it is good", async () => {
      const requests = provider.requests.length;
      const [first, second] = [await machine.run(["get"]), await machine.run(["get", "dev"])];
      assert.equal(done(first).stderr, "");
      assert.equal(done(second).stdout, first.stdout);
      assert.match(first.stdout, /^[\w.-]+\n$/);
      assert.equal(decoded(first.stdout).header.typ, "at+jwt");
      assert.equal(provider.requests.length, requests);
    });

    it("renews it with --force by exactly one token request", async () => {
      const before = (await machine.run(["get"])).stdout;
      const requests = provider.count("/token");
      const { stdout } = done(await machine.run(["get", "dev", "--force"]));
      assert.notEqual(stdout, before);
      assert.equal(provider.count("/token"), requests + 1);
      assert.equal(provider.requests.findLast(({ path }) => path === "/token")?.grantType, "refresh_token");
      assert.equal((await machine.run(["get"])).stdout, stdout, "and keeps the new one");
    });

    it("narrows it with -s and --aud, by name on the wire, once", async () => {
      const narrow = ["get", "dev", "-s", "storage.read:/", "--aud", "https://dcache.example.org"];
      const { stdout } = done(await machine.run(narrow));
      const { claims: payload } = decoded(stdout);
      assert.deepEqual([payload.scope, payload.aud], ["storage.read:/", "https://dcache.example.org"]);
      const { parameters } = provider.requests.findLast(({ path }) => path === "/token")!;
      assert.equal(parameters.get("scope"), "storage.read:/");
      assert.equal(parameters.get("audience"), "https://dcache.example.org");
      const requests = provider.requests.length;
      assert.equal((await machine.run(narrow)).stdout, stdout);
      assert.equal(provider.requests.length, requests);
      assert.notEqual((await machine.run(["get", "dev"])).stdout, stdout, "the whole token is another one");
    });

    it("prints it as json, header and env", async () => {
      const before = Math.floor(Date.now() / 1000);
      const token = (await machine.run(["get", "--force"])).stdout.trim();
      const { claims: payload } = decoded(token);
      const { stdout } = done(await machine.run(["get", "dev", "-o", "json"]));
      assert.match(stdout, /^\{.*\}\n$/);
      const { expires_at, expires, scope, ...rest } = JSON.parse(stdout);
      assert.deepEqual(rest, {
        format_version: 1,
        access_token: token,
        token_type: "Bearer",
        issuer: provider.issuer,
        profile: "dev",
      });
      const [exp, iat] = [payload.exp as number, payload.iat as number];
      assert.ok(expires_at >= before + exp - iat && expires_at <= exp, "counted from before the request");
      assert.equal(expires, new Date(expires_at * 1000).toISOString().replace(".000Z", "Z"));
      assert.deepEqual(scope.split(" ").sort(), (payload.scope as string).split(" ").sort());
      assert.equal((await machine.run(["get", "-o", "header"])).stdout, `Authorization: Bearer ${token}\n`);
      assert.equal((await machine.run(["get", "-o", "env"])).stdout, `export ACCESS_TOKEN='${token}'\n`);
    });

    it("prints the ID token, and calls it that", async () => {
      const [bare, json, env] = await Promise.all([
        machine.run(["get", "--id-token"]),
        machine.run(["get", "--id-token", "-o", "json"]),
        machine.run(["get", "--id-token", "-o", "env"]),
      ]);
      const idToken = done(bare).stdout.trim();
      const { claims: payload } = decoded(idToken);
      assert.deepEqual([payload.sub, payload.aud], ["alice", "project-a-catalogue-dev-api"]);
      const answer = JSON.parse(done(json).stdout);
      assert.deepEqual([answer.id_token, answer.expires_at], [idToken, payload.exp]);
      assert.ok(!("access_token" in answer) && !("token_type" in answer));
      assert.equal(done(env).stdout, `export ID_TOKEN='${idToken}'\n`);
    });

    it("warns when tokens are shorter than --min-validity, and does not fetch again for that", async () => {
      const before = (await machine.run(["get"])).stdout;
      const requests = provider.requests.length;
      const { stdout, stderr } = done(await machine.run(["get", "dev", "--min-validity", "301"]));
      assert.equal(stdout, before);
      assert.match(stderr, /for less than the 301 s asked for: this one is valid for \d+ s/);
      assert.equal(provider.requests.length, requests);
    });

    it("gives a service in the environment its token, and writes nothing", async () => {
      const service = await makeMachine(variant);
      try {
        const env = {
          APEX_CLIENT_ID: "apex-service",
          APEX_CLIENT_SECRET: SERVICE_SECRET,
          APEX_ISSUER: provider.issuer,
        };
        const { stdout } = done(await service.run(["get", "--allow-insecure-loopback"], { env }));
        assert.equal(decoded(stdout).claims.scope, "openid roles");
        const { parameters, headers, grantType } = provider.requests.findLast(({ path }) =>
          path === "/token"
        )!;
        assert.equal(grantType, "client_credentials");
        assert.equal(parameters.get("scope"), "openid roles");
        assert.match(headers.authorization, /^Basic /);
        assert.deepEqual([...service.files().keys()], []);
      } finally {
        service.close();
      }
    });

    it("remembers a secret file as a path and reads it again", async () => {
      await signInService(machine, provider, "service", ["--scope", "openid roles"]);
      const file = join(machine.home, "client-secret");
      writeFileSync(file, "rotated\n");
      refused(await machine.run(["get", "service", "--force"]), 5, /"invalid_client"/, /Check the client id/);
      writeFileSync(file, SERVICE_SECRET);
      assert.equal(
        decoded(done(await machine.run(["get", "service", "--force"])).stdout).claims.client_id,
        "apex-service",
      );
    });

    it("takes a secret from standard input and keeps it with the session", async () => {
      const args = ["login", "piped", ...at(provider), "--client-id", "apex-service-post", "--auth-method"];
      done(
        await machine.run([...args, "client_secret_post", "--secret-file", "-"], {
          stdin: SERVICE_SECRET + "\n",
        }),
      );
      const { stdout } = done(await machine.run(["get", "piped", "--force"]));
      assert.equal(decoded(stdout).claims.client_id, "apex-service-post");
      assert.equal((await machine.session("piped")).clientSecret, SERVICE_SECRET);
    });

    it("signs in with a password from a file, and says that this is deprecated and why", async () => {
      const file = join(machine.home, "password");
      writeFileSync(file, PASSWORD_USER.password + "\n");
      const { stdout, stderr } = done(
        await machine.run([
          ...["login", "local", ...at(provider), "--client-id", "password-client", "--flow", "password"],
          ...["--username", PASSWORD_USER.username, "--password-file", file],
        ]),
      );
      assert.equal(stdout, "");
      assert.match(stderr, /deprecated .*hands your password to this program/);
      assert.match(stderr, /Signed in .* as alice/);
      writeFileSync(file, "");
      assert.equal(decoded(done(await machine.run(["get", "local", "--force"])).stdout).claims.sub, "alice");
      const session = JSON.stringify(await machine.session("local"));
      assert.ok(!session.includes(PASSWORD_USER.password), "not even encrypted");
    });

    it("signs in with the browser of this machine, by code and PKCE on a loopback redirect", async () => {
      const browser = join(machine.home, "browser");
      writeProgram(browser, `#!/bin/sh\nprintf %s "$1" > "$0.new"; mv "$0.new" "$0.opened"\n`);
      const running = machine.start(
        ["login", "desk", ...at(provider), "--client-id", "browser-client"],
        { env: { BROWSER: browser } },
      );
      const [, shown] = await running.waitFor(
        "stderr",
        /has been opened in your browser[^]*\n {4}(http\S+)\n/,
      );
      while (!existsSync(`${browser}.opened`)) await new Promise((resolve) => setTimeout(resolve, 5));
      const opened = readFileSync(`${browser}.opened`, "utf8");
      assert.equal(opened, shown);
      const { searchParams } = new URL(opened);
      assert.equal(searchParams.get("code_challenge_method"), "S256");
      assert.ok(searchParams.get("state") && searchParams.get("nonce"));
      assert.match(searchParams.get("redirect_uri")!, /^http:\/\/127\.0\.0\.1:\d+\/callback$/);
      await arrive(await provider.authorize(opened, { user: "bob", deliver: false }));
      const { stdout, stderr } = done(await running.ended);
      assert.equal(stdout, "");
      assert.match(stderr, /^Signing in with the browser: this machine has a browser\.$/m);
      assert.match(stderr, /Signed in .* as bob/);
      assert.equal(decoded(done(await machine.run(["get", "desk"])).stdout).claims.sub, "bob");
    });

    it("lists and shows profiles without a secret", async () => {
      const [list, show, json] = await Promise.all([
        machine.run(["list"]),
        machine.run(["show", "dev"]),
        machine.run(["show", "dev", "--json"]),
      ]);
      const names = done(list).stdout.split("\n").filter(Boolean).map((line) => line.slice(2).split(" ")[0]);
      assert.deepEqual(names, ["desk", "dev", "local", "piped", "service"]);
      assert.match(list.stdout, /^\* dev /m, "the first one is the default");
      assert.match(done(show).stdout, /^signed in as: +alice$/m);
      assert.match(show.stdout, /^access token: +until \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ, /m);
      const facts = JSON.parse(done(json).stdout);
      assert.deepEqual([facts.name, facts.issuer, facts.subject], ["dev", provider.issuer, "alice"]);
      const { refreshToken } = await machine.session("dev");
      for (const secret of [refreshToken!, (await machine.token("dev"))!.accessToken, SERVICE_SECRET]) {
        for (const { stdout } of [list, show, json]) assert.ok(!stdout.includes(secret));
      }
    });

    it("removes a profile with everything that belongs to it", async () => {
      const { refreshToken } = await machine.session("dev");
      assert.match(done(await machine.run(["remove", "dev"])).stderr, /"dev" and its sign-in are gone/);
      refused(await machine.run(["get", "dev"]), 2, /There is no profile "dev"/);
      const left = [...machine.files().keys()].filter((path) => /\bdev\b/.test(path));
      assert.deepEqual(
        left.filter((path) => !/\/locks\/|\/(?:sessions|attempts)\/dev\/g-\d+$/.test(path)),
        [],
      );
      assert.ok(refreshToken);
      await assert.rejects(machine.session("dev"));
    });

    it("prints its version and its help on standard output, with examples first", async () => {
      const [version, help, none] = await Promise.all([
        machine.run(["--version"]),
        machine.run(["get", "--help"]),
        machine.run([]),
      ]);
      assert.match(done(version).stdout, /^\d+\.\d+\.\d+\n$/);
      assert.match(done(help).stdout, /^Examples:\n {2}apex-token get\n/);
      assert.match(done(none).stdout, /^Examples:\n {2}apex-token login apex /);
    });
  });
}
