import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { type RunningProvider, startProvider } from "../interop/oidc_provider.ts";
import { type Machine, makeMachine, quickVariant } from "./machine.ts";
import { done, refused, signIn, signInService } from "./sign_in.ts";

describe("how sign-ins stand", () => {
  let provider: RunningProvider;
  let machine: Machine;
  before(async () => void (provider = await startProvider()));
  after(() => provider.close());
  beforeEach(async () => void (machine = await makeMachine(quickVariant)));
  afterEach(() => machine.close());

  // deno-lint-ignore no-explicit-any
  const json = async (...args: string[]): Promise<any[]> => {
    const { profiles } = JSON.parse(done(await machine.run(["status", "--json", ...args])).stdout);
    return profiles;
  };

  it("is said of each: who, until when, what protects it and where it is", async () => {
    await signIn(machine, provider, "p");
    await signInService(machine, provider, "s");
    const { stdout } = done(await machine.run(["status"]));
    const [person, service] = stdout.split("\n\n");
    assert.match(person, /^p \(default\)\n {2}sign-in: +alice/);
    assert.match(
      person,
      /\n {2}access token: +until \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ, .+; renewed from \S+Z on\n/,
    );
    assert.match(person, /\n {2}protected by: +the key in \S+store\.key\n/);
    assert.match(person, /\n {2}kept in: +\S+sessions\/p, \S+keys\/p\n {2}fast cache: +off$/);
    assert.match(service, /^s\n {2}sign-in: +the client apex-service\n/);
    const { accessToken } = (await machine.token("p"))!;
    assert.ok(!stdout.includes(accessToken));

    const [row, other] = await json();
    assert.deepEqual([row.name, row.state, row.subject, row.default], ["p", "signed_in", "alice", true]);
    assert.equal(Date.parse(row.access_token.expires) / 1000, row.access_token.expires_at);
    assert.equal(Date.parse(row.access_token.renews) / 1000, row.access_token.renews_at);
    assert.ok(row.access_token.renews_at < row.access_token.expires_at);
    assert.equal(Date.parse(row.sign_in.signed_in) / 1000, row.sign_in.signed_in_at);
    assert.equal(row.protected_by.kind, "key-file");
    assert.deepEqual([other.name, other.default], ["s", false]);
    assert.deepEqual((await json("s")).map(({ name }) => name), ["s"]);
  });

  it("is said without a profile, of one that is none, and beside one that is broken", async () => {
    assert.match(done(await machine.run(["status"])).stderr, /no profiles yet/);
    assert.deepEqual(await json(), []);
    refused(await machine.run(["status", "q"]), 2, /There is no profile "q"/);
    await signIn(machine, provider, "p");
    writeFileSync(join(machine.home, ".config/apex-token/profiles/q.json"), "{", { mode: 0o600 });
    const [whole, broken] = await json();
    assert.equal(whole.state, "signed_in");
    assert.match(broken.problem, /it is not JSON/);
    refused(await machine.run(["status", "q"]), 7, /it is not JSON/);
  });

  it("is said of what is locked without opening it, of what is lost, and of what is over", async () => {
    const secret = join(machine.home, "passphrase");
    writeFileSync(secret, "a passphrase");
    await signIn(machine, provider, "p", ["--protect", "passphrase", "--passphrase-file", secret]);
    const [locked] = await json();
    assert.deepEqual([locked.state, locked.user, locked.access_token, locked.problem], [
      "locked",
      null,
      null,
      null,
    ]);
    assert.match(
      done(await machine.run(["status"])).stdout,
      /sign-in: +locked: apex-token get p asks for the passphrase, in a terminal\n[^]*protected by: +a passphrase/,
    );

    await signIn(machine, provider, "k");
    rmSync(join(machine.home, ".local/share/apex-token/store.key"));
    const [lost] = await json("k");
    assert.equal(lost.state, "unusable");
    assert.match(lost.problem, /store\.key: there is none/);

    done(await machine.run(["logout", "p"]));
    assert.equal((await json("p"))[0].state, "signed_out");
    assert.match(done(await machine.run(["status", "p"])).stdout, /none: apex-token login p/);
    await signIn(machine, provider, "m", ["--protect", "memory"]);
    assert.match(done(await machine.run(["status", "m"])).stdout, /none: each command asks for it/);
  });

  it("is said of a sign-in that the server has ended, while its token is still good", async () => {
    await signIn(machine, provider, "over");
    await provider.revokeGrants();
    assert.equal((await machine.run(["get", "over", "--force"])).code, 4);
    const [over] = await json("over");
    assert.deepEqual([over.state, over.access_token.renews_at], ["ended", null]);
    assert.ok(over.access_token.expires_at > Date.now() / 1000);
    const { stdout } = done(await machine.run(["status", "over"]));
    assert.match(stdout, /sign-in: +ended by the server \(".+"\): apex-token login over\n/);
    assert.doesNotMatch(stdout, /renewed from/);
    assert.match(
      done(await machine.run(["show", "over"])).stdout,
      /renewed by: +a new sign-in: the server has/,
    );
    assert.equal(JSON.parse(done(await machine.run(["show", "over", "--json"])).stdout).renewable, false);
    await signIn(machine, provider, "over");
    assert.equal((await json("over"))[0].state, "signed_in");
  });

  describe("with a bare copy in memory", () => {
    let runtime: string;
    let env: Record<string, string>;
    // the one file system in memory that every Linux has
    beforeEach(() => {
      runtime = mkdtempSync("/dev/shm/apex-token-run-");
      env = { XDG_RUNTIME_DIR: runtime };
      machine.close();
    });
    beforeEach(async () => {
      const made = await makeMachine(quickVariant);
      const run: Machine["run"] = (args, options) =>
        made.run(args, { ...options, env: { ...env, ...options?.env } });
      machine = { ...made, run };
    });
    afterEach(() => rmSync(runtime, { recursive: true }));
    const copies = () => {
      try {
        return readdirSync(join(runtime, "apex-token/tokens"));
      } catch {
        return [];
      }
    };

    it("is opt-in, private, shown, and what the quick answer takes", async () => {
      await signIn(machine, provider, "p");
      assert.deepEqual(copies(), []);
      await signIn(machine, provider, "p", ["--fast-cache"]);
      const [name] = copies();
      assert.match(name, /^p\.token-[0-9a-f]{32}$/);
      const path = join(runtime, "apex-token/tokens", name);
      assert.equal(statSync(path).mode & 0o777, 0o600);
      assert.equal(statSync(join(path, "..")).mode & 0o777, 0o700);
      const token = done(await machine.run(["get", "p"])).stdout;
      assert.equal(JSON.parse(readFileSync(path, "utf8")).accessToken + "\n", token);
      assert.equal((await json())[0].fast_cache_file, path);
      assert.match(done(await machine.run(["status"])).stdout, new RegExp(`fast cache: +${path}`));

      rmSync(join(machine.home, ".local/share/apex-token/store.key"));
      const requests = provider.requests.length;
      assert.equal(done(await machine.run(["get", "p"])).stdout, token, "no key is needed for it");
      assert.equal(provider.requests.length, requests);
      rmSync(path);
      refused(await machine.run(["get", "p"]), 7, /store\.key: there is none/);
    });

    it("serves what a passphrase protects, and goes with a renewal, a revocation and the sign-in", async () => {
      const secret = join(machine.home, "passphrase");
      writeFileSync(secret, "a passphrase");
      const given = ["--passphrase-file", secret];
      const login = () =>
        signIn(machine, provider, "p", ["--protect", "passphrase", ...given, "--fast-cache"]);
      await login();
      const token = done(await machine.run(["get", "p"])).stdout;
      assert.equal(done(await machine.run(["get", "p", "-o", "json"])).stderr, "");
      const [first] = copies();
      assert.notEqual(done(await machine.run(["get", "p", "--force", ...given])).stdout, token);
      assert.equal(copies().length, 1);
      assert.notEqual(copies()[0], first);
      const passphrase = { env: { APEX_TOKEN_PASSPHRASE_FILE: secret } };
      // this server cannot revoke it; the copies here go all the same
      refused(await machine.run(["revoke", "p"], passphrase), 5);
      assert.deepEqual(copies(), []);
      done(await machine.run(["get", "p"], passphrase));
      assert.equal(copies().length, 1);
      done(await machine.run(["logout", "p"]));
      assert.deepEqual(copies(), []);
      await login();
      done(await machine.run(["remove", "p"], passphrase));
      assert.deepEqual(copies(), []);
      await login();
      await signIn(machine, provider, "p", ["--no-fast-cache", ...given]);
      assert.deepEqual(copies(), []);
    });

    it("is refused where there is no private directory in memory, before anybody signs in", async () => {
      const requests = provider.requests.length;
      const login = async (XDG_RUNTIME_DIR: string, ...more: string[]) => {
        const args = [
          "login",
          "p",
          "--issuer",
          provider.issuer,
          "--allow-insecure-loopback",
          "--client-id",
          "c",
        ];
        return await machine.run([...args, "--fast-cache", ...more], { env: { XDG_RUNTIME_DIR } });
      };
      refused(await login(""), 7, /XDG_RUNTIME_DIR does not name/, /--fast-cache/);
      refused(await login("relative"), 7, /XDG_RUNTIME_DIR does not name/);
      refused(await login(machine.home), 7, /is not in memory/);
      refused(await login(runtime, "--protect", "memory"), 2, /where nothing is kept/);
      chmodSync(runtime, 0o755);
      refused(await login(runtime), 7, /other users have access/, /chmod 700/);
      assert.equal(provider.requests.length, requests);
    });

    it("falls back to the encrypted file in a command that has no such directory", async () => {
      await signIn(machine, provider, "p", ["--fast-cache"]);
      const token = done(await machine.run(["get", "p"])).stdout;
      for (const name of copies()) rmSync(join(runtime, "apex-token/tokens", name));
      assert.equal(done(await machine.run(["get", "p"], { env: { XDG_RUNTIME_DIR: "" } })).stdout, token);
      assert.equal(
        done(await machine.run(["get", "p", "--force"], { env: { XDG_RUNTIME_DIR: "" } })).stderr,
        "",
      );
      assert.deepEqual(copies(), []);
    });
  });
});
