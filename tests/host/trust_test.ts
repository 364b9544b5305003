import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import * as tls from "node:tls";
import { trustedCertificates, type TrustOptions } from "../../lib/host/trust.ts";
import { makeCertificates } from "../hostile/certificates.ts";

const folder = mkdtempSync(join(tmpdir(), "trust-"));
after(() => rmSync(folder, { recursive: true }));
const [one, two, three, four] = Array.from({ length: 4 }, () => makeCertificates().authority);

function file(name: string, ...contents: string[]): string {
  const path = join(folder, name);
  writeFileSync(path, contents.join("\n"));
  return path;
}

/** Which of the four are trusted. */
function trusted(options: Partial<TrustOptions> = {}, variables: Record<string, string> = {}): number[] {
  const all = trustedCertificates({
    platform: "linux",
    environment: (name) => variables[name],
    systemBundles: [],
    ...options,
  });
  const plain = (pem: string) => pem.replace(/\s/g, "");
  const found = all.map(plain);
  assert.equal(new Set(found).size, found.length, "each is there once");
  assert.ok(
    tls.rootCertificates.every((root) => found.includes(plain(root))),
    "the runtime's own are always there",
  );
  return [one, two, three, four].flatMap((pem, index) => found.includes(plain(pem)) ? [index + 1] : []);
}

describe("the trusted authorities", () => {
  it("are the runtime's own when there is nothing else", () => {
    assert.deepEqual(trusted(), []);
  });

  it("are those of all places together", () => {
    const directory = join(folder, "all");
    mkdirSync(directory);
    writeFileSync(join(directory, "0a1b2c3d.0"), three);
    const variables = { SSL_CERT_FILE: file("two.pem", two), SSL_CERT_DIR: directory };
    const options = { systemBundles: [file("one.pem", one)], caFile: file("four.pem", four) };
    assert.deepEqual(trusted(options, variables), [1, 2, 3, 4]);
  });

  it("come from the first bundle of the system that has any", () => {
    const systemBundles = [
      "/nonexistent",
      folder,
      file("empty.pem", "# nothing"),
      file("first.pem", one, "# both", two),
      file("second.pem", three),
    ];
    assert.deepEqual(trusted({ systemBundles }), [1, 2]);
  });

  it("may be named several times, in other line ends", () => {
    const crlf = file("crlf.pem", one.replaceAll("\n", "\r\n"), one);
    assert.deepEqual(
      trusted({ systemBundles: [crlf], caFile: crlf }, { SSL_CERT_FILE: file("same.pem", one) }),
      [1],
    );
  });

  it("are not looked for in keys, or in files of a directory that are named like something else", () => {
    const directory = join(folder, "some");
    mkdirSync(directory);
    writeFileSync(join(directory, "README"), one);
    writeFileSync(join(directory, "ca.crt"), two);
    writeFileSync(join(directory, "private.pem"), makeCertificates().good.key);
    mkdirSync(join(directory, "folder.pem"));
    assert.deepEqual(trusted({}, { SSL_CERT_DIR: directory }), [2]);
  });

  it("do not come from a file that is larger than any bundle", () => {
    const SSL_CERT_FILE = file("large.pem", one, "#".repeat(8 * 1024 * 1024));
    assert.deepEqual(trusted({}, { SSL_CERT_FILE }), []);
    assert.throws(() => trusted({ caFile: SSL_CERT_FILE }), {
      code: "storage",
      message: /large\.pem \(too large\)/,
    });
    assert.throws(() => trusted({ caFile: "/" }), {
      code: "storage",
      message: /file \/ \(no regular file\)/,
    });
  });
});
