import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type RunningProvider, startProvider } from "../interop/oidc_provider.ts";
import { METADATA, metadata, startFakeServer } from "./fake_server.ts";
import { type Machine, makeMachine } from "./machine.ts";
import { freePort } from "../free_port.ts";
import { at, refused, sentences, signIn, startDevice } from "./sign_in.ts";

let provider: RunningProvider;
/** Signed in as "person". */
let machine: Machine;
/** Nobody has ever signed in here. */
let fresh: Machine;

before(async () => {
  provider = await startProvider({ interval: 1 });
  machine = await makeMachine();
  fresh = await makeMachine();
  await signIn(machine, provider, "person");
});
after(async () => {
  await provider.close();
  machine.close();
  fresh.close();
});

const loginTo = (issuer: string) => ["login", "x", ...at({ issuer }), "--client-id", "any"];

describe("a server that says no ends with 5", () => {
  const wrongIssuers: [what: string, routes: Parameters<typeof startFakeServer>[0], RegExp, RegExp][] = [
    ["metadata that is not there", () => ({}), /the server answered 404/, /Check the issuer URL/],
    [
      "a web page instead of metadata",
      () => ({ [METADATA]: { text: "<html>Welcome!</html>" } }),
      /it is a web page/,
      /captive portal/,
    ],
    [
      "metadata of another issuer",
      () => ({ [METADATA]: metadata("https://evil.example") }),
      /it says that its issuer is "https:\/\/evil\.example"/,
      /Check the issuer URL/,
    ],
    [
      "metadata of an issuer with another last slash",
      (issuer) => ({ [METADATA]: metadata(`${issuer}/`) }),
      /Cannot trust the metadata/,
      /Use the issuer as the server writes it: http:\S+\/$/m,
    ],
    [
      "metadata that is broken",
      () => ({ [METADATA]: { text: '{"issuer":', type: "application/json" } }),
      /it is not JSON|it is not whole/i,
      /Check the issuer URL/,
    ],
    [
      "a redirect to somewhere else",
      () => ({ [METADATA]: { status: 302, text: "" } }),
      /redirect/,
      /Check the issuer URL/,
    ],
    [
      "a server without device codes",
      (issuer) => ({ [METADATA]: metadata(issuer, { device_authorization_endpoint: undefined }) }),
      /the server offers no device codes/,
      /Choose another --flow/,
    ],
  ];
  for (const [what, routes, says, nextStep] of wrongIssuers) {
    it(what, async () => {
      const server = await startFakeServer(routes);
      try {
        refused(await fresh.run([...loginTo(server.issuer), "--flow", "device"]), 5, says, nextStep);
      } finally {
        await server.close();
      }
    });
  }

  it("a wrong client secret", async () => {
    const args = ["login", "x", ...at(provider), "--client-id", "apex-service", "--secret-file", "-"];
    refused(
      await fresh.run(args, { stdin: "wrong" }),
      5,
      /"invalid_client"/,
      /Check the client id and the client secret/,
    );
  });

  it("an unknown client", async () => {
    refused(
      await fresh.run([...loginTo(provider.issuer), "--flow", "device"]),
      5,
      /"invalid_client"/,
      /Check the client id/,
    );
  });

  it("a wrong password", async () => {
    const args = ["login", "x", ...at(provider), "--client-id", "password-client", "--flow", "password"];
    refused(
      await fresh.run([...args, "--username", "alice", "--password-file", "-"], { stdin: "guess" }),
      5,
      /"invalid_grant"/,
      /Check the user name and the password/,
    );
  });

  it("a device sign-in that the person denies", async () => {
    const { running, page, userCode } = await startDevice(fresh, provider, "x");
    await provider.approveDevice(page, { userCode, deny: true });
    refused(await running.ended, 5, /The sign-in was denied/, /start the sign-in again/);
  });

  it("a scope that was not granted, with what was", async () => {
    const { stderr } = refused(
      await machine.run(["get", "person", "-s", "storage.read:/"]),
      5,
      /"invalid_scope"/,
    );
    assert.match(stderr, /Granted at sign-in: openid offline_access\. Ask for less with -s/);
    assert.match(stderr, /apex-token login person --scope "openid storage\.read:\/"/);
  });

  it("and nothing of it is left on the machine", () => {
    assert.deepEqual([...fresh.files().keys()], []);
  });
});

