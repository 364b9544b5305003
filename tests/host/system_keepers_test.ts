import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { isTokenError } from "../../lib/errors.ts";
import { dpapi } from "../../lib/host/dpapi.ts";
import { keychain } from "../../lib/host/keychain.ts";
import { systemdCreds } from "../../lib/host/systemd_creds.ts";
import { fakeClock } from "../fake_clock.ts";
import { writeProgram } from "../process.ts";

const folder = mkdtempSync(join(tmpdir(), "apex-token-keepers-"));
after(() => rmSync(folder, { recursive: true }));
const item = { id: "0123abcd", label: 'apex-token: "a" $(test)' };
const SECRET = "apex-key-1:c2VjcmV0";
const isKeyError = (error: unknown) => isTokenError(error) && error.code === "key" && Boolean(error.nextStep);

/** Stands still: however long a script takes, it is waited for. */
const clock = fakeClock();

/** A program of the system, played by a shell script; what it was called with is in `calls`. */
function fake(name: string, script: string): { program: string; calls: () => string } {
  const program = join(folder, name);
  writeProgram(program, `#!/bin/sh\nprintf '%s\\n' "$*" >> '${program}.calls'\n${script}`);
  return { program, calls: () => readFileSync(`${program}.calls`, "utf8") };
}

describe("the keychain of macOS, played by a script", () => {
  const store = join(folder, "keychain");
  const security = fake(
    "security",
    `case "$1" in
      -i) sed -n "s/^add-generic-password -U -s apex-token -a 0123abcd -l .* -w \\(.*\\)$/\\1/p" > '${store}' ;;
      find-generic-password) test -s '${store}' || exit 44; cat '${store}' ;;
      delete-generic-password) rm '${store}' 2>/dev/null || exit 44 ;;
      show-keychain-info) test ! -e '${store}.locked' || exit 36 ;;
    esac`,
  );
  const keyring = keychain({ clock, program: security.program });

  it("keeps a secret, gives it back and forgets it, and no argument shows it", async () => {
    assert.equal(await keyring.state(), "ready");
    assert.equal(await keyring.read(item), undefined);
    await keyring.write(item, SECRET);
    assert.equal(await keyring.read(item), SECRET);
    await keyring.remove(item);
    assert.equal(await keyring.read(item), undefined);
    await keyring.remove(item);
    assert.ok(!security.calls().includes(SECRET));
  });

  it("is locked when it says so, and absent where there is no such program", async () => {
    writeFileSync(`${store}.locked`, "");
    assert.equal(await keyring.state(), "locked");
    const other = keychain({ clock, program: "/nowhere/security" });
    assert.equal(await other.state(), "absent");
    await assert.rejects(other.read(item), isKeyError);
    await assert.rejects(other.write(item, SECRET), isKeyError);
  });

  it("does not take what it did not keep for kept", async () => {
    const deaf = keychain({ clock, program: fake("deaf", "exit 0").program });
    await assert.rejects(deaf.write(item, SECRET), isKeyError);
  });

  it("is not waited for when it hangs", async () => {
    const waiting = fakeClock();
    const hanging = keychain({ clock: waiting, program: fake("hanging", "exec sleep 1000").program });
    const answer = hanging.read(item);
    answer.catch(() => {});
    await waiting.untilWaiting();
    await waiting.advance(10_000);
    await assert.rejects(answer, isKeyError);
  });
});

describe("the data protection of Windows, played by a script", () => {
  const powershell = fake("powershell", "exec tr 'A-Za-z' 'N-ZA-Mn-za-m'");
  const keyring = dpapi({ clock, environment: () => undefined, program: powershell.program });

  it("encrypts a secret into a note that it reads again, and no argument shows it", async () => {
    assert.equal(await keyring.state(), "ready");
    const note = await keyring.write(item, SECRET);
    assert.ok(note && !note.includes(SECRET) && atob(note) !== SECRET);
    assert.equal(await keyring.read({ ...item, note }), SECRET);
    assert.equal(await keyring.read(item), undefined);
    await keyring.remove(item);
    assert.ok(!powershell.calls().includes(SECRET) && !powershell.calls().includes(btoa(SECRET)));
    assert.match(powershell.calls(), /-NoProfile -NonInteractive -Command .*'CurrentUser'/);
  });

  it("is absent where it fails or says what is none", async () => {
    for (const script of ["exit 1", "echo 'not base64!'", "exit 0"]) {
      const program = fake("broken-powershell", `cat > /dev/null; ${script}`).program;
      const broken = dpapi({ clock, environment: () => undefined, program });
      assert.equal(await broken.state(), "absent");
      await assert.rejects(broken.write(item, SECRET), isKeyError);
    }
  });
});

describe("systemd-creds, played by a script", () => {
  const on = (path: string) => systemdCreds({ platform: "linux", environment: () => path, clock });

  it("encrypts a secret into a note that it reads again", async () => {
    const creds = fake("systemd-creds", "exec tr 'A-Za-z' 'N-ZA-Mn-za-m'");
    const keeper = on(folder);
    assert.equal(await keeper.state(), "ready");
    const note = await keeper.write(item, SECRET);
    assert.notEqual(note, SECRET);
    assert.equal(await keeper.read({ ...item, note }), SECRET);
    assert.match(creds.calls(), /^--user --name=apex-token-0123abcd encrypt - -$/m);
    assert.ok(!creds.calls().includes(SECRET));
  });

  it("is absent where there is no such command, or one that is too old", async () => {
    assert.equal(await on("/nowhere").state(), "absent");
    await assert.rejects(on("/nowhere").write(item, SECRET), isKeyError);
    fake("systemd-creds", "cat > /dev/null; exit 1");
    assert.equal(await on(folder).state(), "absent");
  });
});
