import assert from "node:assert/strict";
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { PASSWORD_USER, type RunningProvider, startProvider } from "../interop/oidc_provider.ts";
import { type Desktop, startDesktop } from "../host/desktop.ts";
import type { ProcessOptions } from "../process.ts";
import { type Machine, makeMachine, quickVariant, type Variant } from "./machine.ts";
import { startOnTerminal } from "./pseudo_terminal.ts";
import { at, done, refused, signIn } from "./sign_in.ts";

const PASSPHRASE = "correct horse battery staple";
const recordFile = ".local/share/apex-token/keys/p";

describe("what protects a sign-in", () => {
  let provider: RunningProvider;
  let machine: Machine;
  let secret: string;

  before(async () => void (provider = await startProvider()));
  after(() => provider.close());
  beforeEach(() => begin(quickVariant));
  afterEach(() => machine.close());

  /** What differs from runtime to runtime is tried on the one of this test. */
  async function begin(variant?: Variant): Promise<void> {
    machine = await makeMachine(variant);
    secret = join(machine.home, "passphrase");
    writeFileSync(secret, PASSPHRASE + "\n");
  }

  const inFiles = (text: string) =>
    [...machine.files()].some(([, bytes]) => new TextDecoder("latin1").decode(bytes).includes(text));
  const get = (options: ProcessOptions = {}, ...more: string[]) =>
    machine.run(["get", "p", ...more], options);
  /** A refresh, so that the session is needed and not only the cached token. */
  const renewed = async (options: ProcessOptions = {}, ...more: string[]) =>
    done(await get(options, "--force", ...more)).stdout;

  describe("in a keyring", () => {
    let desktop: Desktop;
    let env: Readonly<Record<string, string>>;
    before(async () => {
      desktop = await startDesktop();
      env = desktop.environment;
    });
    after(() => desktop.close());
    beforeEach(async () => {
      machine.close();
      await begin();
    });

    const login = (...more: string[]) => {
      const args = ["--client-id", "password-client", "--flow", "password", "--password-file", "-"];
      const who = ["--username", PASSWORD_USER.username, ...more];
      const options = { stdin: PASSWORD_USER.password, env };
      return machine.run(["login", "p", ...at(provider), ...args, ...who], options);
    };

    it("is the default where one answers; no file opens it", async () => {
      assert.match(done(await login()).stderr, /its key is kept by the keyring \(--protect keyring\)/);
      const first = done(await get({ env })).stdout;
      assert.notEqual(await renewed({ env }), first);
      assert.match(done(await machine.run(["show", "p"], { env })).stdout, /protected by: +the keyring/);
      assert.ok(!machine.files().has(".local/share/apex-token/store.key"));
      assert.ok(!inFiles("apex-key-1"));
    });

    it("is asked for a cached token without a look at anything else (binary)", async () => {
      machine.close();
      await begin("binary");
      done(await login());
      const token = done(await get({ env })).stdout;
      writeFileSync(join(machine.home, ".config/apex-token/profiles/p.json"), "{ broken");
      for (const args of [["get", "p"], ["get"]]) {
        assert.equal(done(await machine.run(args, { env })).stdout, token);
      }
      assert.equal((await get({ env }, "--force")).code, 7);
      await desktop.lockKeyring();
      assert.equal((await get({ env })).code, 7);
      await desktop.unlockKeyring();
    });

    it("cannot be opened without it, with 7 and the ways out, and is there again with it", async () => {
      done(await login());
      const before = machine.files();
      refused(await get(), 7, /no D-Bus session bus/, /desktop/);
      await desktop.killKeyring();
      refused(await get({ env }), 7, /no program on the session bus offers one/);
      await desktop.lockKeyring();
      refused(await get({ env }), 7, /keyring is locked/, /Unlock it/);
      refused(await get({ env }, "--force"), 7, /keyring is locked/);
      assert.deepEqual(machine.files(), before);
      await desktop.unlockKeyring();
      await renewed({ env });
    });

    it("that does not open is named with the profile, and another way to keep it is a way out", async () => {
      done(await login());
      await desktop.lockKeyring();
      const anew = /or begin anew in another way: apex-token login p --protect key-file\n$/;
      for (const env_ of [env, {}]) refused(await get({ env: env_ }), 7, /Cannot open the key of "p"/, anew);
      done(await login("--protect", "key-file"));
      await renewed();
      await desktop.unlockKeyring();
    });

    it("is not begun, and nothing weaker is taken instead, while the keyring is locked and nobody is there", async () => {
      await desktop.lockKeyring();
      const requests = provider.requests.length;
      refused(await login(), 7, /is locked/, /--protect key-file/);
      refused(await login("--protect", "keyring"), 7, /is locked/, /--protect key-file/);
      assert.equal(provider.requests.length, requests);
      // nor is it asked for a password first by somebody who cannot unlock the keyring from here
      const words = [
        "login",
        "p",
        ...at(provider),
        "--client-id",
        "c",
        "--protect",
        "keyring",
        "--username",
        "x",
      ];
      const person = await startOnTerminal(machine, [...words, "--flow", "password"], env).end();
      assert.equal(person.code, 7, person.seen);
      assert.match(person.seen, /keyring is locked/);
      done(await login("--protect", "key-file"));
      await renewed();
      await desktop.unlockKeyring();
    });

    it("is forgotten there too when the sign-in is", async () => {
      done(await login());
      const { id } = JSON.parse(
        new TextDecoder().decode(machine.files().get(recordFile)).split("\n").slice(1).join(""),
      );
      const { secretService } = await import("../../lib/host/secret_service.ts");
      const { platform, clock } = machine.host;
      const keyring = secretService({ platform, clock, environment: (name) => env[name] });
      assert.match((await keyring.read({ id, label: "" }))!, /^apex-key-1:/);
      done(await machine.run(["logout", "p"], { env }));
      assert.equal(await keyring.read({ id, label: "" }), undefined);
      assert.ok(!machine.files().has(recordFile));
      done(await login());
      done(await machine.run(["remove", "p"], { env }));
    });
  });

  describe("by a passphrase", () => {
    it("comes from a file, a descriptor or a variable that names one; without any it ends with 7", async () => {
      machine.close();
      await begin();
      await signIn(machine, provider, "p", ["--protect", "passphrase", "--passphrase-file", secret]);
      assert.ok(!inFiles("apex-key-1"));
      await renewed({}, "--passphrase-file", secret);
      await renewed({ env: { APEX_TOKEN_PASSPHRASE_FILE: secret } });
      await renewed({ stdin: PASSPHRASE }, "--passphrase-file", "-");
      const shown = done(await machine.run(["show", "p", "--passphrase-file", secret]));
      assert.match(shown.stdout, /^signed in as: +alice$/m);
      const requests = provider.requests.length;
      refused(await get(), 7, /needs a passphrase/, /--passphrase-file/, /apex-token protect p/);
      assert.equal(provider.requests.length, requests);
    });

    it("that nobody can choose is asked for nowhere: a sign-in is not begun", async () => {
      const requests = provider.requests.length;
      const args = ["login", "q", ...at(provider), "--client-id", "c", "--protect", "passphrase"];
      const words = /Cannot protect the sign-in of "q" with a passphrase: nobody can be asked for one/;
      refused(await machine.run(args), 7, words, /--passphrase-file .* or use --protect key-file/);
      assert.equal(provider.requests.length, requests);
    });

    it("that is wrong ends with 7 and loses nothing", async () => {
      await signIn(machine, provider, "p", ["--protect", "passphrase", "--passphrase-file", secret]);
      const before = machine.files();
      for (const wrong of ["wrong", PASSPHRASE + " "]) {
        refused(await get({ stdin: wrong }, "--passphrase-file", "-"), 7, /the passphrase is wrong/);
      }
      const again = ["login", "p", "--passphrase-file", "-", "--password-file", secret];
      refused(
        await machine.run(again, { stdin: "wrong" }),
        7,
        /the passphrase is wrong/,
        /apex-token logout p/,
      );
      assert.deepEqual(machine.files(), before);
      await renewed({}, "--passphrase-file", secret);
    });

    it("is asked for at a terminal: twice for a new one, up to three times later", async () => {
      const login = startOnTerminal(machine, [
        ...["login", "p", ...at(provider), "--client-id", "password-client", "--flow", "password"],
        ...["--username", PASSWORD_USER.username, "--protect", "passphrase"],
      ]);
      await login.reply(/A new passphrase for "p": /, "one\r");
      await login.reply(/The same again: /, "another\r");
      await login.reply(/They differ\.\s+A new passphrase for "p": /, `${PASSPHRASE}\r`);
      await login.reply(/The same again: /, `${PASSPHRASE}\r`);
      await login.reply(/not kept\): /, `${PASSWORD_USER.password}\r`);
      const { code, seen } = await login.end();
      assert.equal(code, 0, seen);
      assert.ok(!seen.includes(PASSPHRASE));

      const later = startOnTerminal(machine, ["get", "p"]);
      await later.reply(/The passphrase of "p": /, "one\r");
      await later.reply(/not the passphrase\.\s+The passphrase of "p": /, `${PASSPHRASE}\r`);
      const token = await later.end();
      assert.equal(token.code, 0, token.seen);
      assert.match(token.stdout, /^eyJ/);

      const never = startOnTerminal(machine, ["get", "p"]);
      for (const wrong of ["one", "two", "three"]) await never.reply(/The passphrase of "p": /, `${wrong}\r`);
      const refusal = await never.end();
      assert.equal(refusal.code, 7, refusal.seen);
      assert.match(refusal.seen, /the passphrase is wrong/);
      assert.equal(refusal.stdout, "");
    });
  });

  describe("changed afterwards", () => {
    const protect = (how: string, ...more: string[]) =>
      machine.run(["protect", "p", "--protect", how, ...more]);

    it("needs no new sign-in, and what protected it before opens nothing any more", async () => {
      await signIn(machine, provider, "p");
      const key = join(machine.home, ".local/share/apex-token/store.key");
      const other = join(machine.home, "elsewhere/my.key");
      const requests = provider.requests.length;
      const first = done(await get()).stdout;

      assert.match(
        done(await protect("passphrase", "--passphrase-file", secret)).stderr,
        /by a passphrase from now on/,
      );
      rmSync(key);
      assert.equal(
        done(await get({}, "--passphrase-file", secret)).stdout,
        first,
        "the cached token is still there",
      );
      refused(await get(), 7, /needs a passphrase/);

      const fresh = join(machine.home, "fresh");
      writeFileSync(fresh, "a new one");
      done(await protect("passphrase", "--passphrase-file", secret, "--new-passphrase-file", fresh));
      refused(await get({}, "--passphrase-file", secret), 7, /the passphrase is wrong/);

      done(await protect(`key-file=${other}`, "--passphrase-file", fresh));
      assert.equal(done(await get()).stdout, first);
      assert.equal(provider.requests.length, requests, "nobody asked the server");
      await renewed();
      rmSync(other);
      refused(await get({}, "--passphrase-file", fresh), 7, /my\.key/);
    });

    it("does not ask anybody to close a directory that others use, to put the key there", async () => {
      const open = join(machine.home, "open");
      mkdirSync(open);
      chmodSync(open, 0o1777);
      const requests = provider.requests.length;
      const args = ["login", "q", ...at(provider), "--client-id", "c", "--protect", `key-file=${open}/key`];
      const { stderr } = refused(
        await machine.run(args),
        7,
        /Cannot keep a key in \S+open: other users have access/,
      );
      assert.equal(provider.requests.length, requests);
      assert.doesNotMatch(stderr, /chmod/);
      const [, better] = /--protect (key-file=\S+?)\.?\n$/.exec(stderr)!;
      await signIn(machine, provider, "p");
      refused(await protect(`key-file=${open}/key`), 7, /Cannot keep a key in/, /--protect key-file=/);
      done(await protect(better));
      await renewed();
    });

    it("does not put the key where the sign-ins are, whatever leads there", async () => {
      const state = join(machine.home, ".local/state/apex-token");
      await signIn(machine, provider, "p", ["--protect", "memory"]);
      mkdirSync(state, { recursive: true, mode: 0o700 });
      symlinkSync(state, join(machine.home, "link"));
      const requests = provider.requests.length;
      for (const file of [`${state}/key`, `${state}/a/b/key`, `${machine.home}/link/key`]) {
        const args = ["login", "q", ...at(provider), "--client-id", "c", "--protect", `key-file=${file}`];
        refused(await machine.run(args), 2, /that is where the sign-ins are/, /Use --protect key-file/);
      }
      assert.equal(provider.requests.length, requests);
      await signIn(machine, provider, "q", ["--protect", `key-file=${machine.home}/stick/key`]);
      // where all directories are one, as on macOS, the standard place stays what it is
      const env = { XDG_DATA_HOME: join(machine.home, "all"), XDG_STATE_HOME: join(machine.home, "all") };
      const args = ["--client-id", "password-client", "--flow", "password", "--password-file", "-"];
      const who = ["--username", PASSWORD_USER.username, "--protect", "key-file"];
      const options = { stdin: PASSWORD_USER.password, env };
      done(await machine.run(["login", "r", ...at(provider), ...args, ...who], options));
    });

    it("says what it cannot do, and does nothing then", async () => {
      await signIn(machine, provider, "p");
      const before = machine.files();
      refused(await protect("memory"), 2, /it would be lost/, /apex-token login p --protect memory/);
      refused(await protect("keyring"), 7, /does not answer here/, /logged in to a desktop/);
      const nowhere = { env: { PATH: "/nowhere" } };
      const creds = await machine.run(["protect", "p", "--protect", "systemd-creds"], nowhere);
      refused(creds, 7, /systemd-creds does not answer here/, /256 or newer/);
      assert.doesNotMatch(creds.stderr, /desktop/);
      refused(await protect("passphrase"), 7, /nobody can be asked/);
      refused(await protect("hope"), 2, /Use --protect keyring/);
      refused(await machine.run(["protect", "q", "--protect", "key-file"]), 2, /There is no profile "q"/);
      assert.deepEqual(machine.files(), before);
      done(await machine.run(["logout", "p"]));
      refused(await protect("key-file"), 4, /"p" is not signed in/, /apex-token login p --protect key-file/);
      await signIn(machine, provider, "p", ["--protect", "memory"]);
      refused(await protect("key-file"), 2, /keeps no sign-in/, /apex-token login p --protect key-file/);
    });

    it("by a process that is killed at any moment loses nothing", async () => {
      await signIn(machine, provider, "p");
      const places = ["a", "b"].map((name) => join(machine.home, name, "key"));
      for (const place of places) mkdirSync(join(place, ".."), { mode: 0o700 });
      // a little later each time, until one is too late; at least eight, whatever this machine does
      for (let round = 0, wait = 10, code = 1; round < 8 || code !== 0; round++, wait *= 1.25) {
        const running = machine.start(["protect", "p", "--protect", `key-file=${places[round % 2]}`]);
        const killed = setTimeout(() => running.kill("SIGKILL"), wait);
        ({ code } = await running.ended);
        clearTimeout(killed);
        await renewed();
      }
      done(await protect("key-file"));
      for (const place of places) rmSync(place, { force: true });
      await renewed();
    });
  });
});
