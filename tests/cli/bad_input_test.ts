import assert from "node:assert/strict";
import { chmodSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { fileStore } from "../../lib/host/file_store.ts";
import { encryptedStore } from "../../lib/store/envelope.ts";
import { readKeyFile } from "../../lib/host/key_file.ts";
import { type RunningProvider, startProvider } from "../interop/oidc_provider.ts";
import { currentRuntime } from "../process.ts";
import { closedPort, metadata, METADATA, startFakeServer } from "./fake_server.ts";
import { type Machine, makeMachine, quickVariant } from "./machine.ts";
import { at, done, refused, sentences, signIn, startDevice } from "./sign_in.ts";

let provider: RunningProvider;
/** Signed in as "person". */
let machine: Machine;
/** Nobody has ever signed in here. */
let fresh: Machine;

before(async () => {
  provider = await startProvider({ interval: 1 });
  machine = await makeMachine();
  fresh = await makeMachine();
  await signIn(machine, provider, "person");
});
after(async () => {
  await provider.close();
  machine.close();
  fresh.close();
});

const loginTo = (issuer: string) => ["login", "x", ...at({ issuer }), "--client-id", "any"];

describe("a wrong command line ends with 2", () => {
  // words are understood in the same way everywhere
  let person: Machine;
  let nobody: Machine;

  before(async () => {
    person = await makeMachine(quickVariant);
    nobody = await makeMachine(quickVariant);
    await signIn(person, provider, "person");
  });
  after(() => {
    person.close();
    nobody.close();
  });

  const rows: [what: string, args: string[], says: RegExp, nextStep: RegExp][] = [
    ["an unknown flag", ["get", "--loud"], /Unknown option '--loud'/, /See: apex-token get --help/],
    ["a flag that is nearly right", ["get", "--forse"], /Unknown option '--forse'/, /Did you mean --force\?/],
    ["an unknown command", ["gte"], /Unknown command 'gte'/, /Did you mean get\?/],
    ["an output form that is none", ["get", "-o", "xml"], /'xml' is invalid/, /token, json, header, env/],
    ["a time that is none", ["get", "--min-validity", "5m"], /'5m' is invalid/, /A whole number of seconds/],
    ["an empty scope", ["get", "-s", " "], /argument ' ' is invalid/, /A scope is needed/],
    ["two audiences", ["get", "--aud", "a", "--aud", "b"], /'b' is invalid/, /only once/],
    ["an unknown profile", ["get", "nobody"], /There is no profile "nobody"/, /The profiles are: person\./],
    ["an unknown profile to show", ["show", "nobody"], /There is no profile "nobody"/, /The profiles are: person/],
    ["an unknown profile to remove", ["remove", "nobody"], /no profile "nobody"/, /The profiles are: person/],
    ["a profile without an issuer", ["login", "x"], /no profile "x"/, /apex-token login x --issuer URL/],
    ["no profile at all", ["login"], /A name for the profile is needed/, /For example: apex-token login apex/],
    ["a bad name", ["login", "../x", "--issuer", "apex"], /Cannot use "\.\.\/x" as the name/, /letters, digits/],
    ["an issuer that is no URL", ["login", "x", "--issuer", "apx", "--client-id", "c"], /named "apx"/, /apex, cdse/],
    [
      "an http issuer",
      ["login", "x", "--issuer", "http://sso.example.org", "--client-id", "c"],
      /http:\/\/sso\.example\.org is not https/,
      /Use an https URL/,
    ],
    [
      "a redirect URI of another machine",
      ["login", "x", "--issuer", "apex", "--client-id", "c", "--redirect-uri", "https://example.org/"],
      /Cannot listen on the redirect URI/,
      /http:\/\/127\.0\.0\.1:4242\/callback/,
    ],
    [
      "a protection that is none",
      ["login", "x", "--issuer", "apex", "--client-id", "c", "--protect", "hope"],
      /Cannot protect a sign-in with "hope"/,
      /key-file, key-file=PATH or memory/,
    ],
    [
      "a protection of another release",
      ["login", "x", "--issuer", "apex", "--client-id", "c", "--protect", "keyring"],
      /this release cannot do that yet/,
      /--protect key-file/,
    ],
    ["no client id", ["login", "x", "--issuer", "apex"], /A client id is needed/, /Give it with --client-id ID/],
  ];
  for (const [what, args, says, nextStep] of rows) {
    it(what, async () => {
      const requests = provider.requests.length;
      refused(await person.run(args), 2, says, nextStep);
      assert.equal(provider.requests.length, requests);
    });
  }

  it("no password, no account, no client secret where nobody can be asked", async () => {
    const args = [...loginTo(provider.issuer), "--flow"];
    const [password, account, secret] = await Promise.all([
      nobody.run([...args, "password", "--username", "alice"]),
      nobody.run([...args, "password", "--password-file", "-"], { stdin: "wonderland" }),
      nobody.run([...args, "client-credentials"]),
    ]);
    refused(password, 2, /a password is needed and nobody can be asked/, /--password-file FILE/);
    refused(account, 2, /without the name of an account/, /--username NAME/);
    refused(secret, 2, /the client has no secret/, /--secret-file FILE/);
  });

  it("half a client in the environment", async () => {
    const [id, secret, idToken] = await Promise.all([
      nobody.run(["get"], { env: { APEX_CLIENT_ID: "c" } }),
      nobody.run(["get"], { env: { APEX_CLIENT_SECRET: "s" } }),
      nobody.run(["get", "--id-token"], { env: { APEX_CLIENT_ID: "c", APEX_CLIENT_SECRET: "s" } }),
    ]);
    refused(id, 2, /APEX_CLIENT_SECRET is not set/, /Set both/);
    refused(secret, 2, /APEX_CLIENT_ID is not set/, /Set both/);
    refused(idToken, 2, /nobody signs in/, /Leave --id-token out/);
  });

  it("an audience at a Keycloak, which sets them by client scope", async () => {
    const keycloak = await startProvider({ path: "/realms/x" });
    const other = await makeMachine(quickVariant);
    try {
      await signIn(other, keycloak, "kc");
      const requests = keycloak.requests.length;
      refused(
        await other.run(["get", "kc", "--aud", "catalogue"]),
        2,
        /Cannot ask for an audience: 127\.0\.0\.1:\d+ is a Keycloak, which sets audiences by client scope\./,
        /Leave --aud out/,
      );
      assert.equal(keycloak.requests.length, requests);
    } finally {
      await keycloak.close();
      other.close();
    }
  });

  it("a secret where there is no option for it is not repeated", async () => {
    const { stderr } = refused(await person.run(["login", "x", "--client-secret=hunter2"]), 2, /'--client-secret'/);
    assert.ok(!stderr.includes("hunter2"));
    assert.ok(!refused(await person.run(["list", "hunter2", "swordfish"]), 2).stderr.includes("hunter2"));
  });
});

describe("a server that says no ends with 5", () => {
  const wrongIssuers: [what: string, routes: Parameters<typeof startFakeServer>[0], RegExp, RegExp][] = [
    ["metadata that is not there", () => ({}), /the server answered 404/, /Check the issuer URL/],
    [
      "a web page instead of metadata",
      () => ({ [METADATA]: { text: "<html>Welcome!</html>" } }),
      /it is a web page/,
      /captive portal/,
    ],
    [
      "metadata of another issuer",
      () => ({ [METADATA]: metadata("https://evil.example") }),
      /it says that its issuer is "https:\/\/evil\.example"/,
      /Check the issuer URL/,
    ],
    [
      "metadata of an issuer with another last slash",
      (issuer) => ({ [METADATA]: metadata(`${issuer}/`) }),
      /Cannot trust the metadata/,
      /Use the issuer as the server writes it: http:\S+\/$/m,
    ],
    [
      "metadata that is broken",
      () => ({ [METADATA]: { text: '{"issuer":', type: "application/json" } }),
      /it is not JSON|it is not whole/i,
      /Check the issuer URL/,
    ],
    [
      "a redirect to somewhere else",
      () => ({ [METADATA]: { status: 302, text: "" } }),
      /redirect/,
      /Check the issuer URL/,
    ],
    [
      "a server without device codes",
      (issuer) => ({ [METADATA]: metadata(issuer, { device_authorization_endpoint: undefined }) }),
      /the server offers no device codes/,
      /Choose another --flow/,
    ],
  ];
  for (const [what, routes, says, nextStep] of wrongIssuers) {
    it(what, async () => {
      const server = await startFakeServer(routes);
      try {
        refused(await fresh.run([...loginTo(server.issuer), "--flow", "device"]), 5, says, nextStep);
      } finally {
        await server.close();
      }
    });
  }

  it("a wrong client secret", async () => {
    const args = ["login", "x", ...at(provider), "--client-id", "apex-service", "--secret-file", "-"];
    refused(await fresh.run(args, { stdin: "wrong" }), 5, /"invalid_client"/, /Check the client id and the client secret/);
  });

  it("an unknown client", async () => {
    refused(await fresh.run([...loginTo(provider.issuer), "--flow", "device"]), 5, /"invalid_client"/, /Check the client id/);
  });

  it("a wrong password", async () => {
    const args = ["login", "x", ...at(provider), "--client-id", "password-client", "--flow", "password"];
    refused(
      await fresh.run([...args, "--username", "alice", "--password-file", "-"], { stdin: "guess" }),
      5,
      /"invalid_grant"/,
      /Check the user name and the password/,
    );
  });

  it("a device sign-in that the person denies", async () => {
    const { running, page, userCode } = await startDevice(fresh, provider, "x");
    await provider.approveDevice(page, { userCode, deny: true });
    refused(await running.ended, 5, /The sign-in was denied/, /start the sign-in again/);
  });

  it("a scope that was not granted, with what was", async () => {
    const { stderr } = refused(await machine.run(["get", "person", "-s", "storage.read:/"]), 5, /"invalid_scope"/);
    assert.match(stderr, /Granted at sign-in: openid offline_access\. Ask for less with -s/);
    assert.match(stderr, /apex-token login person --scope "openid storage\.read:\/"/);
  });

  it("and nothing of it is left on the machine", () => {
    assert.deepEqual([...fresh.files().keys()], []);
  });
});

describe("a sign-in that is needed ends with 4", () => {
  it("where nobody has ever signed in", async () => {
    refused(await fresh.run(["get"]), 4, /Nobody has signed in here yet/, /Run: apex-token login NAME --issuer URL/);
  });

  it("after the device code ran out", async () => {
    const server = await startFakeServer((issuer) => ({
      [METADATA]: metadata(issuer),
      "/device": {
        json: {
          device_code: "d",
          user_code: "WDJB-MJHT",
          verification_uri: `${issuer}/page`,
          expires_in: 1,
          interval: 1,
        },
      },
      "/token": { status: 400, json: { error: "authorization_pending" } },
    }));
    try {
      const args = [...loginTo(server.issuer), "--flow", "device"];
      refused(await fresh.run(args), 4, /The code ran out before anybody entered it/, /Start the sign-in again/);
    } finally {
      await server.close();
    }
  });

  it("after the server called the device code expired", async () => {
    const server = await startFakeServer((issuer) => ({
      [METADATA]: metadata(issuer),
      "/device": {
        json: { device_code: "d", user_code: "A", verification_uri: `${issuer}/page`, expires_in: 600, interval: 1 },
      },
      "/token": { status: 400, json: { error: "expired_token" } },
    }));
    try {
      refused(await fresh.run([...loginTo(server.issuer), "--flow", "device"]), 4, /The code ran out/);
    } finally {
      await server.close();
    }
  });

  it("after the refresh token died, and nothing is deleted", async () => {
    const other = await makeMachine();
    try {
      await signIn(other, provider, "gone");
      const before = other.files();
      await provider.revokeGrants();
      const failed = refused(
        await other.run(["get", "gone", "--force"]),
        4,
        /^apex-token: The sign-in of "gone" has ended \(the server says "[^"]+"\)\.$/m,
      );
      assert.equal(sentences(failed)[1], "Run: apex-token login gone");
      for (const [file, bytes] of before) assert.deepEqual(other.files().get(file), bytes, file);
    } finally {
      other.close();
      await signIn(machine, provider, "person");
    }
  });

  it("where the server gave no refresh token", async () => {
    const other = await makeMachine();
    try {
      await signIn(other, provider, "short", ["--no-offline"]);
      refused(await other.run(["get", "short", "--force"]), 4, /"short" has no refresh token/, /Run: apex-token login/);
    } finally {
      other.close();
    }
  });
});

describe("a server that cannot be reached ends with 6", () => {
  it("at sign-in, where nobody listens", async () => {
    const issuer = `http://127.0.0.1:${await closedPort()}`;
    refused(await fresh.run(loginTo(issuer)), 6, /Cannot get an answer from 127\.0\.0\.1:\d+/, /Check the network/);
  });

  it("at a renewal, while it is down", async () => {
    provider.setDown(true);
    try {
      refused(await machine.run(["get", "person", "--force"]), 6, /cannot answer .* now: status 503/, /Try again later/);
    } finally {
      provider.setDown(false);
    }
  });
});

describe("a file that cannot be used ends with 7, and nothing is lost", () => {
  const profileFile = ".config/apex-token/profiles/person.json";
  const keyFile = ".local/share/apex-token/store.key";
  let machine: Machine;
  let kept: Map<string, Uint8Array>;

  before(async () => {
    machine = await makeMachine(currentRuntime() === "node" ? quickVariant : currentRuntime());
    await signIn(machine, provider, "person");
    kept = machine.files();
  });
  after(() => machine.close());
  beforeEach(() => restore());

  const path = (...parts: string[]) => join(machine.home, ...parts);
  const restore = () => {
    for (const file of machine.files().keys()) if (!kept.has(file)) rmSync(path(file));
    for (const [file, bytes] of kept) writeFileSync(path(file), bytes, { mode: 0o600 });
  };
  const sessionFiles = () => [...kept.keys()].filter((file) => file.includes("/sessions/person/g-"));
  const spoil = (file: string, change: (bytes: Uint8Array) => Uint8Array | string) =>
    writeFileSync(path(file), change(kept.get(file)!));
  /** After the damage is undone, everything works as before. */
  const worksAgain = async () => {
    restore();
    done(await machine.run(["get", "person"]));
  };
  const unchanged = (files: string[], before: Map<string, Uint8Array>) => {
    const now = machine.files();
    for (const file of files) assert.deepEqual(now.get(file), before.get(file), file);
  };

  const profiles: [what: string, change: (bytes: Uint8Array) => Uint8Array | string, says: RegExp][] = [
    ["not JSON", () => "{", /profiles\/person\.json: it is not JSON/],
    ["of a newer release", (bytes) => text(bytes).replace('"format": 1', '"format": 2'), /by a newer release/],
    ["without an issuer", (bytes) => text(bytes).replace(/"issuer".*\n/, ""), /"issuer" is missing or wrong/],
    ["that says another name", (bytes) => text(bytes).replace('"name": "person"', '"name": "x"'), /its name is "x"/],
    ["that is far too long", () => "x".repeat(100_000), /it is larger than/],
  ];
  for (const [what, change, says] of profiles) {
    it(`a profile ${what}`, async () => {
      spoil(profileFile, change);
      const before = machine.files();
      const failed = refused(await machine.run(["get", "person", "--force"]), 7, says);
      assert.equal(sentences(failed).length, 2);
      unchanged([...before.keys()], before);
      await worksAgain();
    });
  }

  it("a broken profile can be removed, as its message says", async () => {
    spoil(profileFile, () => "{");
    refused(await machine.run(["get", "person", "--force"]), 7, /or forget it: apex-token remove person/);
    done(await machine.run(["remove", "person"]));
    refused(await machine.run(["show", "person"]), 2, /There is no profile/);
  });

  it("a profile that others can read", async () => {
    chmodSync(path(profileFile), 0o644);
    const failed = await machine.run(["get", "person", "--force"]);
    chmodSync(path(profileFile), 0o600);
    refused(failed, 7, /other users have access to it/, /Run: chmod 600 \S+person\.json/);
  });

  const keys: [what: string, change: (bytes: Uint8Array) => Uint8Array | string, says: RegExp][] = [
    ["of the wrong length", (bytes) => text(bytes).trim().slice(0, -1) + "\n", /not "apex-key-1:" and 43 characters/],
    ["that is something else", () => "-----BEGIN PRIVATE KEY-----\n", /Cannot read the key file \S+store\.key/],
    ["of a newer release", () => "apex-key-2:abc\n", /newer release/],
    ["of another machine", () => `apex-key-1:${"A".repeat(43)}\n`, /sealed with another key/],
  ];
  for (const [what, change, says] of keys) {
    it(`a key ${what}`, async () => {
      spoil(keyFile, change);
      const before = machine.files();
      refused(await machine.run(["get", "person"]), 7, says, /Put .* back|Install the newest/);
      unchanged([...sessionFiles(), keyFile, profileFile], before);
      await worksAgain();
    });
  }

  it("a broken key before a sign-in, which is not begun", async () => {
    spoil(keyFile, () => "broken\n");
    const requests = provider.requests.length;
    refused(await machine.run(["login", "person", "--password-file", "-"], { stdin: "wonderland" }), 7, /move it away/);
    assert.equal(provider.requests.length, requests);
    await worksAgain();
  });

  it("a session that is broken", async () => {
    for (const file of sessionFiles()) spoil(file, (bytes) => bytes.map((byte, at) => at > 200 ? byte ^ 1 : byte));
    const before = machine.files();
    refused(await machine.run(["get", "person", "--force"]), 7, /no file in it is whole/, /Put it back from a backup/);
    unchanged(sessionFiles(), before);
    await worksAgain();
  });

  it("a session of a newer release", async () => {
    const key = readKeyFile(path(keyFile));
    const sessions = fileStore(path(".local/state/apex-token/sessions"));
    const store = encryptedStore(sessions, key, "apex-token/sessions");
    const stored = (await store.read("person"))!;
    const newer = { ...JSON.parse(text(stored.value)), format: 2 };
    await store.compareAndSet("person", stored.version, new TextEncoder().encode(JSON.stringify(newer)));
    const before = machine.files();
    refused(await machine.run(["get", "person", "--force"]), 7, /written by a newer release/, /the release that wrote it/);
    unchanged([...before.keys()].filter((file) => file.includes("/sessions/")), before);
    await worksAgain();
  });

  it("but a cached token that is broken is no loss: it is fetched again", async () => {
    const cached = ".local/state/apex-token/tokens/person.token";
    const damages: ((bytes: Uint8Array) => Uint8Array | string)[] = [
      () => "",
      () => "not a token\n",
      (bytes) => bytes.map((byte, at) => at > 400 ? byte ^ 1 : byte),
      (bytes) => text(bytes.subarray(0, bytes.indexOf(10))).replace('"format":1', '"format":2') + "\n",
    ];
    for (const damage of damages) {
      const good = readFileSync(path(cached));
      writeFileSync(path(cached), damage(good));
      const requests = provider.count("/token");
      const { stderr } = done(await machine.run(["get", "person"]));
      assert.equal(stderr, "");
      assert.equal(provider.count("/token"), requests + 1);
      assert.equal(done(await machine.run(["get", "person"])).stderr, "");
      assert.equal(provider.count("/token"), requests + 1, "and kept again");
    }
    // the refresh token on the disk is the newest one: an older one would end the family
    kept = machine.files();
  });

  it("a secret file that is gone or empty", async () => {
    const args = ["login", "x", ...at(provider), "--client-id", "apex-service", "--secret-file"];
    refused(await machine.run([...args, "/nowhere/secret"]), 7, /from \/nowhere\/secret: there is no such file/);
    refused(await machine.run([...args, machine.home]), 7, /it is a directory/);
    refused(await machine.run([...args, "-"], { stdin: "" }), 2, /it is empty/);
    refused(await machine.run([...args, "-"], { stdin: new Uint8Array([0xff]) }), 2, /not UTF-8 text/);
    refused(await machine.run([...args, "/dev/zero"]), 7, /it is too long/);
  });

  it("an authority file that is none", async () => {
    const args = ["login", "x", "--issuer", "https://127.0.0.1:1", "--client-id", "c", "--ca-file"];
    refused(await machine.run([...args, "/nowhere.pem"]), 7, /\/nowhere\.pem/);
    refused(await machine.run([...args, path(keyFile)]), 2, /no certificate/);
  });
});

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
