/** Real pseudo-terminals, made by `script` of util-linux (package bsdutils, essential on Debian). */

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, describe, it } from "node:test";
import { type RunningProcess, startProcess } from "../process.ts";
import { commandLine, runProgram } from "./programs.ts";

const folder = mkdtempSync(join(tmpdir(), "terminal-"));
after(() => rmSync(folder, { recursive: true }));

interface Session {
  readonly running: RunningProcess;
  /** The process that asks. */
  id(): number;
  /** Waits for a prompt, then types. */
  reply(prompt: RegExp, text: string): Promise<void>;
  /** Waits for the end: the answers, and everything that was to be seen. The terminal must be as it was. */
  end(): Promise<{ answers: unknown; seen: string }>;
}

let sessions = 0;

function session(...questions: string[]): Session {
  const file = join(folder, `answers-${sessions++}.json`);
  const program = commandLine("ask", file, ...questions).map((word) => `'${word}'`).join(" ");
  // The shell must outlive a Ctrl-C, and hand it on to the program as it is.
  const command = `trap : INT; ${program}; echo "status=$?"; stty -a`;
  const running = startProcess("script", ["-qefE", "always", "-c", command, "/dev/null"], {
    env: { TERM: "xterm", SHELL: "/bin/sh", DENO_DIR: process.env.DENO_DIR ?? join(folder, "deno") },
    stdin: "open",
  });
  return {
    running,
    id: () => Number(readFileSync(`${file}.pid`, "utf8")),
    async reply(prompt, text) {
      await running.waitFor("stdout", prompt);
      running.write(text);
    },
    async end() {
      const { stdout } = await running.ended;
      const [seen, state] = stdout.split("status=0");
      assert.ok(state !== undefined, `the program failed: ${stdout}`);
      assert.match(state, /[\n ]icanon /, "line mode is back");
      assert.match(state, /[\n ]isig /, "Ctrl-C is a signal again");
      assert.match(state, /[\n ]echo /, "what is typed is shown again");
      return { answers: JSON.parse(readFileSync(file, "utf8")), seen };
    },
  };
}

describe("a terminal", () => {
  it("takes a typed line, trimmed, and shows the question with its default", async () => {
    const s = session("ask");
    await s.reply(/Client ID \[public\]: /, "  my-client \n");
    const { answers, seen } = await s.end();
    assert.deepEqual(answers, ["my-client"]);
    assert.ok(seen.includes("my-client"), "a line is shown while it is typed");
  });

  it("takes the default for an empty line", async () => {
    const s = session("ask", "plain");
    await s.reply(/\[public\]: /, "\n");
    await s.reply(/Which issuer\? /, "\n");
    assert.deepEqual((await s.end()).answers, ["public", ""]);
  });

  it("never shows a secret, and understands backspace, Ctrl-U and keys that mean nothing", async () => {
    const s = session("secret");
    await s.reply(/Client secret: /, "wrong\x15pa\x1b[Assx\x7f wörd\x1bOP\r");
    const { answers, seen } = await s.end();
    assert.deepEqual(answers, ["pass wörd"]);
    assert.doesNotMatch(seen, /wrong|pass|wörd/);
  });

  it("takes a secret that arrives with the next answer in one go", async () => {
    const s = session("secret", "ask");
    await s.reply(/Client secret: /, "s3cret\rnext\r");
    const { answers, seen } = await s.end();
    assert.deepEqual(answers, ["s3cret", "next"]);
    assert.doesNotMatch(seen, /s3cret/);
  });

  it("takes several lines that were pasted at once", async () => {
    const s = session("ask", "plain", "confirm");
    await s.reply(/\[public\]: /, "one\ntwo\nyes\n");
    assert.deepEqual((await s.end()).answers, ["one", "two", true]);
  });

  it("asks again until a choice is one of those offered", async () => {
    const s = session("choose", "choose", "choose");
    await s.reply(/ 3 {2}IAM\r\nChoice \(1-3\) \[2\]: /, "4\n");
    await s.reply(/from 1 to 3\.\r\nChoice \(1-3\) \[2\]: /, "3\negi\n\n");
    assert.deepEqual((await s.end()).answers, [2, 1, 1]);
  });

  it("asks again until the answer is yes or no, and takes no for an empty line", async () => {
    const s = session("confirm", "confirm");
    await s.reply(/Really\? \[y\/N\]: /, "perhaps\n");
    await s.reply(/yes or no\.\r\nReally\? \[y\/N\]: /, "Y\n\n");
    assert.deepEqual((await s.end()).answers, [true, false]);
  });

  for (const kind of ["ask", "secret"]) {
    it(`ends a question (${kind}) with aborted on Ctrl-C`, async () => {
      const s = session(kind, "plain");
      await s.reply(/: /, "half\x03");
      assert.deepEqual((await s.end()).answers, ["aborted"]);
    });

    it(`ends a question (${kind}) with aborted at the end of the input`, async () => {
      const s = session(kind, "plain");
      await s.reply(/: /, "\x04");
      assert.deepEqual((await s.end()).answers, ["aborted"]);
    });

    it(`ends a question (${kind}) with aborted on SIGTERM`, async () => {
      const s = session(kind, "plain");
      await s.running.waitFor("stdout", /: /);
      process.kill(s.id(), "SIGTERM");
      assert.deepEqual((await s.end()).answers, ["aborted"]);
    });
  }

  it("lets the program end once a question was taken back", async () => {
    assert.deepEqual((await session("withdrawn").end()).answers, ["aborted"]);
  });

  it("takes a question back when its signal aborts, and can ask the next", async () => {
    const s = session("withdrawn", "plain");
    await s.reply(/Which issuer\? /, "still here\n");
    assert.deepEqual((await s.end()).answers, ["aborted", "still here"]);
  });

  it("is absent when standard input is not a terminal", async () => {
    const file = join(folder, "nobody.json");
    const { code } = await runProgram("ask", [file, "ask"], { stdin: "typed\n" });
    assert.equal(code, 0);
    assert.deepEqual(JSON.parse(readFileSync(file, "utf8")), ["Error: nobody can be asked"]);
  });
});
