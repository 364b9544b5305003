import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { decoded } from "../jwt.ts";
import {
  PASSWORD_USER,
  type RunningProvider,
  SERVICE_SECRET,
  startProvider,
} from "../interop/oidc_provider.ts";
import { fileStore } from "../../lib/host/file_store.ts";
import { providers } from "../../lib/providers.ts";
import { currentRuntime } from "../process.ts";
import { type Machine, makeMachine, quickVariant, type Variant } from "./machine.ts";
import { startOnTerminal, type TerminalSession } from "./pseudo_terminal.ts";
import { at, done, refused, signIn } from "./sign_in.ts";

let provider: RunningProvider;

before(async () => {
  provider = await startProvider({ interval: 1 });
});
after(() => provider.close());

async function withMachine(
  work: (machine: Machine) => Promise<void>,
  variant: Variant = quickVariant,
): Promise<void> {
  const machine = await makeMachine(variant);
  try {
    await work(machine);
  } finally {
    machine.close();
  }
}

/** Approves the device sign-in that a terminal shows, as soon as it waits. */
async function approve(session: TerminalSession): Promise<void> {
  const [, page] = await session.running.waitFor("stdout", /\n {4}(http\S+)\r\n/);
  const [, userCode] = await session.running.waitFor("stdout", /enter the code +(\S+) /);
  await session.running.waitFor("stdout", /Waiting for the sign-in … \d+:\d\d left/);
  await provider.approveDevice(page, { userCode });
}

/** The processes whose home that is, and that nobody has yet to bury. */
function processesAt(home: string): string[] {
  return readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(`HOME=${home}`) &&
        readFileSync(`/proc/${pid}/cmdline`, "utf8") !== "";
    } catch {
      return false;
    }
  });
}

