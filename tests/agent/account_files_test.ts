import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { OpenAccount } from "../../lib/agent/account.ts";
import { accountFiles } from "../../lib/agent/account_files.ts";
import { isTokenError } from "../../lib/errors.ts";
import { type AccountMachine, accountMachine, ORIGINAL } from "./account_machine.ts";

const password = "pw1";
const text = (refreshToken: string) =>
  JSON.stringify({
    name: "demo",
    issuer_url: "https://op.example/",
    client_id: "c1",
    refresh_token: refreshToken,
    auth_scope: "openid",
    scope: "openid",
  });
const bytes = (words: string) => new TextEncoder().encode(words);
const code = (wanted: string) => (error: unknown) => isTokenError(error) && error.code === wanted;

async function current(account: OpenAccount): Promise<{ version: string; text: string }> {
  const { version, value } = (await account.sessions.read(account.name))!;
  return { version, text: new TextDecoder().decode(value) };
}

describe("account files as stores", () => {
  let machine: AccountMachine;
  beforeEach(() => machine = accountMachine());
  afterEach(() => machine.close());
  const files = () => accountFiles(machine.host);

  it("lists accounts and nothing else", async () => {
    await files().replace("beta", text("rt"), { password });
    await files().replace("Alpha", text("rt"), { password });
    for (const other of ["issuer.config", "config", "x.clientconfig12", "a.log", "gone.moved", ".hidden"]) {
      machine.write(other, "");
    }
    mkdirSync(join(machine.directory, "folder"));
    assert.deepEqual(files().names(), ["Alpha", "beta"]);
  });

  it("lists what the original lists", async () => {
    await files().replace("beta", text("rt"), { password });
    await files().replace("Alpha", text("rt"), { password });
    const { stdout } = await machine.run(`${ORIGINAL}oidc-gen`, ["-l"]);
    assert.deepEqual(stdout.trim().split("\n").slice(1), files().names());
  });

  it("writes private files, wherever the directory is", async () => {
    await files().replace("demo", text("rt"), { password });
    assert.equal(statSync(join(machine.directory, "demo")).mode & 0o777, 0o600);
    assert.equal(statSync(join(machine.directory, ".apex-token")).mode & 0o777, 0o700);
  });

  it("opens by the password, and from then on by the key", async () => {
    await files().replace("demo", text("rt-1"), { password });
    const { key } = await files().open("demo", { password });
    assert.ok(key);
    assert.equal((await current(await files().open("demo", { key }))).text, text("rt-1"));
    await assert.rejects(files().open("demo", { password: "no" }), code("key"));
    await assert.rejects(files().open("nobody", { password }), code("unknown_profile"));
    await assert.rejects(files().open("../demo", { password }), code("invalid_argument"));
  });

  it("writes a rotated refresh token with the key alone, and the original reads it", async () => {
    await files().replace("demo", text("rt-1"), { password });
    const { key } = await files().open("demo", { password });
    const account = await files().open("demo", { key: key! });
    const { version } = await current(account);
    assert.ok(await account.sessions.compareAndSet("demo", version, bytes(text("rt-2"))));
    const shown = await machine.run(`${ORIGINAL}oidc-gen`, ["-p", "demo", `--pw-cmd=echo ${password}`]);
    assert.equal(JSON.parse(shown.stdout).refresh_token, "rt-2");
  });

  it("writes over nothing that it has not read, also when it was the original that wrote", async () => {
    await files().replace("demo", text("rt-1"), { password });
    const account = await files().open("demo", { password });
    const { version } = await current(account);
    const updated = await machine.run(`${ORIGINAL}oidc-gen`, ["-u", "demo", `--pw-cmd=echo ${password}`]);
    assert.equal(updated.code, 0, updated.stderr);
    assert.equal(await account.sessions.compareAndSet("demo", version, bytes(text("rt-2"))), undefined);
    // the original took a salt of its own: the key of before opens it no more, and says so
    await assert.rejects(account.sessions.read("demo"), code("key"));
    assert.equal((await current(await files().open("demo", { password }))).text, text("rt-1"));
  });

  it("has one of two writers win", async () => {
    await files().replace("demo", text("rt-1"), { password });
    const [one, other] = [await files().open("demo", { password }), await files().open("demo", { password })];
    const { version } = await current(one);
    const written = await Promise.all([
      one.sessions.compareAndSet("demo", version, bytes(text("rt-a"))),
      other.sessions.compareAndSet("demo", version, bytes(text("rt-b"))),
    ]);
    assert.equal(written.filter((version) => version !== undefined).length, 1);
  });

  it("keeps records of attempts sealed, and drops them with a new sign-in", async () => {
    await files().replace("demo", text("rt-1"), { password });
    const account = await files().open("demo", { password });
    await account.prepare();
    assert.ok(await account.attempts.compareAndSet("demo", undefined, bytes("a secret answer")));
    const kept = join(machine.directory, ".apex-token/attempts/demo");
    for (const file of readdirSync(kept)) {
      assert.doesNotMatch(machine.read(`.apex-token/attempts/demo/${file}`), /secret/);
    }
    await files().replace("demo", text("rt-2"), { password: "pw2" });
    const again = await files().open("demo", { password: "pw2" });
    assert.equal(await again.attempts.read("demo"), undefined);
  });

  it("moves a file of before 2.1.0 to today's form when it is opened", async () => {
    machine.write(
      "old",
      "30:000102030405060708090a0b0c0d0e0f:000102030405060708090a0b0c0d0e0f1011121314151617:" +
        "d53e0f1661b297631dfbbee8463ae914e858594f430766cab750351740a1",
    );
    const account = await files().open("old", { password: "hunter2" });
    assert.equal((await current(account)).text, '{"name":"old"}');
    const shown = await machine.run(`${ORIGINAL}oidc-gen`, ["-p", "old", "--pw-cmd=echo hunter2"]);
    assert.equal(shown.stdout.trim(), '{"name":"old"}');
  });

  it("follows a person's own link and leaves it", async () => {
    writeFileSync(join(machine.home, "elsewhere"), "");
    symlinkSync(join(machine.home, "elsewhere"), join(machine.directory, "demo"));
    await files().replace("demo", text("rt-1"), { password });
    assert.ok(existsSync(join(machine.home, "elsewhere")));
    assert.equal((await current(await files().open("demo", { password }))).text, text("rt-1"));
  });

  it("waits for no pipe, and clears away what a write left behind that never ended", async () => {
    assert.equal((await machine.run("mkfifo", [join(machine.directory, "pipe")])).code, 0);
    assert.deepEqual(files().names(), []);
    await assert.rejects(files().open("pipe", { password }), code("storage"));
    const leftOver = join(machine.directory, `.demo.${crypto.randomUUID()}.tmp`);
    writeFileSync(leftOver, "");
    utimesSync(leftOver, 1, 1);
    await files().replace("demo", text("rt-1"), { password });
    assert.ok(!existsSync(leftOver));
  });

  it("forgets an account with what was beside it", async () => {
    await files().replace("demo", text("rt-1"), { password });
    files().assign("https://op.example/", "demo");
    chmodSync(join(machine.directory, "demo"), 0o644);
    assert.equal(await files().remove("demo"), true);
    assert.equal(await files().remove("demo"), false);
    assert.deepEqual(files().names(), []);
    assert.deepEqual(files().issuers(), []);
  });
});
