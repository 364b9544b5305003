import assert from "node:assert/strict";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { saveSignIn } from "../../lib/profile/save_sign_in.ts";
import { publicProfile } from "../profile/public_profile.ts";
import { type Machine, makeMachine } from "./machine.ts";
import { done, refused } from "./sign_in.ts";

describe("a signal while a refresh token is on its way", () => {
  const machines: Machine[] = [];
  const server = createServer((_, response) => arrived(response));
  let arrived = (_response: ServerResponse) => {};
  let issuer: string;

  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(async () => {
    for (const machine of machines) machine.close();
    await new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  });

  /** A machine with a profile whose token has ended. */
  async function signedIn(): Promise<Machine> {
    const machine = await makeMachine();
    machines.push(machine);
    const { host } = machine;
    const profile = publicProfile(host, issuer, { allowInsecureLoopback: true });
    const session = {
      format: 1,
      issuer,
      clientId: "app",
      metadata: { issuer, token_endpoint: `${issuer}/token` },
      refreshToken: "r1",
      signedInAt: 1,
    } as const;
    await saveSignIn(host, profile, session, {
      accessToken: "t1",
      tokenType: "Bearer",
      issuedAt: 0,
      expiresAt: 1,
    });
    return machine;
  }

  for (const signals of [["SIGINT"], ["SIGTERM"], ["SIGINT", "SIGINT", "SIGHUP"]] as const) {
    it(`waits for the answer, keeps it, and then ends with 130 (${signals.join(", ")})`, async () => {
      const machine = await signedIn();
      const request = new Promise<ServerResponse>((resolve) => arrived = resolve);
      const running = machine.startBy(["sh", "-c", 'echo "id $$" >&2; exec "$@"', "sh"], ["get", "p"]);
      const [, id] = await running.waitFor("stderr", /^id (\d+)\n/);
      const response = await request;
      for (const signal of signals) {
        process.kill(Number(id), signal);
        await running.waitFor("stderr", /Waiting for the server's answer first/);
      }
      response.setHeader("content-type", "application/json");
      response.end(
        JSON.stringify({ access_token: "t2", token_type: "Bearer", expires_in: 3600, refresh_token: "r2" }),
      );
      const { stderr } = refused(await running.ended, 130);
      assert.equal(stderr.match(/Waiting for the server's answer first/g)?.length, 1);
      assert.equal((await machine.session("p")).refreshToken, "r2");
      arrived = () => assert.fail("what was brought is there for the next one");
      assert.equal(done(await machine.run(["get", "p"])).stdout, "t2\n");
    });
  }
});
