import assert from "node:assert/strict";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { isTokenError } from "../../lib/errors.ts";
import { isReadOnce, readSecretFile, secretOf } from "../../lib/profile/secret_file.ts";

const folder = mkdtempSync(join(tmpdir(), "apex-token-secret-"));
after(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const failsWith = (code: string, message: RegExp) => (error: unknown) =>
  isTokenError(error) && error.code === code && message.test(error.message) && error.nextStep !== undefined;

describe("a secret in a file", () => {
  const kept: [string, string, string][] = [
    ["without a line break", "s3cret", "s3cret"],
    ["without the line feed at its end", "s3cret\n", "s3cret"],
    ["without the line break of Windows at its end", "s3cret\r\n", "s3cret"],
    ["with blanks, which may belong to it", " s3 cret \n", " s3 cret "],
    ["with a line feed inside", "a\nb\n", "a\nb"],
    ["with one line feed of two", "a\n\n", "a\n"],
    ["with letters of the world", "pässwörd\n", "pässwörd"],
  ];
  for (const [what, content, secret] of kept) {
    it(`is read ${what}`, () => assert.equal(readSecretFile(file("s", content), "client secret"), secret));
  }

  it("is read through a link, as Kubernetes mounts it, and whatever its mode is", () => {
    const link = join(folder, "link");
    symlinkSync(file("target", "s3cret\n"), link);
    assert.equal(readSecretFile(link, "client secret"), "s3cret");
  });

  it("is refused when it cannot be read, with the reason", () => {
    assert.throws(
      () => readSecretFile(join(folder, "none"), "client secret"),
      failsWith("storage", /Cannot read the client secret from \S+none: there is no such file/),
    );
    assert.throws(
      () => readSecretFile(folder, "password"),
      failsWith("storage", /password .*: it is a directory/),
    );
    assert.throws(
      () => readSecretFile(file("long", "x".repeat(65 * 1024)), "password"),
      failsWith("storage", /too long/),
    );
    assert.throws(() => readSecretFile("/dev/zero", "password"), failsWith("storage", /too long/));
  });

  it("is refused when it is empty or no text", () => {
    assert.throws(
      () => secretOf(new Uint8Array(), "password"),
      failsWith("invalid_argument", /password: it is empty/),
    );
    assert.throws(
      () => readSecretFile(file("e", "\n"), "password"),
      failsWith("invalid_argument", /it is empty/),
    );
    assert.throws(
      () => secretOf(new Uint8Array([0xc3, 0x28]), "client secret"),
      failsWith("invalid_argument", /client secret: it is not UTF-8/),
    );
  });

  it("is the longest that is read", () => {
    assert.equal(readSecretFile(file("max", "x".repeat(64 * 1024)), "token").length, 64 * 1024);
  });

  it("can be read once only when it is no file that stays", () => {
    assert.equal(isReadOnce(file("s", "s")), false);
    for (const path of ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0", "/dev/null"]) {
      assert.ok(isReadOnce(path));
    }
  });
});
