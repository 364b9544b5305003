import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type FakeServer, METADATA, metadata, startFakeServer } from "./fake_server.ts";
import { type Machine, makeMachine, quickVariant } from "./machine.ts";
import { at, done } from "./sign_in.ts";

describe("what get says beside the token", () => {
  let server: FakeServer;
  let machine: Machine;
  const asked: URLSearchParams[] = [];

  before(async () => {
    server = await startFakeServer((issuer) => ({
      [METADATA]: metadata(issuer),
      "/token": (parameters) => {
        asked.push(parameters);
        return { json: { access_token: "t", token_type: "Bearer", expires_in: 60, scope: "a" } };
      },
    }));
    machine = await makeMachine(quickVariant);
    const secret = join(machine.home, "secret");
    writeFileSync(secret, "s3cret");
    const login = ["login", "s", ...at(server), "--client-id", "c", "--secret-file"];
    // what can be read only once is not remembered as a path
    const descriptor = ["sh", "-c", 'exec "$@" /dev/fd/3 3< "$0"', secret];
    done(await machine.startBy(descriptor, login).ended);
  });
  after(async () => {
    await server.close();
    machine.close();
  });

  it("is nothing when all is well", async () => {
    assert.deepEqual(await machine.run(["get", "s"]), { code: 0, stdout: "t\n", stderr: "" });
    assert.deepEqual(await machine.run(["get", "s", "--force"]), { code: 0, stdout: "t\n", stderr: "" });
  });

  it("is which scopes were not granted", async () => {
    const { stdout, stderr } = done(await machine.run(["get", "s", "-s", "a b", "-s", "c"]));
    assert.equal(stdout, "t\n");
    assert.equal(stderr, "The server did not grant b c.\n");
    assert.equal(asked.at(-1)!.get("scope"), "a b c", "several -s are one");
  });

  it("is that tokens are shorter than asked", async () => {
    const { stderr } = done(await machine.run(["get", "s", "--min-validity", "3600"]));
    assert.match(
      stderr,
      /^The server gives tokens for less than the 3600 s asked for: this one is valid for \d+ s\.\n$/,
    );
  });

  it("never names the client secret, which is kept with the session when it came by a descriptor", async () => {
    assert.equal((await machine.session("s")).clientSecret, "s3cret");
    const { stdout } = done(await machine.run(["show", "s"]));
    assert.doesNotMatch(stdout, /s3cret|secret from/);
  });
});
