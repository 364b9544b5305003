import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type FakeRoute, METADATA, metadata, startFakeServer } from "./fake_server.ts";
import { type Machine, makeMachine, quickVariant } from "./machine.ts";
import { at, refused } from "./sign_in.ts";

// a terminal's title, colours, a moved cursor, a hidden link, C1 controls, right-to-left override, a second line
const HOSTILE =
  "\x1b]0;title\x07\x1b[31mred\x1b[2J\x9b1A\u202eevil\r\napex-token: All is well\x1b]8;;https://evil.example\x07";

describe("a hostile server", () => {
  let machine: Machine;

  before(async () => {
    machine = await makeMachine(quickVariant);
  });
  after(() => machine.close());

  async function login(
    routes: (issuer: string) => Record<string, FakeRoute>,
    args: string[] = ["--flow", "device"],
    stdin?: string,
  ) {
    const server = await startFakeServer((issuer) => ({ [METADATA]: metadata(issuer), ...routes(issuer) }));
    try {
      return await machine.run(["login", "x", ...at(server), "--client-id", "c", ...args], { stdin });
    } finally {
      await server.close();
    }
  }

  const device = (issuer: string, more: Record<string, unknown> = {}) => ({
    json: {
      device_code: "d",
      user_code: "WDJB-MJHT",
      verification_uri: `${issuer}/page`,
      expires_in: 600,
      interval: 1,
      ...more,
    },
  });

  it("does not act on the terminal by its error", async () => {
    const error = { status: 400, json: { error: "invalid_client", error_description: HOSTILE } };
    const { stderr } = refused(
      await login(() => ({ "/device": error })),
      5,
      /"invalid_client": "redevil apex-token/,
    );
    assert.equal(stderr.split("\n").filter((line) => line.startsWith("apex-token: ")).length, 1);
    const alone = { status: 500, json: { error: HOSTILE } };
    refused(await login(() => ({ "/device": alone })), 6, /now: "redevil/);
  });

  it("does not act on the terminal by its user code, which is shown in quotes", async () => {
    const result = await login((issuer) => ({
      "/device": device(issuer, { user_code: `AB${HOSTILE}` }),
      "/token": { status: 400, json: { error: "access_denied", error_description: HOSTILE } },
    }));
    refused(result, 5, /enter the code +"ABredevil apex-token: All is well"/, /The sign-in was denied/);
  });

  const pages: [what: string, uri: (issuer: string) => string][] = [
    ["javascript", () => "javascript:alert(1)"],
    ["http elsewhere", () => "http://evil.example/device"],
    ["a file", () => "file:///etc/passwd"],
    ["a user name in it", (issuer) => issuer.replace("//", "//sso.example.org@")],
    ["no URL", () => "www.example.org/device"],
  ];
  for (const [what, uri] of pages) {
    it(`does not get its page shown or opened: ${what}`, async () => {
      const result = await login((issuer) => ({
        "/device": device(issuer, { verification_uri: uri(issuer) }),
      }));
      const { stderr } = refused(result, 5, /its verification page is no https URL/);
      assert.ok(!stderr.includes(uri("http://127.0.0.1")));
    });
  }

  it("does not get a page with the code in it opened that is no https URL", async () => {
    const evil = { verification_uri_complete: "http://evil.example/?user_code=WDJB-MJHT" };
    refused(await login((issuer) => ({ "/device": device(issuer, evil) })), 5, /no https URL/);
  });

  it("cannot put anything but a token on standard output", async () => {
    const token = (access_token: unknown) => () => ({
      "/token": { json: { access_token, token_type: "Bearer", expires_in: 300 } },
    });
    const secret = ["--secret-file", "-"];
    for (const bad of ["a\nb", "a b", "\x1b[2Jx", "", 42, "x".repeat(70_000)]) {
      refused(await login(token(bad), secret, "s3cret"), 5, /Cannot use the server's answer/);
    }
  });

  it("cannot make a number that breaks the times", async () => {
    const answer = (more: Record<string, unknown>) => () => ({
      "/token": { json: { access_token: "t", token_type: "Bearer", ...more } },
    });
    const secret = ["--secret-file", "-"];
    refused(
      await login(answer({ expires_in: "soon" }), secret, "s"),
      5,
      /"expires_in" is no count of seconds/,
    );
    const endless = await login(answer({ expires_in: 1e15, refresh_expires_in: 1e15 }), secret, "s");
    assert.equal(endless.code, 0, endless.stderr);
    assert.match((await machine.run(["show", "x"])).stdout, /access token: +until 20\d\d-/);
    assert.match((await machine.run(["get", "x", "-o", "json"])).stdout, /"expires":"20\d\d-/);
    await machine.run(["remove", "x"]);
  });

  it("does not learn the client secret of another place", async () => {
    const seen: string[] = [];
    const elsewhere = await startFakeServer(() => ({
      "/token": (parameters) => {
        seen.push(String(parameters));
        return { json: { access_token: "t", token_type: "Bearer", expires_in: 1 } };
      },
    }));
    try {
      const answers = { "/token": { status: 307, text: "", type: `text/html` } };
      refused(await login(() => answers, ["--secret-file", "-"], "s3cret"), 5, /redirect/);
      assert.deepEqual(seen, []);
    } finally {
      await elsewhere.close();
    }
  });
});
