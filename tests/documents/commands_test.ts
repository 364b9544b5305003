/**
 * Every command line of `apex-token` that a page or a help text shows is one of this program.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import type { Command } from "commander";
import { visibleCommands } from "../../lib/cli/completion.ts";
import { program } from "../../lib/cli/program.ts";
import { root } from "../../scripts/toolchain.ts";
import { hostAt } from "../cli/machine.ts";

const table = program(hostAt("/nowhere"));
const pages = [
  ...["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "npm/README.md"],
  ...readdirSync(`${root}docs`).filter((name) => name.endsWith(".md")).map((name) => `docs/${name}`),
];

/** The command lines in a text: what stands in code, up to where a shell would end it. */
function commandLines(text: string): string[] {
  const blocks = [...text.matchAll(/```(?:sh|console|ts)\n([^]*?)```/g)].flatMap(([, block]) =>
    block.split("\n")
  );
  const spans = [...text.matchAll(/(?<!`)`([^`\n]+)`(?!`)/g)].map(([, span]) => span);
  return [...blocks, ...spans].flatMap((line) =>
    [...line.matchAll(/(?:^|\$ |\(|npx @|@)apex(?:-token|\/token) ([^|>#);]*)/g)].map(([, words]) =>
      words.trim()
    )
  );
}

/** What is wrong with the words after `apex-token`. */
function faultIn(line: string): string | undefined {
  const words = line.replace(/"[^"]*"|'[^']*'/g, "WORD").split(/\s+/).filter((word) =>
    !/^(?:…|\\|\[.*\]|)$/.test(word)
  );
  // these have command lines of their own
  if (words[0]?.startsWith("oidc-") || words[0]?.startsWith("__")) return;
  let command: Command = table;
  let positionals = 0;
  for (let at = 0; at < words.length; at++) {
    const [word, value] = words[at].split("=", 2);
    if (word.startsWith("-") && word !== "-") {
      if (["-h", "--help", "--version"].includes(word)) continue;
      const option = command.options.find(({ short, long }) => word === short || word === long);
      if (!option) return `"${command.name()}" has no ${word}`;
      if (option.required && value === undefined) at++;
      continue;
    }
    const below = positionals === 0 && command.commands.find((one) => one.name() === word);
    if (below) command = below;
    else if (command === table && word !== "help") return `there is no command ${word}`;
    else positionals++;
  }
  const takes = command.registeredArguments;
  if (command !== table && positionals > takes.length && !takes.at(-1)?.variadic) {
    return "it has a word too many";
  }
}

function allCommands(command: Command): Command[] {
  return [command, ...visibleCommands(command).flatMap(allCommands)];
}

describe("a command line that is shown", () => {
  for (const page of pages) {
    it(`in ${page} is one of this program`, () => {
      for (const line of commandLines(readFileSync(root + page, "utf8"))) {
        assert.equal(faultIn(line), undefined, `apex-token ${line}`);
      }
    });
  }

  it("as an example in a help text is one of this program", () => {
    let count = 0;
    for (const command of allCommands(table)) {
      let help = "";
      command.configureOutput({ writeOut: (text) => help += text });
      command.outputHelp();
      for (const [, line] of help.matchAll(/^ +(?:\S* ?\$? )?apex-token ([^|>#\n]*)/gm)) {
        count++;
        assert.equal(faultIn(line.split(/ {2,}/)[0]), undefined, `apex-token ${line}`);
      }
    }
    assert.ok(count > 30, String(count));
  });

  it("is told from one that is not", () => {
    assert.deepEqual(commandLines("`apex-token get x`\n```console\n$ npx @apex/token get y | z\n```\n"), [
      "get y",
      "get x",
    ]);
    assert.match(faultIn("gett x")!, /no command gett/);
    assert.match(faultIn("get x --no-such")!, /has no --no-such/);
    assert.match(faultIn("get x y")!, /too many/);
    assert.equal(faultIn('get x -s "a b" --min-validity 60'), undefined);
  });
});
