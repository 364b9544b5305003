import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EXIT_CODES, report } from "../../lib/cli/report.ts";
import { usageWords } from "../../lib/cli/usage.ts";
import { type ErrorCode, TokenError } from "../../lib/errors.ts";
import type { Host } from "../../lib/host/host.ts";

function reported(error: unknown, variables: Record<string, string> = {}): { code: number; lines: string[] } {
  const lines: string[] = [];
  const host = {
    say: (text: string) => void lines.push(text),
    environment: (name: string) => variables[name],
  };
  return { code: report(host as unknown as Host, error), lines };
}

describe("an error on the command line", () => {
  const codes: [number, ErrorCode[]][] = [
    [1, ["internal"]],
    [2, ["invalid_argument", "insecure_url", "unknown_profile"]],
    [4, ["sign_in_required", "expired_code"]],
    [5, ["access_denied", "server_refused", "invalid_metadata", "invalid_response", "unsupported"]],
    [6, ["network", "timeout", "unavailable"]],
    [7, ["storage", "key"]],
    [130, ["aborted"]],
  ];
  for (const [exit, names] of codes) {
    it(`ends with ${exit}: ${names.join(", ")}`, () => {
      for (const name of names) assert.equal(reported(new TokenError(name, "Cannot")).code, exit);
    });
  }

  it("has an exit code for every code there is", () => {
    assert.deepEqual(codes.flatMap(([, names]) => names).sort(), Object.keys(EXIT_CODES).sort());
  });

  it("is one sentence and the next step, each with its full stop, but for what is copied", () => {
    const say = (message: string, nextStep?: string) =>
      reported(new TokenError("storage", message, { nextStep })).lines;
    assert.deepEqual(say("Cannot read it", "Mend it"), ["apex-token: Cannot read it.", "Mend it."]);
    assert.deepEqual(say("Cannot read it", "Run: chmod 600 a"), [
      "apex-token: Cannot read it.",
      "Run: chmod 600 a",
    ]);
    assert.deepEqual(say("Really?", "Use https://x.example/y"), [
      "apex-token: Really?",
      "Use https://x.example/y",
    ]);
  });

  it("has a next step even where the error has none, unless somebody ended it", () => {
    for (const code of Object.keys(EXIT_CODES) as ErrorCode[]) {
      const expected = ["internal", "aborted"].includes(code) ? 1 : 2;
      assert.equal(reported(new TokenError(code, "Cannot")).lines.length, expected, code);
    }
  });

  it("says for how long the server wants to be left alone", () => {
    const { lines } = reported(new TokenError("unavailable", "Cannot", { retryAfter: 90 }));
    assert.deepEqual(lines, [
      "apex-token: Cannot.",
      "The server wants to be left alone for 1 minute 30 seconds: try again then.",
    ]);
  });

  it("is safe for a terminal, whoever wrote it", () => {
    const { lines } = reported(new TokenError("storage", "a\x1b[31mb\nc", { nextStep: "d\u009b2Je\u202e" }));
    assert.deepEqual(lines, ["apex-token: ab c.", "de."]);
  });

  it("shows of a fault of ours its kind alone, and its place when that is asked for", () => {
    const fault = new RangeError("token eyJhbGciOi.secret");
    const { code, lines } = reported(fault);
    assert.equal(code, 1);
    assert.match(lines.join("\n"), /internal fault \(RangeError\)/);
    assert.doesNotMatch(lines.join("\n"), /secret|\.ts/);
    const debug = reported(fault, { APEX_TOKEN_DEBUG: "1" }).lines.join("\n");
    assert.match(debug, /^at .*report_test/m);
    assert.doesNotMatch(debug, /secret/);
    assert.match(reported("a string").lines[0], /internal fault \(string\)/);
  });
});

describe("a command line that cannot be understood", () => {
  const rows: [string, string][] = [
    ["error: unknown option '--x'\n", "apex-token: Unknown option '--x'."],
    ["error: unknown option '--x=hunter2'\n", "apex-token: Unknown option '--x'."],
    ["error: unknown option '--x=hun'ter\n2'\n", "apex-token: Unknown option '--x'."],
    [
      "error: unknown command 'gte'\n(Did you mean get?)\n",
      "apex-token: Unknown command 'gte'.\n(Did you mean get?)",
    ],
    [
      "error: too many arguments for 'get'. Expected 1 argument but got 2: a, hunter2.\n",
      "apex-token: Too many arguments for 'get'. Expected 1 argument but got 2.",
    ],
    ["error: missing required argument 'name'\n", "apex-token: Missing required argument 'name'."],
    ["error: unknown command '\x1b[2Jx'\n", "apex-token: Unknown command 'x'."],
  ];
  for (const [said, words] of rows) {
    it(`is said as ${JSON.stringify(words)}`, () => assert.equal(usageWords(said), words));
  }
});
