import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { after, describe, it } from "node:test";
import fc from "fast-check";
import { formOf, openWithGpg, openWithPassword, writeAccountText } from "../../lib/agent/account_file.ts";
import { accountKey } from "../../lib/agent/account_key.ts";
import { isTokenError } from "../../lib/errors.ts";
import { accountMachine, endGpgAgent, ORIGINAL } from "./account_machine.ts";

const DEMO =
  '{"name":"demo","issuer_url":"https://op.example/realms/apex","client_id":"c1","client_secret":"","refresh_token":"rt-1","auth_scope":"openid offline_access","redirect_uris":[]}';

/** Written independently with libsodium; oidc-gen 5.3.3 opens it. */
const CURRENT = `192
AAECAwQFBgcICQoLDA0ODxAREhMUFRYX
AAECAwQFBgcICQoLDA0ODw==
24:16:16:32:1:2:67108864:2
UtPHjIRHOAUxs58DnL04QjO7JSPcq3VwOoKDyWoCuN+vjxfAuVaUkkdnO/Ia7PFLaSvg3Wd7z4MOtTC5EYxcs6N/XBXa+10J8yS1d5bEGRjKDHyky2EHrM46Ax8J8VA2Ni6S60UeMn1K4Hc9ZZJDvM6M0xOKJEV0XSRq06mRlLwYFyBaK1dlkfGtL9J6mgRKAJ5Awgjoa9C3LEge+gjIBOUlMEXjT+4j8Kw0X4jFB92DMffOgwoy284d1K2ECa0l
so7sK4sDVXx5RJo/gJiJLu8Ls/CWp+qmCeMuYMkyl5g=
Generated using version: 5.3.3`;

const LEGACY_HEAD = "30:000102030405060708090a0b0c0d0e0f:000102030405060708090a0b0c0d0e0f1011121314151617:";
const LEGACY = {
  argon2i: LEGACY_HEAD + "d53e0f1661b297631dfbbee8463ae914e858594f430766cab750351740a1",
  argon2id: LEGACY_HEAD + "fdce12c01941fdcf9aa67796c2a0abab125258dc2803adca613bcb3daf87",
};

