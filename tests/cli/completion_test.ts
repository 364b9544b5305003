import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { complete } from "../../lib/cli/completion.ts";
import { program } from "../../lib/cli/program.ts";
import { writeProfile } from "../../lib/profile/profile_files.ts";
import { startProcess } from "../process.ts";
import { freshBinary } from "./binary.ts";
import { type Machine, makeMachine } from "./machine.ts";
import { done } from "./sign_in.ts";

let machine: Machine;

before(async () => {
  machine = await makeMachine("binary");
  for (const name of ["alice-home", "alice-work", "bob"]) {
    writeProfile(machine.host, {
      format: 1,
      name,
      issuer: "https://issuer.example",
      clientId: "client",
      authentication: "none",
      flow: "device",
      audience: "none",
      quirks: [],
      protect: { kind: "memory" },
    });
  }
  writeFileSync(join(machine.home, "secret-of-the-service.txt"), "");
});
after(() => machine.close());

describe("what could come next", () => {
  const sources = { profiles: () => ["one", "two"], issuers: () => [{ word: "apex" }] };
  const next = (...typed: string[]) => {
    const found = complete(program(machine.host), typed.slice(0, -1), typed.at(-1)!, sources);
    return found === "file" ? found : found.words.map(({ word }) => word);
  };

  it("is a command, a profile, an option, the value of an option or a file", () => {
    assert.deepEqual(next("lo"), ["login", "logout"]);
    assert.deepEqual(next("get", ""), ["one", "two"]);
    assert.deepEqual(next("get", "one", ""), []);
    assert.deepEqual(next("get", "--force", "t"), ["two"]);
    assert.deepEqual(next("get", "--f"), ["--force"]);
    assert.deepEqual(next("get", "-s", "t"), []);
    assert.deepEqual(next("get", "-s", "openid", "t"), ["two"]);
    assert.deepEqual(next("get", "-o", ""), ["token", "json", "header", "env"]);
    assert.deepEqual(next("login", "x", "--flow", "d"), ["device"]);
    assert.deepEqual(next("login", "--issuer", "a"), ["apex"]);
    assert.equal(next("login", "x", "--secret-file", ""), "file");
    assert.deepEqual(next("help", "comp"), ["completion"]);
    assert.deepEqual(next("get", "--", "--f"), []);
    assert.deepEqual(next("login", "x", "--flow=d"), ["--flow=device"]);
    assert.deepEqual(next("login", "--issuer="), ["--issuer=apex"]);
    assert.equal(next("login", "--secret-file=x"), "file");
    for (const word of ["--flwo=d", "--register=", "--=x"]) assert.deepEqual(next("login", word), [], word);
    assert.deepEqual(next("login", "--flow=device", "t"), ["two"]);
  });

  it("hides what is hidden, and asks nobody for it", () => {
    assert.ok(!next("login", "--").includes("--offline"));
    assert.ok(next("login", "--").includes("--no-offline"));
    assert.ok(next("get", "--").includes("--help"));
  });
});

describe("completion in a shell", () => {
  /** Types into a shell on a terminal until it has shown what is expected. */
  async function type(
    shell: readonly string[],
    prepare: string,
    typed: readonly (readonly [keys: string, shows: RegExp])[],
  ): Promise<void> {
    const path = `${dirname(await freshBinary())}:${process.env.PATH}`;
    const session = startProcess("script", ["-qefE", "always", "-c", shell.join(" "), "/dev/null"], {
      env: { HOME: machine.home, PATH: path, TERM: "xterm", SHELL: "/bin/sh" },
      stdin: "open",
    });
    session.write(`${prepare}; echo rea""dy\n`);
    let seen = (await session.waitFor("stdout", /^[^]*?ready/))[0].length;
    for (const [keys, shows] of typed) {
      session.write(keys);
      // what was shown before shows nothing
      const [all] = await session.waitFor("stdout", new RegExp(`^[^]{${seen},}?(?:${shows.source})`));
      seen = all.length;
      session.write("\x15"); // takes the line away
    }
    session.write("exit\n");
    await session.ended;
  }

  // what is typed is less than what has to be seen
  const typed = [
    ["apex-token show alice-h\t", /alice-home/],
    ["apex-token get bo\t --for\t", /bob.{0,20} --force/],
    ["apex-token comple\t", /completion/],
    ["apex-token login x --flow dev\t", /--flow.{0,20}device/],
    ["apex-token login x --secret-file secret-of\t", /secret-of-the-service\.txt/],
    // bash takes this for three words
    ["apex-token login --flow=dev\t", /--flow=device/],
    ["apex-token login --flow=device --auth-method=client_secret_p\t", /--auth-method=client_secret_post/],
    ["apex-token login --secret-file=secret-of\t", /--secret-file=secret-of-the-service\.txt/],
  ] as const;

  it("is there in bash", async () => {
    await type(["bash", "--norc", "--noprofile", "-i"], "source <(apex-token completion bash)", typed);
  });

  it("is there in zsh", async () => {
    const prepare = "autoload -U compinit && compinit -u -D && source <(apex-token completion zsh)";
    await type(["zsh", "-f", "-i"], prepare, typed);
  });

  it("is there in fish", async () => {
    await type(["fish", "--no-config", "-i"], "apex-token completion fish | source", typed);
  });

  it("has a script for PowerShell that asks in the same way", async () => {
    const { stdout } = done(await machine.run(["completion", "powershell"]));
    assert.match(stdout, /Register-ArgumentCompleter -Native -CommandName apex-token/);
    assert.match(stdout, /apex-token __complete "=\$wordToComplete" @before/);
  });

  it("names profiles even to a shell that drops empty words, and is silent about faults", async () => {
    const { stdout } = done(await machine.run(["__complete", "=", "show"]));
    assert.deepEqual(stdout.split("\n"), ["words", "alice-home", "alice-work", "bob", ""]);
    assert.equal(done(await machine.run(["__complete"])).stderr, "");
  });
});
