import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Command } from "commander";
import { visibleCommands } from "../../lib/cli/completion.ts";
import { type ManualPage, manualPages } from "../../lib/cli/manual.ts";
import { program } from "../../lib/cli/program.ts";
import { runProcess } from "../process.ts";
import { type Machine, makeMachine } from "./machine.ts";
import { done } from "./sign_in.ts";

let machine: Machine;
let pages: ManualPage[];
let folder: string;

before(async () => {
  machine = await makeMachine("binary");
  pages = manualPages(program(machine.host));
  folder = join(machine.home, "man/man1");
  mkdirSync(folder, { recursive: true });
  for (const { file, text } of pages) writeFileSync(join(folder, file), text);
});
after(() => machine.close());

/** Every command that a person can see, by its words. */
function commandsOf(command: Command, words: readonly string[] = []): (readonly string[])[] {
  return visibleCommands(command).flatMap((one) => {
    const own = [...words, one.name()];
    return [own, ...commandsOf(one, own)];
  });
}

describe("the help", () => {
  it("of every command begins with examples, each of which is a command line of it", async () => {
    const all = [[], ...commandsOf(program(machine.host))];
    assert.ok(all.length > 10);
    for (const words of all) {
      const { stdout } = done(await machine.run([...words, "--help"]));
      const [first, ...lines] = stdout.split("\n");
      assert.equal(first, "Examples:", words.join(" "));
      assert.ok(lines[0].includes(["apex-token", ...words].join(" ")), `${words.join(" ")}: ${lines[0]}`);
      assert.ok(stdout.includes("\nUsage: apex-token"), words.join(" "));
    }
  });
});

describe("a mistake", () => {
  it("after any command, also one below another, is one sentence, the next command and 2", async () => {
    for (const words of [[], ...commandsOf(program(machine.host))]) {
      const { code, stdout, stderr } = await machine.run([...words, "--no-such-option"]);
      const at = ["apex-token", ...words, "--help"].join(" ");
      assert.deepEqual([code, stdout], [2, ""]);
      // what is required is looked at before what is too much
      const says = words[0] === "protect"
        ? "Required option '--protect <how>' not specified."
        : "Unknown option '--no-such-option'.";
      assert.equal(stderr, `apex-token: ${says}\nSee: ${at}\n`);
    }
  });
});

describe("the manual", () => {
  it("has a page for the program and for every command", () => {
    const expected = [[], ...commandsOf(program(machine.host))]
      .map((words) => [...["apex-token"], ...words].join("-") + ".1");
    assert.deepEqual(pages.map(({ file }) => file), expected);
  });

  it("has no warning from groff, in any page", async () => {
    const files = pages.map(({ file }) => join(folder, file));
    const { code, stderr } = await runProcess("groff", ["-man", "-Tutf8", "-ww", "-z", ...files]);
    assert.deepEqual([code, stderr], [0, ""]);
  });

  it("is read by man, with the options of the help", async () => {
    for (const words of [["get"], ["login"], []]) {
      const path = join(folder, [...["apex-token"], ...words].join("-") + ".1");
      const env = { MANWIDTH: "200", LC_ALL: "C.UTF-8", MANPAGER: "cat", MAN_KEEP_FORMATTING: "" };
      const { stdout: page } = done(await runProcess("man", ["-l", "--warnings", path], { env }));
      const help = done(await machine.run([...words, "--help"])).stdout;
      for (const [flag] of help.matchAll(/--[a-z-]+/g)) assert.ok(page.includes(flag), `${flag} in ${path}`);
      assert.ok(page.indexOf("EXAMPLES") < page.indexOf("OPTIONS"));
      assert.match(page, /NAME\n/);
    }
  });

  it("says nothing that roff would take for an order", () => {
    for (const { file, text } of pages) {
      assert.match(text, /^[\x20-\x7e\n]*$/, file);
      // mandoc warns of a page without a date
      assert.match(text, /^\.TH "[A-Z\\-]+" 1 \d{4}-\d\d-\d\d /, file);
      for (const line of text.split("\n")) {
        if (/^['.]/.test(line)) assert.match(line, /^\.(?:TH|SH|TP|BR?|I|PP)\b/, file);
      }
    }
  });
});