describe("account files", () => {
  const machine = accountMachine();
  after(() => machine.close());
  const password = "hunter2";

  it("opens the current form", async () => {
    assert.equal((await openWithPassword(CURRENT, { password }))?.text, DEMO);
    assert.equal(
      (await openWithPassword(CURRENT + "\n", { password }))?.text,
      DEMO,
      "with a newline at its end",
    );
  });

  it("opens both forms of before 2.1.0", async () => {
    for (const text of Object.values(LEGACY)) {
      assert.equal((await openWithPassword(text, { password }))?.text, '{"name":"old"}');
    }
  });

  it("tells a wrong password from a broken file", async () => {
    assert.equal(await openWithPassword(CURRENT, { password: "hunter3" }), undefined);
    assert.equal(await openWithPassword(LEGACY.argon2i, { password: "hunter3" }), undefined);
    const torn = CURRENT.replace("UtPH", "AAAA");
    await assert.rejects(openWithPassword(torn, { password }), isTokenError);
    for (const text of ["", "hello", CURRENT.slice(0, 300), CURRENT.replace("192", "193")]) {
      await assert.rejects(openWithPassword(text, { password }), /form|broken/);
    }
  });

  it("takes no changed file for a whole one", async () => {
    const { seal } = (await openWithPassword(CURRENT, { password }))!;
    assert.ok(seal.kind === "password");
    const { key } = seal;
    const change = fc.record({
      at: fc.nat(CURRENT.length - 1),
      length: fc.nat(40),
      put: fc.string({ unit: "binary", maxLength: 8 }),
    });
    await fc.assert(
      fc.asyncProperty(change, async ({ at, length, put }) => {
        const changed = CURRENT.slice(0, at) + put + CURRENT.slice(at + length);
        const opened = await openWithPassword(changed, { key }).catch((error) => {
          assert.ok(isTokenError(error), String(error));
          return undefined;
        });
        assert.ok(opened === undefined || opened.text === DEMO);
      }),
      { numRuns: 500 },
    );
  });

  it("opens again what was written, by the password and by the key, under a nonce of its own each time", async () => {
    const first = (await openWithPassword(CURRENT, { password }))!;
    const text = await writeAccountText('{"name":"Zoë"}', first.seal);
    const again = await writeAccountText('{"name":"Zoë"}', first.seal);
    assert.notEqual(text.split("\n")[1], again.split("\n")[1]);
    assert.equal(text.split("\n")[2], CURRENT.split("\n")[2], "the salt stays: nobody has to derive anew");
    assert.equal((await openWithPassword(text, { password }))?.text, '{"name":"Zoë"}');
    assert.ok(first.seal.kind === "password");
    assert.equal((await openWithPassword(text, { key: first.seal.key }))?.text, '{"name":"Zoë"}');
  });

  it("takes an empty password", async () => {
    const key = await accountKey("");
    const text = await writeAccountText(DEMO, { kind: "password", key });
    assert.equal((await openWithPassword(text, { password: "" }))?.text, DEMO);
  });

  it("is read by the original oidc-gen", async () => {
    const key = await accountKey("pw-ü 1");
    machine.write("ours", await writeAccountText(DEMO, { kind: "password", key }));
    const env = { OIDC_ENCRYPTION_PW: "pw-ü 1" };
    const shown = await machine.run(`${ORIGINAL}oidc-gen`, ["-p", "ours", "--pw-env"], { env });
    assert.equal(shown.code, 0, shown.stderr);
    assert.deepEqual(JSON.parse(shown.stdout), JSON.parse(DEMO));
  });

  it("reads what the original oidc-gen wrote", async () => {
    machine.write("theirs", DEMO);
    const made = await machine.run(`${ORIGINAL}oidc-gen`, ["-u", "theirs", "--pw-cmd=echo pw1"]);
    assert.equal(made.code, 0, made.stderr);
    assert.equal(formOf(machine.read("theirs")), "password");
    assert.equal((await openWithPassword(machine.read("theirs"), { password: "pw1" }))?.text, DEMO);
  });

  it("reads and writes with gpg what the original reads and writes with gpg", async () => {
    const GNUPGHOME = join(machine.home, "gnupg");
    mkdirSync(GNUPGHOME, { mode: 0o700 });
    const env = { GNUPGHOME };
    const made = await machine.run("gpg", [
      ...["--batch", "--pinentry-mode", "loopback", "--passphrase", "", "--quick-generate-key"],
      ...["somebody@example.org", "future-default", "default", "never"],
    ], { env });
    assert.equal(made.code, 0, made.stderr);
    const before = process.env.GNUPGHOME;
    process.env.GNUPGHOME = GNUPGHOME;
    try {
      machine.write("gpg", DEMO);
      const updated = await machine.run(`${ORIGINAL}oidc-gen`, ["-u", "gpg", "--gpg=somebody@example.org"], {
        env,
      });
      assert.equal(updated.code, 0, updated.stderr);
      const { text, seal } = await openWithGpg(machine.read("gpg"));
      assert.equal(text.trim(), DEMO);
      machine.write("gpg2", await writeAccountText(DEMO, seal));
      const shown = await machine.run(`${ORIGINAL}oidc-gen`, ["-p", "gpg2"], { env });
      assert.equal(shown.code, 0, shown.stderr);
      assert.deepEqual(JSON.parse(shown.stdout), JSON.parse(DEMO));
    } finally {
      if (before === undefined) delete process.env.GNUPGHOME;
      else process.env.GNUPGHOME = before;
      await endGpgAgent(machine, GNUPGHOME);
    }
  });
});
