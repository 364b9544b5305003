import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type ArgpTable, readArguments } from "../../../lib/agent/commands/argp.ts";
import { helpText, usageText } from "../../../lib/agent/commands/argp_help.ts";
import { OIDC_ADD } from "../../../lib/agent/commands/oidc_add_options.ts";
import { OIDC_GEN } from "../../../lib/agent/commands/oidc_gen_options.ts";
import { OIDC_TOKEN } from "../../../lib/agent/commands/oidc_token_options.ts";
import { ORIGINAL } from "../account_machine.ts";
import { runProcess } from "../../process.ts";

function read(args: string[], table: ArgpTable = OIDC_TOKEN) {
  const found = readArguments(table, args);
  return "fault" in found ? found.fault : {
    options: found.options.map(({ key, value }) => value === undefined ? key : `${key}=${value}`),
    words: found.words,
  };
}

describe("a command line as argp reads it", () => {
  it("takes options and words in any order", () => {
    assert.deepEqual(read(["wlcg", "-s", "a b", "--aud", "x", "--scope=c"]), {
      options: ["scope=a b", "aud=x", "scope=c"],
      words: ["wlcg"],
    });
    assert.deepEqual(read(["-a", "--", "-x"]), { options: ["all"], words: ["-x"] });
  });

  it("takes the beginning of a long name where it is unique", () => {
    assert.deepEqual(read(["--exp", "x"]), { options: ["expires-at"], words: ["x"] });
    assert.deepEqual(read(["--sc=a", "x"]), { options: ["scope=a"], words: ["x"] });
    assert.equal(
      read(["--a"]),
      "oidc-token: option '--a' is ambiguous; possibilities: '--all' '--auth-header' '--auth' '--aud' '--audience'",
    );
    assert.deepEqual(read(["--audi=x"]), { options: ["aud=x"], words: [] });
    assert.deepEqual(read(["--auth"]), { options: ["auth-header"], words: [] }, "a whole name wins");
  });

  it("takes an optional argument only where it is attached", () => {
    assert.deepEqual(read(["-oie", "x"]), { options: ["token=ie"], words: ["x"] });
    assert.deepEqual(read(["-o=TOK", "x"]), { options: ["token==TOK"], words: ["x"] });
    assert.deepEqual(read(["--token=TOK", "x"]), { options: ["token=TOK"], words: ["x"] });
    assert.deepEqual(read(["-o", "x"]), { options: ["token"], words: ["x"] });
  });

  it("takes short options together, the last with its argument", () => {
    assert.deepEqual(read(["-aft60", "x"]), { options: ["all", "force-new", "time=60"], words: ["x"] });
    assert.deepEqual(read(["-t", "60"]), { options: ["time=60"], words: [] });
  });

  it("says what is wrong as getopt does", () => {
    assert.equal(read(["--nope"]), "oidc-token: unrecognized option '--nope'");
    assert.equal(read(["-z"]), "oidc-token: invalid option -- 'z'");
    assert.equal(read(["--all=1"]), "oidc-token: option '--all' doesn't allow an argument");
    assert.equal(read(["--ti"]), "oidc-token: option '--time' requires an argument");
    assert.equal(read(["-t"]), "oidc-token: option requires an argument -- 't'");
  });

  it("says the same as the original where that says something", async () => {
    for (const args of [["--nope", "x"], ["-z", "x"], ["--all=1", "x"], ["x", "--ti"], ["x", "-t"]]) {
      const { stderr, code } = await runProcess(`${ORIGINAL}oidc-token`, args);
      assert.equal(code, 64);
      assert.equal(stderr.split("\n")[0].replace(/^.*oidc-token:/, "oidc-token:"), read(args));
    }
  });

  it("knows every option that the original knows", async () => {
    for (const table of [OIDC_TOKEN, OIDC_ADD, OIDC_GEN]) {
      const { stdout } = await runProcess(`${ORIGINAL}${table.tool}`, ["--usage"]);
      for (const [, name] of stdout.matchAll(/\[--([a-z-]+)/gi)) {
        const found = read([`--${name}`, "value"], table);
        assert.notEqual(found, `${table.tool}: unrecognized option '--${name}'`);
      }
    }
  });

  it("fits its help in 80 columns and names each option once", () => {
    for (const table of [OIDC_TOKEN, OIDC_ADD, OIDC_GEN]) {
      for (const text of [helpText(table), usageText(table)]) {
        assert.ok(text.split("\n").slice(1).every((line) => line.length < 80), text);
      }
      assert.equal(helpText(table).match(/--help/g)?.length, 1);
    }
  });
});
