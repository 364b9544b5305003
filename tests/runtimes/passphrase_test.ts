import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { node } from "../../scripts/toolchain.ts";
import { type CliOptions, runCli, runProcess } from "../process.ts";
import { serve, type ServedAuthorizationServer } from "../security/served.ts";

/** Takes Argon2 away from Node, as it is before 24.7. */
const WITHOUT_ARGON2 = `
  import crypto from "node:crypto";
  import { syncBuiltinESMExports } from "node:module";
  delete crypto.argon2;
  delete crypto.argon2Sync;
  syncBuiltinESMExports();
  const { importKey } = crypto.webcrypto.subtle;
  crypto.webcrypto.subtle.importKey = function (format, key, algorithm, ...others) {
    const name = algorithm.name ?? algorithm;
    if (/^argon2/i.test(name)) throw new DOMException("Unrecognized algorithm name", "NotSupportedError");
    return importKey.call(this, format, key, algorithm, ...others);
  };`;

/** Every way to run the command line, the one of Node 22 among them. */
const ways: Readonly<Record<string, CliOptions>> = {
  deno: { runtime: "deno" },
  bun: { runtime: "bun" },
  node: { runtime: "node" },
  "a Node without Argon2": {
    runtime: "node",
    env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(WITHOUT_ARGON2)}` },
  },
  "the single program": { runtime: "binary" },
};

describe("a sign-in that a passphrase protects", () => {
  const home = mkdtempSync(join(tmpdir(), "apex-token-passphrase-"));
  const [passphrase, secret] = ["passphrase", "secret"].map((name) => join(home, name));
  let there: ServedAuthorizationServer;
  before(async () => {
    there = await serve();
    writeFileSync(passphrase, "correct horse b\u00e4ttery staple\n");
    writeFileSync(secret, "service-secret");
  });
  after(async () => {
    await there.close();
    rmSync(home, { recursive: true });
  });

  const run = (args: readonly string[], way: CliOptions) =>
    runCli(args, { ...way, env: { HOME: home, APEX_TOKEN_PASSPHRASE_FILE: passphrase, ...way.env } });

  it("is tried on a Node that really has no Argon2", async () => {
    const has = 'import("node:crypto").then((own) => console.log(typeof own.argon2, typeof own.scrypt))';
    const { env } = ways["a Node without Argon2"];
    assert.equal((await runProcess(node(), ["-e", has], { env })).stdout, "undefined function\n");
    assert.equal((await runProcess(node(), ["-e", has])).stdout, "function function\n");
  });

  for (const writer of ["deno", "a Node without Argon2", "the single program"]) {
    const way = ways[writer];
    it(`is written by ${writer} and opens on every runtime`, async () => {
      const client = ["--client-id", "service", "--secret-file", secret, "--allow-insecure-loopback"];
      const login = ["login", "p", "--issuer", there.origin, ...client, "--protect", "passphrase"];
      const made = await run(login, way);
      assert.equal(made.code, 0, made.stderr);
      const tokens = new Set<string>();
      for (const [reader, other] of Object.entries(ways)) {
        const { code, stdout, stderr } = await run(["get", "p"], other);
        assert.equal(code, 0, `${reader}: ${stderr}`);
        assert.equal(stderr, "", reader);
        tokens.add(stdout);
      }
      assert.equal(tokens.size, 1, "the token that was kept at the sign-in");
      const gone = await run(["remove", "p"], way);
      assert.equal(gone.code, 0, gone.stderr);
    });
  }
});