// deno-lint-ignore no-control-regex
const COLOR = /\x1b\[[\d;]*m/;

describe("a person at a terminal", () => {
  it("is asked where, as whom and how to sign in, by the first get", () =>
    withMachine(async (machine) => {
      const session = startOnTerminal(machine, ["get", "--allow-insecure-loopback"]);
      await session.reply(
        /Where do you want to sign in\?[^]*Choice \(1-\d+\) \[1\]: /,
        `${providers.length + 1}\n`,
      );
      await session.reply(/The issuer's URL: /, "sso.example.org\n");
      await session.reply(/with the https:\/\/ in front\.\r\nThe issuer's URL: /, `${provider.issuer}\n`);
      await session.reply(/Client id: /, "\n");
      await session.reply(/Please give a client id\.\r\nClient id: /, "project-a-catalogue-dev-api\n");
      await session.reply(/How do you want to sign in\?[^]*Choice \(1-4\) \[1\]: /, "3\n");
      await session.reply(/How shall the sign-in be kept[^]*Choice \(1-3\) \[1\]: /, "\n");
      await approve(session);
      const { code, seen, stdout } = await session.end();
      assert.equal(code, 0, seen);
      assert.equal(decoded(stdout).claims.sub, "alice");
      assert.match(seen, /Signed in to 127\.0\.0\.1:\d+ as alice\./);
      assert.match(seen, /[█▀▄]{20}/, "a picture for a telephone");
      assert.equal(done(await machine.run(["get", "127.0.0.1"])).stdout, stdout, "the sign-in is kept");
    }));

  it("can keep nothing: each get asks for the sign-in anew", () =>
    withMachine(async (machine) => {
      await signIn(machine, provider, "once", ["--protect", "memory"]);
      refused(await machine.run(["get", "once"]), 4, /keeps no sign-in/, /--protect key-file/);
      const requests = provider.count("/token");
      const session = startOnTerminal(machine, ["get", "once"]);
      await session.reply(/Password \(it is sent once and not kept\): /, `${PASSWORD_USER.password}\r`);
      const { code, seen, stdout } = await session.end();
      assert.equal(code, 0, seen);
      assert.equal(decoded(stdout).claims.sub, "alice");
      assert.equal(provider.count("/token"), requests + 1, "the token of the sign-in itself");
      assert.match(seen, /deprecated/);
      const files = [...machine.files().keys()].map((file) => file.split("/").at(-1)).sort();
      assert.deepEqual(files, ["default", "once.json"]);
    }));

  it("who keeps nothing from now on leaves nothing behind", () =>
    withMachine(async (machine) => {
      await signIn(machine, provider, "p");
      await signIn(machine, provider, "p", ["--protect", "memory"]);
      assert.deepEqual([...machine.files().keys()].filter((file) => file.includes("/tokens/")), []);
      const sessions = fileStore(`${machine.host.directories.state}/sessions`);
      assert.equal(await sessions.read("p"), undefined, "not even what no key is left for");
      refused(await machine.run(["get", "p"]), 4, /keeps no sign-in/);
      await signIn(machine, provider, "p", ["--protect", "key-file"]);
      done(await machine.run(["get", "p"]));
    }));

  it("types a password and a client secret unseen", () =>
    withMachine(async (machine) => {
      const person = startOnTerminal(machine, [
        ...[
          "login",
          "p",
          ...at(provider),
          "--client-id",
          "password-client",
          "--flow",
          "password",
          "--protect",
        ],
        "key-file",
      ]);
      await person.reply(/User name: /, `${PASSWORD_USER.username}\n`);
      await person.reply(/not kept\): /, `${PASSWORD_USER.password}\r`);
      const first = await person.end();
      assert.equal(first.code, 0, first.seen);
      assert.ok(!first.seen.includes(PASSWORD_USER.password));

      const client = [...at(provider), "--client-id", "apex-service", "--protect", "key-file"];
      for (const how of [["s", "--secret-file", "-"], ["t", "--flow", "client-credentials"]]) {
        const service = startOnTerminal(machine, ["login", ...how, ...client]);
        await service.reply(/Client secret: /, `${SERVICE_SECRET}\r`);
        const second = await service.end();
        assert.equal(second.code, 0, second.seen);
        assert.ok(!second.seen.includes(SERVICE_SECRET));
      }
      done(await machine.run(["get", "s", "--force"]));
    }));

  it("signs in again when the sign-in has ended", () =>
    withMachine(async (machine) => {
      await signIn(machine, provider, "p");
      await provider.revokeGrants();
      await machine.age("p", (_, now) => ({ expiresAt: now - 1, softAt: now - 1, hardAt: now - 1 }));
      const session = startOnTerminal(machine, ["get", "p"]);
      await session.reply(/The sign-in of "p" has ended[^]*Password[^]*: /, `${PASSWORD_USER.password}\r`);
      const { code, seen, stdout } = await session.end();
      assert.equal(code, 0, seen);
      assert.equal(decoded(stdout).claims.sub, "alice");
    }));

  it("is asked for a name where the obvious one is taken", () =>
    withMachine(async (machine) => {
      await signIn(machine, provider, "127.0.0.1");
      const session = startOnTerminal(machine, ["login", "--allow-insecure-loopback"]);
      await session.reply(/Choice \(1-\d+\) \[1\]: /, `${providers.length + 1}\n`);
      await session.reply(/The issuer's URL: /, `${provider.issuer}\n`);
      await session.reply(/Client id: /, "apex-service\n");
      await session.reply(/How do you want to sign in\?[^]*Choice \(1-4\) \[1\]: /, "4\n");
      await session.reply(/Client secret: /, `${SERVICE_SECRET}\r`);
      await session.reply(/How shall[^]*Choice \(1-3\) \[1\]: /, "\n");
      await session.reply(/A name for the new one \[127\.0\.0\.1-2\]: /, "a name\n");
      await session.reply(/Please use letters[^]*\[127\.0\.0\.1-2\]: /, "\n");
      assert.equal((await session.end()).code, 0);
      assert.match((await machine.run(["list"])).stdout, /127\.0\.0\.1 {2,}.*\n.*127\.0\.0\.1-2 /);
    }));

  it("stops the wait with Ctrl-C: 130, a clean terminal, and nothing is written", () =>
    withMachine(async (machine) => {
      const session = startOnTerminal(machine, [
        ...["login", "x", ...at(provider), "--client-id", "project-a-catalogue-dev-api", "--flow", "device"],
        ...["--protect", "key-file"],
      ]);
      await session.reply(/Waiting for the sign-in … \d+:\d\d left \(Ctrl-C to stop\)/, "\x03");
      const { code, seen, stdout } = await session.end();
      assert.equal(code, 130, seen);
      assert.equal(stdout, "");
      assert.match(seen, /apex-token: .*(?:stopped|Interrupted)/);
      assert.deepEqual([...machine.files().keys()], []);
    }));

  it("who closes the terminal in the middle of a question leaves nothing running", () =>
    withMachine(async (machine) => {
      const file = join(machine.home, "passphrase");
      writeFileSync(file, "correct horse battery staple\n");
      await signIn(machine, provider, "p", ["--protect", "passphrase", "--passphrase-file", file]);
      const session = startOnTerminal(machine, ["get", "p"]);
      await session.reply(/The passphrase of "p": /, "correct hor");
      const running = () => processesAt(machine.home);
      assert.ok(running().length > 0);
      await session.hangUp();
      while (running().length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
    }, currentRuntime()));

  it("stops a question with Ctrl-C: 130", () =>
    withMachine(async (machine) => {
      const session = startOnTerminal(machine, ["get"]);
      await session.reply(/Choice \(1-\d+\) \[1\]: /, "\x03");
      assert.equal((await session.end()).code, 130);
    }));

  it("sees the time that is left on one line of a narrow terminal", () =>
    withMachine(async (machine) => {
      const args = [
        "login",
        "x",
        ...at(provider),
        "--client-id",
        "project-a-catalogue-dev-api",
        "--flow",
        "device",
      ];
      const session = startOnTerminal(machine, [...args, "--protect", "memory"], {}, 20);
      const [, page] = await session.running.waitFor("stdout", /\n {4}(http\S+)\r\n/);
      const [, userCode] = await session.running.waitFor("stdout", /enter the code +(\S+) /);
      // deno-lint-ignore no-control-regex
      const [moving] = await session.running.waitFor("stdout", /\r\x1b\[K[^\r]*\d+:\d\d[^\r]*\r/);
      // what is wider is broken in two, and only its end is written over
      assert.ok(moving.replace("\x1b[K", "").trim().length < 20, moving);
      await provider.approveDevice(page, { userCode });
      assert.equal((await session.end()).code, 0);
    }));

  it("sees colours unless NO_COLOR says no, and no moving line on a dumb terminal", () =>
    withMachine(async (machine) => {
      const args = [
        "login",
        "x",
        ...at(provider),
        "--client-id",
        "project-a-catalogue-dev-api",
        "--flow",
        "device",
      ];
      const environments: Record<string, string>[] = [{}, { NO_COLOR: "1" }, { TERM: "dumb" }];
      const [color, plain, dumb] = await Promise.all(
        environments.map(async (env) => {
          const session = startOnTerminal(machine, [...args, "--protect", "key-file"], env);
          await session.reply(/Waiting for the sign-in/, "\x03");
          return (await session.end()).seen;
        }),
      );
      assert.match(color, COLOR);
      assert.match(plain, /[█▀▄]{20}/);
      assert.doesNotMatch(plain, COLOR);
      assert.ok(!dumb.includes("\x1b"), "no escape sequence at all");
    }));
});

describe("nobody at a terminal", () => {
  it("stops the wait with SIGINT or SIGTERM: 130, and nothing is written", () =>
    withMachine(async (machine) => {
      const args = [
        "login",
        "x",
        ...at(provider),
        "--client-id",
        "project-a-catalogue-dev-api",
        "--flow",
        "device",
      ];
      await Promise.all((["SIGINT", "SIGTERM"] as const).map(async (signal) => {
        // Deno says of a child that it has killed itself that the signal ended it, whatever the child did.
        const running = machine.startBy(["sh", "-c", 'echo "id $$" >&2; exec "$@"', "sh"], args);
        const [, id] = await running.waitFor("stderr", /^id (\d+)\n/);
        await running.waitFor("stderr", /Waiting for the sign-in/);
        process.kill(Number(id), signal);
        refused(await running.ended, 130, /apex-token: .*(?:stopped|Interrupted)/);
      }, currentRuntime()));
      assert.deepEqual([...machine.files().keys()], []);
    }, currentRuntime()));

  it("is asked nothing: no terminal, no /dev/tty, standard input closed", () =>
    withMachine(async (machine) => {
      await signIn(machine, provider, "p");
      const wrappers = [["setsid", "-w"], ["setsid", "-w", "sh", "-c", 'exec "$@" <&-', "sh"]];
      for (const wrapper of wrappers) {
        const { stdout, stderr } = done(await machine.startBy(wrapper, ["get", "p", "--force"]).ended);
        assert.equal(stderr, "");
        assert.equal(done(await machine.startBy(wrapper, ["get", "p"]).ended).stdout, stdout);
      }
      await provider.revokeGrants();
      for (const wrapper of wrappers) {
        refused(await machine.startBy(wrapper, ["get", "p", "--force"]).ended, 4, /Run: apex-token login p/);
      }
    }, currentRuntime()));

  it("who reads no answer, or only a part of it, is no fault; a full disk is", () =>
    withMachine(async (machine) => {
      await signIn(machine, provider, "p");
      for (const get of [["get", "p"], ["get", "p", "--force"]]) {
        const gone = machine.startBy(["sh", "-c", '"$@" | true', "sh"], get);
        assert.equal(done(await gone.ended).stderr, "");
        const full = await machine.startBy(["sh", "-c", 'exec "$@" > /dev/full', "sh"], get).ended;
        refused(full, 7, /Cannot write to standard output/);
      }
    }, currentRuntime()));
});
