import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { unverifiedClaims } from "../../../mod.ts";
import { done, refused } from "../../cli/sign_in.ts";
import { realmEvents } from "./administration.ts";
import { type KeycloakMachine, keycloakMachine } from "./machine.ts";
import { fetchAt } from "./place.ts";
import { PEOPLE } from "./realm.ts";

const { bob } = PEOPLE;
const PROCESSES = 20;
const VARIANTS = ["binary", "bun", "node", "deno"] as const;

describe("a sign-in whose refresh tokens work once, at Keycloak", () => {
  let machine: KeycloakMachine;
  /** The same home, with every way to run the command line. */
  let ways: KeycloakMachine[];

  before(async () => {
    machine = await keycloakMachine();
    ways = await Promise.all(VARIANTS.map((variant) => keycloakMachine(variant)));
  });
  after(() => [machine, ...ways].forEach((one) => one.close()));

  async function signIn(name: string): Promise<void> {
    const args = ["--client-id", "password-client", "--flow", "password", "--username", bob.username];
    done(
      await machine.run(["login", name, "--issuer", machine.issuer, ...args, "--password-file", "-"], {
        stdin: bob.password,
      }),
    );
  }

  /** What Keycloak remembers of the refreshes of a sign-in: good ones and refused ones. */
  async function refreshes(name: string): Promise<{ good: number; refused: number }> {
    const { sid } = unverifiedClaims((await machine.session(name)).refreshToken!) as { sid: string };
    const types = ["REFRESH_TOKEN", "REFRESH_TOKEN_ERROR"];
    const events = await realmEvents(machine.place, fetchAt(machine.place), types);
    const of = (type: string) =>
      events.filter((event) => event.type === type && event.sessionId === sid).length;
    return { good: of(types[0]), refused: of(types[1]) };
  }

  const all = (args: string[]) =>
    Promise.all(
      Array.from({ length: PROCESSES }, (_, index) =>
        ways[index % ways.length].run(args, { env: { HOME: machine.home }, timeout: 600_000 })),
    );

  it("costs one refresh when a token has run out and twenty processes of four kinds ask at once", async () => {
    await signIn("shared");
    for (let round = 1; round <= 2; round++) {
      await machine.age("shared", (_token, now) => ({ expiresAt: now - 1 }));
      const answers = (await all(["get", "shared"])).map((result) => done(result).stdout);
      assert.equal(new Set(answers).size, 1, "everybody got the same token");
      assert.deepEqual(await refreshes("shared"), { good: round, refused: 0 });
    }
  });

  it("survives twenty processes that each want a new token", async () => {
    await signIn("forced");
    const answers = await all(["get", "forced", "--force"]);
    for (const answer of answers) done(answer);
    const { good, refused } = await refreshes("forced");
    assert.equal(refused, 0);
    assert.ok(good >= 1 && good <= PROCESSES, `${good} refreshes`);
    done(await machine.run(["get", "forced", "--force"]));
  });

  it("knows one whose refresh token was copied and used elsewhere, and names the command that helps", async () => {
    await signIn("copied");
    const { refreshToken } = await machine.session("copied");
    const body = new URLSearchParams({
      grant_type: "refresh_token",
      client_id: "password-client",
      refresh_token: refreshToken!,
    });
    const url = `${machine.issuer}/protocol/openid-connect/token`;
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const elsewhere = await fetchAt(machine.place)(url, { method: "POST", headers, body: body.toString() });
    assert.equal(elsewhere.status, 200);
    const answer = await machine.run(["get", "copied", "--force"]);
    refused(answer, 4, /has ended/, /apex-token login copied/);
    await signIn("copied");
    done(await machine.run(["get", "copied", "--force"]));
  });
});
