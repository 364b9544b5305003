import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { wantsColor } from "../../lib/host/standard_streams.ts";
import { commandLine, runProgram, startCommand } from "./programs.ts";

/** Runs a line of shell in which `$1` is a program's command line. */
function shell(line: string, name: string, ...args: string[]) {
  const command = commandLine(name, ...args).map((word) => `'${word}'`).join(" ");
  return startCommand(["sh", "-c", line.replaceAll("$1", command)]).ended;
}

describe("standard output", () => {
  it("gets a large answer whole, and nothing else", async () => {
    const { code, stdout, stderr } = await runProgram("streams", ["answer", "1000000"]);
    assert.deepEqual([code, stdout.length, stderr], [0, 1_000_000, ""]);
    assert.ok(stdout.endsWith("x\n"));
  });

  it("gets it whole when it is non-blocking and its reader is slow", async () => {
    // dd leaves the flag on what both share; cat starts to read long after the pipe is full.
    const nonBlocking =
      "{ dd if=/dev/null oflag=nonblock count=0 2>/dev/null; $1; echo $? >&2; } | { sleep 0.3; cat; }";
    const { stdout, stderr } = await shell(nonBlocking, "streams", "answer", "3000000");
    assert.deepEqual([stdout.length, stderr], [3_000_000, "0\n"]);
  });

  it("may go away before it has everything", async () => {
    const { stdout, stderr } = await shell(
      "{ $1; echo $? >&2; } | head -c 1",
      "streams",
      "answer",
      "3000000",
    );
    assert.deepEqual([stdout, stderr], ["x", "0\n"]);
  });

  it("fails with storage when it cannot be written", async () => {
    const { code, stderr } = await shell("$1 > /dev/full", "streams", "answer", "10");
    assert.deepEqual([code, stderr], [7, "storage: Cannot write to standard output (ENOSPC)\n"]);
  });
});

describe("standard error", () => {
  it("gets what is said, as a line", async () => {
    assert.deepEqual(await runProgram("streams", ["say"]), { code: 0, stdout: "", stderr: "for people\n" });
  });

  it("may be closed", async () => {
    assert.equal((await shell("$1 2>&-", "streams", "say")).code, 0);
  });
});

describe("standard input", () => {
  it("is read to its end", async () => {
    for (const length of [0, 1, 65_536]) {
      const stdin = new Uint8Array(length).fill(0xff);
      assert.deepEqual((await runProgram("streams", ["read"], { stdin })).stdout, String(length));
    }
  });

  it("is read from a file", async () => {
    assert.equal((await shell("printf 12345 > file; $1 < file", "streams", "read")).stdout, "5");
  });

  it("is refused above 64 KiB, without waiting for its end", async () => {
    const running = startCommand(commandLine("streams", "read"), { stdin: "open" });
    running.write("x".repeat(65_537));
    const { code, stdout, stderr } = await running.ended;
    assert.deepEqual([code, stdout], [7, ""]);
    assert.equal(stderr, "invalid_argument: Cannot read standard input: it is longer than 64 KiB\n");
  });
});

describe("colour", () => {
  const cases: [variables: Record<string, string>, terminal: boolean, color: boolean][] = [
    [{}, true, true],
    [{}, false, false],
    [{ TERM: "dumb" }, true, false],
    [{ TERM: "xterm-256color" }, true, true],
    [{ NO_COLOR: "1" }, true, false],
    [{ NO_COLOR: "" }, true, true],
    [{ NO_COLOR: "1", FORCE_COLOR: "1" }, true, false],
    [{ FORCE_COLOR: "1" }, false, true],
    [{ FORCE_COLOR: "1", TERM: "dumb" }, true, true],
    [{ FORCE_COLOR: "0" }, true, false],
    [{ CLICOLOR_FORCE: "1" }, false, true],
    [{ CLICOLOR_FORCE: "0" }, false, false],
  ];
  for (const [variables, terminal, color] of cases) {
    it(`is ${color ? "on" : "off"} with ${JSON.stringify(variables)} ${terminal ? "on" : "off"} a terminal`, () => {
      assert.equal(wantsColor((name) => variables[name] || undefined, terminal), color);
    });
  }
});
