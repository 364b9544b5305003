import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import {
  PASSWORD_USER,
  type RunningProvider,
  SERVICE_SECRET,
  startProvider,
} from "../interop/oidc_provider.ts";
import { type Machine, makeMachine, modesUnder, quickVariant } from "./machine.ts";
import { at, done, signIn, signInService } from "./sign_in.ts";

describe("the files of the command line", () => {
  let provider: RunningProvider;
  let machine: Machine;

  before(async () => {
    provider = await startProvider();
    machine = await makeMachine(quickVariant);
  });
  after(async () => {
    await provider.close();
    machine.close();
  });

  it("are 0600 in directories of 0700, under any umask", async () => {
    const umask = ["sh", "-c", 'umask 0; exec "$@"', "sh"];
    const login = ["login", "p", ...at(provider), "--client-id", "password-client", "--flow", "password"];
    const options = { stdin: PASSWORD_USER.password };
    done(
      await machine.startBy(umask, [...login, "--username", "alice", "--password-file", "-"], options).ended,
    );
    done(await machine.startBy(umask, ["get", "p", "--force"]).ended);
    done(await machine.startBy(umask, ["get", "p", "--aud", "x"]).ended);
    const modes = modesUnder(machine.home);
    assert.deepEqual(modes.filter((line) => !/^(?:d700|-600) /.test(line)), []);
    assert.ok(modes.some((line) => line.endsWith("/tokens/p.token")));
  });

  it("hold no secret but in the envelope", async () => {
    await signInService(machine, provider, "s");
    done(
      await machine.run(
        ["login", "t", ...at(provider), "--client-id", "apex-service", "--secret-file", "-"],
        {
          stdin: SERVICE_SECRET,
        },
      ),
    );
    done(await machine.run(["get", "s"]));
    const session = await machine.session("p");
    const token = (await machine.token("p"))!;
    const secrets = [
      PASSWORD_USER.password,
      SERVICE_SECRET,
      session.refreshToken!,
      token.accessToken,
      token.idToken!,
      (await machine.token("s"))!.accessToken,
    ];
    for (const [file, bytes] of machine.files()) {
      if (file === "client-secret") continue; // the person's own
      const text = new TextDecoder("latin1").decode(bytes);
      for (const secret of secrets) {
        assert.ok(!text.includes(secret) && !text.includes(btoa(secret)), `${file} holds a secret`);
      }
    }
    const profile = JSON.parse(
      readFileSync(join(machine.home, ".config/apex-token/profiles/s.json"), "utf8"),
    );
    assert.equal(profile.secretFile, join(machine.home, "client-secret"), "remembered as a path");
    assert.equal((await machine.session("s")).clientSecret, undefined);
    assert.equal((await machine.session("t")).clientSecret, SERVICE_SECRET);
  });

  it("leave nothing half-written behind", async () => {
    await signIn(machine, provider, "q");
    const left = readdirSync(join(machine.home, ".local/state/apex-token"), { recursive: true }) as string[];
    assert.deepEqual(left.filter((name) => /\.tmp$|\/t-\d/.test(name)), []);
  });

  it("can be elsewhere: XDG directories and a key of one's own", async () => {
    const other = await makeMachine(quickVariant);
    try {
      const place = (name: string) => join(other.home, "else where", name);
      const env = { XDG_CONFIG_HOME: place("c"), XDG_STATE_HOME: place("s"), XDG_DATA_HOME: place("d") };
      const login = ["login", "p", ...at(provider), "--client-id", "apex-service", "--secret-file", "-"];
      const key = join(other.home, "keys", "my.key");
      done(await other.run([...login, "--protect", `key-file=${key}`], { stdin: SERVICE_SECRET, env }));
      const requests = provider.requests.length;
      done(await other.run(["get", "p"], { env }));
      assert.equal(provider.requests.length, requests, "the quick way finds it too");
      const tops = new Set([...other.files().keys()].map((file) => file.split("/").slice(0, 3).join("/")));
      assert.deepEqual([...tops].sort(), [
        "else where/c/apex-token",
        "else where/d/apex-token",
        "else where/s/apex-token",
        "keys/my.key",
      ]);
    } finally {
      other.close();
    }
  });
});
