import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { fileStore } from "../../lib/host/file_store.ts";
import { readProfile } from "../../lib/profile/profile_files.ts";
import { openKey } from "../../lib/profile/profile_key.ts";
import { encryptedStore } from "../../lib/store/encrypted_store.ts";
import {
  PASSWORD_USER,
  type RunningProvider,
  SERVICE_SECRET,
  startProvider,
} from "../interop/oidc_provider.ts";
import { currentRuntime } from "../process.ts";
import { type Machine, makeMachine, quickVariant } from "./machine.ts";
import { at, done, refused, sentences, signIn } from "./sign_in.ts";

describe("a file that cannot be used ends with 7, and nothing is lost", () => {
  const profileFile = ".config/apex-token/profiles/person.json";
  const keyFile = ".local/share/apex-token/store.key";
  let provider: RunningProvider;
  let machine: Machine;
  let kept: Map<string, Uint8Array>;

  before(async () => {
    provider = await startProvider({ accessTokenLifetime: 3600 });
    machine = await makeMachine(currentRuntime() === "bun" ? "bun" : quickVariant);
    await signIn(machine, provider, "person");
    kept = machine.files();
  });
  after(async () => {
    await provider.close();
    machine.close();
  });
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
    [
      "of a newer release",
      (bytes) => text(bytes).replace('"format": 1', '"format": 2'),
      /by a newer release/,
    ],
    ["without an issuer", (bytes) => text(bytes).replace(/"issuer".*\n/, ""), /"issuer" is missing or wrong/],
    [
      "that says another name",
      (bytes) => text(bytes).replace('"name": "person"', '"name": "x"'),
      /its name is "x"/,
    ],
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

  it("a profile that others can change", async () => {
    chmodSync(path(profileFile), 0o664);
    const failed = await machine.run(["get", "person", "--force"]);
    chmodSync(path(profileFile), 0o600);
    refused(failed, 7, /other users can change it/, /run: chmod go-w \S+person\.json/);
  });

  it("but one that others can read, and to which a link leads, is one of somebody's dotfiles", async () => {
    const dotfile = path("person.json");
    renameSync(path(profileFile), dotfile);
    chmodSync(dotfile, 0o644);
    symlinkSync(dotfile, path(profileFile));
    done(await machine.run(["show", "person"]));
    assert.match(done(await machine.run(["list"])).stdout, /person/);
    unlinkSync(path(profileFile));
    renameSync(dotfile, path(profileFile));
    chmodSync(path(profileFile), 0o600);
  });

  const keys: [what: string, change: (bytes: Uint8Array) => Uint8Array | string, says: RegExp][] = [
    [
      "of the wrong length",
      (bytes) => text(bytes).trim().slice(0, -1) + "\n",
      /not "apex-key-1:" and 43 characters/,
    ],
    [
      "that is something else",
      () => "-----BEGIN PRIVATE KEY-----\n",
      /Cannot read the key file \S+store\.key/,
    ],
    ["of a newer release", () => "apex-key-2:abc\n", /newer release/],
    ["of another machine", () => `apex-key-1:${"A".repeat(43)}\n`, /store\.key is another one/],
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
    refused(
      await machine.run(["login", "person", "--password-file", "-"], { stdin: "wonderland" }),
      7,
      /move it away/,
    );
    assert.equal(provider.requests.length, requests);
    await worksAgain();
  });

  it("a place that cannot keep a sign-in, before anybody signs in", async () => {
    const state = ".local/state/apex-token";
    const places = [
      state,
      ...["sessions", "sessions/person", "attempts", "tokens", "locks"].map((one) => `${state}/${one}`),
      ".local/share/apex-token/keys",
    ];
    const again = () =>
      machine.run(["login", "person", "--password-file", "-"], { stdin: PASSWORD_USER.password });
    const requests = provider.requests.length;
    for (const place of places) {
      const isThere = existsSync(path(place));
      if (isThere) renameSync(path(place), path("aside"));
      else mkdirSync(path("aside"), { mode: 0o700 });
      symlinkSync(path("aside"), path(place));
      refused(await again(), 7, /a symbolic link stands in place of the directory/, /Remove the link: rm /);
      unlinkSync(path(place));
      if (isThere) renameSync(path("aside"), path(place));
      else rmSync(path("aside"), { recursive: true });
    }
    chmodSync(path(`${state}/sessions`), 0o750);
    refused(await again(), 7, /other users have access to it \(mode 0750\)/, /Run: chmod 700 /);
    chmodSync(path(`${state}/sessions`), 0o700);
    assert.equal(provider.requests.length, requests, "nobody has been asked for anything");
    await worksAgain();
  });

  it("a key that is gone, with the command that makes another", async () => {
    rmSync(path(keyFile));
    refused(await machine.run(["get", "person"]), 7, /there is none/, /`apex-token login person`/);
    await worksAgain();
  });

  it("a session that is broken", async () => {
    for (const file of sessionFiles()) {
      spoil(file, (bytes) => bytes.map((byte, at) => at > 200 ? byte ^ 1 : byte));
    }
    const before = machine.files();
    refused(
      await machine.run(["get", "person", "--force"]),
      7,
      /no file in it is whole/,
      /Put it back from a backup/,
    );
    unchanged(sessionFiles(), before);
    await worksAgain();
  });

  it("a session of a newer release", async () => {
    const key = await openKey(machine.host, readProfile(machine.host, "person"));
    const sessions = fileStore(path(".local/state/apex-token/sessions"));
    const store = encryptedStore(sessions, key, "apex-token/sessions");
    const stored = (await store.read("person"))!;
    const newer = { ...JSON.parse(text(stored.value)), format: 2 };
    await store.compareAndSet("person", stored.version, new TextEncoder().encode(JSON.stringify(newer)));
    const before = machine.files();
    refused(
      await machine.run(["get", "person", "--force"]),
      7,
      /written by a newer release/,
      /the release that wrote it/,
    );
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

  it("a home that is not there, or that a link to nowhere stands for", async () => {
    const gone = "/proc/there-is-none/home";
    const args = [
      "login",
      "x",
      ...at(provider),
      "--client-id",
      "apex-service",
      "--secret-file",
      path("secret"),
    ];
    writeFileSync(path("secret"), SERVICE_SECRET);
    const said = await machine.run(args, { env: { HOME: gone, DENO_DIR: path("deno") } });
    refused(said, 7, /there is no \/proc\/there-is-none\.\nMake it: mkdir -p \/proc\/there-is-none;/);
    assert.doesNotMatch(said.stderr, /No keyring/, "nothing is kept");
    symlinkSync("/nowhere/at/all", path("link"));
    const linked = await machine.run(args, { env: { XDG_DATA_HOME: path("link") } });
    refused(linked, 7, /the link \S+\/link leads nowhere/, /Remove the link/);
    rmSync(path("link"));
  });

  it("a secret file that is gone or empty", async () => {
    const args = ["login", "x", ...at(provider), "--client-id", "apex-service", "--secret-file"];
    refused(
      await machine.run([...args, "/nowhere/secret"]),
      7,
      /from \/nowhere\/secret: there is no such file/,
    );
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
