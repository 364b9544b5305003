/**
 * A registered client whose secret ends: the server says when (RFC 7591 section 3.2.1), and nobody sends it afterwards.
 */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { ProcessResult } from "../process.ts";
import { type Home, newHome } from "./command_line.ts";
import { serve, type ServedAuthorizationServer } from "./served.ts";

describe("a registered client whose secret has ended", () => {
  let home: Home;
  let there: ServedAuthorizationServer;
  const login = (...args: string[]) => [
    ...["login", "x", "--issuer", there.origin, "--allow-insecure-loopback", "--flow"],
    ...args,
  ];
  const own = () => there.server.clientIds.filter((id) => id.startsWith("client-"));

  before(() => {
    home = newHome();
  });
  after(() => home.remove());

  it("G6 is known to be over: its token is still served, its secret is not sent, and --register makes a new one", async () => {
    there = await serve();
    there.server.fault("registration", { type: "merge", members: { client_secret_expires_at: 1 } });
    done(await home.run(login("client-credentials", "--register")));
    const [first] = own();
    const { stdout } = done(await home.run(["get", "x"]));
    const sent = there.server.count("token");

    for (const command of [["get", "x", "--force"], login("client-credentials")]) {
      const { code, stderr } = await home.run(command);
      assert.equal(code, 4, stderr);
      assert.match(stderr, /The client secret of "x" has ended\.\n.*apex-token login x --register/);
    }
    assert.equal(there.server.count("token"), sent);
    assert.equal((await home.run(["get", "x"])).stdout, stdout);

    done(await home.run(login("client-credentials", "--register")));
    assert.equal(own().length, 1);
    assert.notEqual(own()[0], first);
    assert.notEqual(done(await home.run(["get", "x", "--force"])).stdout, stdout);
    done(await home.run(["remove", "x"]));
    assert.deepEqual(own(), []);
    await there.close();
  });

  it("G6 presents no refresh token either", async () => {
    there = await serve({ interval: 1 });
    there.intercept(async ({ url }, pass) => {
      if (!url.pathname.endsWith("/openid-configuration")) return undefined;
      const methods = ["client_secret_basic"];
      return Response.json({
        ...await (await pass()).json(),
        token_endpoint_auth_methods_supported: methods,
      });
    });
    there.server.fault("registration", { type: "merge", members: { client_secret_expires_at: 1 } });
    const running = home.start(login("device", "--register"));
    const [, code] = await running.waitFor("stderr", /enter the code {3}(\S+) /);
    there.server.approveDevice(code);
    done(await running.ended);
    const forced = await home.run(["get", "x", "--force"]);
    assert.equal(forced.code, 4, forced.stderr);
    assert.match(forced.stderr, /apex-token login x --register/);
    assert.equal(there.server.count("token", "refresh_token"), 0);
    await there.close();
  });

  it("and a client that still has one stays when its profile is signed in again with --register", async () => {
    there = await serve();
    for (let time = 0; time < 2; time++) {
      done(await home.run(login("client-credentials", "--register")));
      assert.equal(there.server.count("registration"), 1);
    }
    await there.close();
  });
});

function done(result: ProcessResult): ProcessResult {
  assert.equal(result.code, 0, result.stderr);
  return result;
}