describe("a sign-in that is needed ends with 4", () => {
  it("where nobody has ever signed in", async () => {
    refused(
      await fresh.run(["get"]),
      4,
      /Nobody has signed in here yet/,
      /Run: apex-token login NAME --issuer URL/,
    );
  });

  it("after the device code ran out", async () => {
    const server = await startFakeServer((issuer) => ({
      [METADATA]: metadata(issuer),
      "/device": {
        json: {
          device_code: "d",
          user_code: "WDJB-MJHT",
          verification_uri: `${issuer}/page`,
          expires_in: 1,
          interval: 1,
        },
      },
      "/token": { status: 400, json: { error: "authorization_pending" } },
    }));
    try {
      const args = [...loginTo(server.issuer), "--flow", "device"];
      refused(
        await fresh.run(args),
        4,
        /The code ran out before anybody entered it/,
        /Start the sign-in again/,
      );
    } finally {
      await server.close();
    }
  });

  it("after the server called the device code expired", async () => {
    const server = await startFakeServer((issuer) => ({
      [METADATA]: metadata(issuer),
      "/device": {
        json: {
          device_code: "d",
          user_code: "A",
          verification_uri: `${issuer}/page`,
          expires_in: 600,
          interval: 1,
        },
      },
      "/token": { status: 400, json: { error: "expired_token" } },
    }));
    try {
      refused(await fresh.run([...loginTo(server.issuer), "--flow", "device"]), 4, /The code ran out/);
    } finally {
      await server.close();
    }
  });

  it("after the refresh token died, and nothing is deleted", async () => {
    const other = await makeMachine();
    try {
      await signIn(other, provider, "gone");
      const before = other.files();
      await provider.revokeGrants();
      const failed = refused(
        await other.run(["get", "gone", "--force"]),
        4,
        /^apex-token: The sign-in of "gone" has ended \(the server says "[^"]+"\)\.$/m,
      );
      assert.equal(sentences(failed)[1], "Run: apex-token login gone");
      for (const [file, bytes] of before) assert.deepEqual(other.files().get(file), bytes, file);
    } finally {
      other.close();
      await signIn(machine, provider, "person");
    }
  });

  it("where the server gave no refresh token", async () => {
    const other = await makeMachine();
    try {
      await signIn(other, provider, "short", ["--no-offline"]);
      refused(
        await other.run(["get", "short", "--force"]),
        4,
        /"short" has no refresh token/,
        /Run: apex-token login/,
      );
    } finally {
      other.close();
    }
  });
});

describe("a server that cannot be reached ends with 6", () => {
  it("at sign-in, where nobody listens", async () => {
    const issuer = `http://127.0.0.1:${await freePort()}`;
    refused(
      await fresh.run(loginTo(issuer)),
      6,
      /Cannot get an answer from 127\.0\.0\.1:\d+/,
      /Check the network/,
    );
  });

  it("at sign-in, where the proxy is not there, which is no fault of the server", async () => {
    const login = ["login", "x", "--issuer", "https://sso.example", "--client-id", "any"];
    const withProxy = (proxy: string) => fresh.run(login, { env: { HTTPS_PROXY: proxy } });
    refused(
      await withProxy(`http://127.0.0.1:${await freePort()}`),
      6,
      /Cannot get an answer from sso\.example: .*\(PROXY_/,
      /^Check the proxy in HTTPS_PROXY/m,
    );
    refused(await withProxy("socks5://127.0.0.1:1"), 2, /the proxy in HTTPS_PROXY/, /^Set it to http:/m);
  });

  it("at a renewal, while it is down", async () => {
    provider.setDown(true);
    try {
      refused(
        await machine.run(["get", "person", "--force"]),
        6,
        /cannot answer .* now: status 503/,
        /Try again later/,
      );
    } finally {
      provider.setDown(false);
    }
  });
});
