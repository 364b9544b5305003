import assert from "node:assert/strict";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { type RunningProvider, startProvider } from "../interop/oidc_provider.ts";
import { runProcess } from "../process.ts";
import { type Machine, makeMachine, quickVariant } from "./machine.ts";
import { at, done, refused, signIn } from "./sign_in.ts";

const OTHER = 54321;
/** The words that run a program as another user. */
const asOther = [
  ...(process.getuid!() === 0 ? [] : ["sudo", "-n"]),
  ...["setpriv", `--reuid=${OTHER}`, `--regid=${OTHER}`, "--clear-groups"],
];

/** Gives a file to another user, as if that one had put it there. */
async function handOver(path: string, user = OTHER): Promise<void> {
  if (process.getuid!() === 0) return chownSync(path, user, user);
  done(await runProcess("sudo", ["-n", "chown", String(user), path]));
}

describe("another user of the same machine", () => {
  let provider: RunningProvider;
  let machine: Machine;
  before(async () => void (provider = await startProvider()));
  after(() => provider.close());
  beforeEach(async () => {
    machine = await makeMachine(quickVariant);
    // as a careless person's is: what is inside must hold by itself
    chmodSync(machine.home, 0o755);
    await signIn(machine, provider, "p");
  });
  afterEach(() => machine.close());

  const base = (...parts: string[]) => join(machine.home, ...parts);

  it("can read nothing of it and list nothing of it", async () => {
    const files = [...machine.files().keys()].filter((file) => file.includes("apex-token"));
    assert.ok(files.length >= 5, files.join());
    const [program, ...words] = [...asOther, "cat", ...files.map((file) => base(file))];
    const { stdout, code } = await runProcess(program, words, { cwd: "/" });
    assert.equal(stdout, "");
    assert.notEqual(code, 0);
    for (const place of [".config/apex-token", ".local/share/apex-token", ".local/state/apex-token"]) {
      const [ls, ...rest] = [...asOther, "ls", base(place)];
      assert.equal((await runProcess(ls, rest, { cwd: "/" })).stdout, "", place);
    }
  });

  it("can add and remove nothing", async () => {
    const before = machine.files();
    const places = [
      ".local/state/apex-token/tokens",
      ".local/share/apex-token/keys",
      ".config/apex-token/profiles",
    ];
    for (const place of places) {
      for (
        const words of [["touch", base(place, "planted")], [
          "rm",
          "-f",
          base(place, "p.token"),
          base(place, "p"),
        ]]
      ) {
        const [program, ...rest] = [...asOther, ...words];
        await runProcess(program, rest, { cwd: "/" });
      }
    }
    assert.deepEqual(machine.files(), before);
  });

  it("gains nothing by files that came to be there: they are refused by name", async () => {
    const state = ".local/state/apex-token/sessions/p";
    const session = readdirSync(base(state)).find((name) => name.startsWith("g-"))!;
    const planted = [
      join(state, session),
      ".local/share/apex-token/keys/p",
      ".local/share/apex-token/store.key",
    ];
    for (const file of planted) {
      await handOver(base(file));
      const said = refused(await machine.run(["get", "p", "--force"]), 7, /belongs to another user/);
      assert.match(said.stderr, new RegExp(file.split("/").at(-1)!));
      await handOver(base(file), process.getuid!());
    }
    done(await machine.run(["get", "p", "--force"]));
  });

  it("gets no bare token into a directory that is that user's", async () => {
    const runtime = mkdtempSync("/dev/shm/apex-token-run-");
    try {
      await handOver(runtime);
      const args = ["login", "q", ...at(provider), "--client-id", "c", "--fast-cache"];
      refused(await machine.run(args, { env: { XDG_RUNTIME_DIR: runtime } }), 7, /belongs to another user/);
    } finally {
      rmSync(runtime, { recursive: true });
    }
  });
});

describe("a home in memory", () => {
  it("holds a sign-in as well as one on a disk", async () => {
    const provider = await startProvider();
    const home = mkdtempSync("/dev/shm/apex-token-home-");
    const made = await makeMachine(quickVariant);
    const run: Machine["run"] = (args, options) =>
      made.run(args, { ...options, env: { HOME: home, ...options?.env } });
    const machine = { ...made, run };
    try {
      await signIn(machine, provider, "p");
      const first = done(await machine.run(["get", "p"])).stdout;
      assert.notEqual(done(await machine.run(["get", "p", "--force"])).stdout, first);
      mkdirSync(join(home, "elsewhere"), { mode: 0o700 });
      writeFileSync(join(home, "passphrase"), "a passphrase");
      const file = ["--passphrase-file", join(home, "passphrase")];
      done(await machine.run(["protect", "p", "--protect", "passphrase", ...file]));
      done(await machine.run(["get", "p", "--force", ...file]));
    } finally {
      await provider.close();
      made.close();
      rmSync(home, { recursive: true });
    }
  });
});
