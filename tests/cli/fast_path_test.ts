import assert from "node:assert/strict";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { root } from "../../scripts/toolchain.ts";
import { type RunningProvider, startProvider } from "../interop/oidc_provider.ts";
import { runProcess } from "../process.ts";
import { importsOf } from "../source_text.ts";
import { type Machine, makeMachine, type Variant } from "./machine.ts";
import { done, signIn } from "./sign_in.ts";

describe("a get whose token is at hand", () => {
  let provider: RunningProvider;
  let home: Machine;
  let token: string;
  const machines = new Map<Variant, Machine>();

  before(async () => {
    provider = await startProvider({ accessTokenLifetime: 3600 });
    home = await makeMachine("binary");
    await signIn(home, provider, "p");
    token = done(await home.run(["get", "p"])).stdout;
    for (const variant of ["deno", "bun", "node", "binary"] as const) {
      machines.set(variant, await makeMachine(variant));
    }
  });
  after(async () => {
    await provider.close();
    for (const machine of [home, ...machines.values()]) machine.close();
  });

  const answers = async (variant: Variant, args: string[], env: Record<string, string> = {}, cwd = "/") => {
    const { code, stdout, stderr } = await machines.get(variant)!.run(args, {
      env: { HOME: home.home, ...env },
      cwd,
    });
    return { code, stdout, stderr };
  };

  it("loads no node: module and no package", () => {
    const seen = new Set<string>();
    const visit = (file: string): void => {
      if (seen.has(file)) return;
      seen.add(file);
      const source = readFileSync(root + file, "utf8");
      for (const { specifier, dynamic, start } of importsOf(source)) {
        if (dynamic) continue;
        // `import type` and `type` in braces are gone when it runs
        const statement = source.slice(source.lastIndexOf("\nimport", start), start);
        if (/^\nimport type /.test(statement)) continue;
        assert.match(specifier!, /^\./, `${file} loads ${specifier}`);
        visit(new URL(specifier!, `file:///${file}`).pathname.slice(1));
      }
    };
    visit("cli.ts");
    visit("lib/profile/fast_key.ts");
    visit("lib/host/fast_secret.ts");
    visit("lib/agent/quick_key.ts");
    assert.ok(seen.has("lib/cli/fast_get.ts") && seen.has("lib/store/envelope.ts"));
    assert.ok(!seen.has("lib/cli/program.ts"));
    assert.ok(seen.size < 30, [...seen].join(", "));
  });

  it("is not what a link named oidc-token asks for", async () => {
    const { variant, words } = machines.get("binary")!;
    assert.equal(variant, "binary");
    const link = join(machines.get("binary")!.home, "oidc-token");
    symlinkSync(words([])[0], link);
    const env = { HOME: home.home, OIDC_SOCK: "/nowhere/agent.sock" };
    const { code, stdout, stderr } = await runProcess(link, ["get"], { env });
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /^Error: did not receive any response\n/);
  });

  it("needs nothing but the token's file and the key", async () => {
    const profile = join(home.home, ".config/apex-token/profiles/p.json");
    const whole = readFileSync(profile);
    writeFileSync(profile, "{ broken");
    try {
      const requests = provider.requests.length;
      for (const variant of machines.keys()) {
        assert.deepEqual(
          await answers(variant, ["get", "p"]),
          { code: 0, stdout: token, stderr: "" },
          variant,
        );
        assert.deepEqual(await answers(variant, ["get"]), { code: 0, stdout: token, stderr: "" }, variant);
      }
      assert.equal(provider.requests.length, requests);
      // what is not so plain takes the long way, which looks at everything
      assert.equal((await answers("binary", ["get", "p", "--id-token"])).code, 7);
    } finally {
      writeFileSync(profile, whole);
    }
  });

  it("gives the same by the quick way and by the long one", async () => {
    for (const form of ["token", "json", "header", "env"]) {
      const quick = await answers("binary", ["get", "p", "-o", form]);
      const long = await answers("binary", ["get", "p", `--output=${form}`]);
      assert.deepEqual(quick, long);
      assert.equal(quick.code, 0);
    }
  });

  it("works from / with HOME and PATH alone", async () => {
    for (const variant of ["binary", "bun"] as const) {
      assert.deepEqual(await answers(variant, ["get"]), { code: 0, stdout: token, stderr: "" });
    }
  });

  it("is as good through a pipe that others have made non-blocking, and in a file that is appended to", async () => {
    const file = join(home.home, "appended");
    const append = ["sh", "-c", 'echo before >> "$0"; shift 0; exec "$@" >> "$0"'];
    for (const variant of ["binary", "deno", "node"] as const) {
      const wrapper = [...append.slice(0, 2), append[2], file];
      done(await machines.get(variant)!.startBy(wrapper, ["get"], { env: { HOME: home.home } }).ended);
    }
    assert.equal(readFileSync(file, "utf8"), `before\n${token}`.repeat(3));
  });

  it("is not led astray by files of the current directory (binary)", async () => {
    const evil = join(home.home, "evil");
    mkdirSync(evil);
    const marker = join(home.home, "marker");
    writeFileSync(
      join(evil, ".env"),
      `APEX_TOKEN_PROFILE=evil\nHOME=${evil}\nXDG_STATE_HOME=${evil}\nNODE_OPTIONS=-r ./evil.js\n`,
    );
    writeFileSync(join(evil, ".env.local"), "APEX_CLIENT_ID=evil\nAPEX_CLIENT_SECRET=evil\n");
    writeFileSync(join(evil, "evil.js"), `require("fs").writeFileSync(${JSON.stringify(marker)}, "")`);
    writeFileSync(
      join(evil, "bunfig.toml"),
      'preload = ["./evil.js"]\n[define]\n"process.env.HOME" = "\'/evil\'"\n',
    );
    writeFileSync(join(evil, "package.json"), '{"imports":{"#x":"./evil.js"},"type":"commonjs"}');
    writeFileSync(join(evil, "tsconfig.json"), '{"compilerOptions":{"paths":{"*":["./evil.js"]}}}');
    mkdirSync(join(evil, "node_modules/commander"), { recursive: true });
    writeFileSync(join(evil, "node_modules/commander/index.js"), `require("../../evil.js")`);
    for (const args of [["get"], ["get", "p", "--force"], ["list"]]) {
      const { code, stderr } = await answers("binary", args, {}, evil);
      assert.deepEqual([code, stderr], [0, ""], args.join(" "));
    }
    assert.ok(!home.files().has("marker"));
  });
});
