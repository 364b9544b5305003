import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import {
  authorizationRequest,
  deviceAuthorization,
  dpopKey,
  endSessionUrl,
  isTokenError,
  refreshTokenGrant,
  unverifiedClaims,
} from "../../../mod.ts";
import { done, refused } from "../../cli/sign_in.ts";
import { type RunningProcess, writeProgram } from "../../process.ts";
import { type Chromium, consent, enterCode, logIn, startChromium, waitForText } from "./chromium.ts";
import { type KeycloakMachine, keycloakMachine } from "./machine.ts";
import { discoverKeycloak } from "./place.ts";
import { PEOPLE } from "./realm.ts";

const { alice, bob } = PEOPLE;

describe("signing in at Keycloak with a real browser", () => {
  let machine: KeycloakMachine;
  let chromium: Chromium;

  before(async () => {
    [machine, chromium] = await Promise.all([keycloakMachine(), startChromium()]);
  });
  after(async () => {
    await chromium.close();
    machine.close();
  });

  const claims = (token: string) => unverifiedClaims(token.trim())!;

  /** Starts a device sign-in and reads what a person reads. */
  async function startDevice(name: string, ...args: string[]) {
    const running = machine.start(
      ["login", name, "--issuer", machine.issuer, "--flow", "device", ...args],
      { timeout: 600_000 },
    );
    const [, page] = await running.waitFor("stderr", /^ {4}(https\S+)\n/m);
    const [, code] = await running.waitFor("stderr", /enter the code +(\S+) /);
    return { running, page, code };
  }

  /** Starts a browser sign-in; the page that it opens is what it gives to the program in `BROWSER`. */
  async function startBrowser(
    name: string,
    ...args: string[]
  ): Promise<{ running: RunningProcess; url: string }> {
    const opener = join(machine.home, `browser-${name}`);
    writeProgram(opener, `#!/bin/sh\nprintf %s "$1" > "$0.new"\nmv "$0.new" "$0.opened"\n`);
    const running = machine.start(
      ["login", name, "--issuer", machine.issuer, "--flow", "browser", ...args],
      { env: { BROWSER: opener }, timeout: 600_000 },
    );
    await running.waitFor("stderr", /has been opened in your browser/);
    // what is still running after a second counts as opened
    while (!existsSync(`${opener}.opened`)) await new Promise((resolve) => setTimeout(resolve, 20));
    return { running, url: readFileSync(`${opener}.opened`, "utf8") };
  }

  it("takes a device code that a person types into Keycloak's page", async () => {
    const { running, page, code } = await startDevice("dev", "--client-id", "project-a-catalogue-dev-api");
    assert.equal(page, `${machine.issuer}/device`);
    const tab = await chromium.open(page);
    await enterCode(tab, code);
    await logIn(tab, alice);
    await consent(tab, "yes");
    await waitForText(tab, /Device Login Successful/);
    const { stdout, stderr } = done(await running.ended);
    assert.equal(stdout, "");
    assert.match(stderr, /Signed in to .* as Alice Example \(alice\)\./);
    const token = done(await machine.run(["get", "dev"])).stdout;
    assert.equal(claims(token).azp, "project-a-catalogue-dev-api");
    assert.notEqual(done(await machine.run(["get", "dev", "--force"])).stdout, token);
  });

  it("ends the wait when the person says no on Keycloak's page", async () => {
    const { running, page, code } = await startDevice("no", "--client-id", "project-a-catalogue-dev-api");
    const tab = await chromium.open(page);
    await enterCode(tab, code);
    await logIn(tab, bob);
    await consent(tab, "no");
    refused(await running.ended, 5, /denied/i);
    refused(await machine.run(["get", "no"]), 2, /There is no profile "no"/);
  });

  it("registers a client of its own and signs in with it by a device code", async () => {
    const { running, page, code } = await startDevice("own", "--register");
    const tab = await chromium.open(page);
    await enterCode(tab, code);
    await logIn(tab, bob);
    await consent(tab, "yes");
    const { stderr } = done(await running.ended);
    const [, clientId] = /Registered a client of your own: (\S+)\./.exec(stderr)!;
    assert.equal(claims(done(await machine.run(["get", "own", "--force"])).stdout).azp, clientId);
    done(await machine.run(["remove", "own"]));
  });

  it("signs in with the browser: code, PKCE, and back to a free port of this machine", async () => {
    const { running, url } = await startBrowser("desk", "--client-id", "asking-client");
    const { searchParams } = new URL(url);
    assert.equal(searchParams.get("code_challenge_method"), "S256");
    assert.match(searchParams.get("redirect_uri")!, /^http:\/\/127\.0\.0\.1:\d+\/callback$/);
    const tab = await chromium.open(url);
    await logIn(tab, alice);
    await consent(tab, "yes");
    await waitForText(tab, /You can close this page; the terminal goes on/);
    assert.equal(tab.url(), searchParams.get("redirect_uri"), "the code has left the address bar");
    assert.match(done(await running.ended).stderr, /as Alice Example \(alice\)\./);
    assert.equal(
      claims(done(await machine.run(["get", "desk", "--force"])).stdout).preferred_username,
      "alice",
    );
  });

  it("tells it when the person says no in the browser", async () => {
    const { running, url } = await startBrowser("refused", "--client-id", "asking-client");
    const tab = await chromium.open(url);
    await logIn(tab, bob);
    await consent(tab, "no");
    refused(await running.ended, 5, /denied/i);
  });

  it("pushes the parameters first where the client has to, and where it is asked to", async () => {
    for (const [name, client] of [["must", "pushed-client"], ["may", "browser-client"]]) {
      const { running, url } = await startBrowser(name, "--client-id", client, "--par", "--no-offline");
      assert.deepEqual([...new URL(url).searchParams.keys()].sort(), ["client_id", "request_uri"]);
      await logIn(await chromium.open(url), bob);
      assert.match(done(await running.ended).stderr, /as Bob Example \(bob\)\./);
    }
  });

  it("binds the tokens of a browser sign-in to a key, the code too", async () => {
    const { running, url } = await startBrowser(
      ...["bound", "--client-id", "bound-client", "--dpop", "--no-offline"] as const,
    );
    assert.match(new URL(url).searchParams.get("dpop_jkt") ?? "", /^[\w-]{43}$/);
    await logIn(await chromium.open(url), alice);
    done(await running.ended);
    const answer = JSON.parse(done(await machine.run(["get", "bound", "--force", "-o", "json"])).stdout);
    assert.equal(answer.token_type, "DPoP");
  });

  it("says what Keycloak says when the client may not come back here", async () => {
    const { running, url } = await startBrowser("elsewhere", "--client-id", "password-client");
    const tab = await chromium.open(url);
    await waitForText(tab, /Client not found|not allowed|Invalid|disabled|error/i);
    running.kill("SIGINT");
    assert.equal((await running.ended).code, 130);
  });

  it("is done by the SDK alike: device and browser", async () => {
    const issuer = await discoverKeycloak(machine.place);
    const device = { clientId: "project-a-catalogue-dev-api" };
    const { verificationUriComplete, wait } = await deviceAuthorization(issuer, device, { scope: "openid" });
    const tab = await chromium.open(verificationUriComplete!);
    await logIn(tab, bob);
    await consent(tab, "yes");
    assert.equal((await wait()).claims?.preferred_username, "bob");

    const client = { clientId: "browser-client", dpop: await dpopKey() };
    const redirectUri = "http://127.0.0.1:1/callback";
    for (const delivery of [{}, { pushed: true }]) {
      const request = await authorizationRequest(issuer, client, {
        redirectUri,
        scope: "openid",
        ...delivery,
      });
      const page = await chromium.open(request.url);
      const back = page.waitForRequest((asked) => asked.url().startsWith(redirectUri));
      await logIn(page, alice);
      const { claims, tokenType } = await request.redeem(new URL((await back).url()));
      assert.deepEqual([claims?.preferred_username, tokenType], ["alice", "DPoP"]);
    }
  });

  it("is ended for everybody by the server's logout page", async () => {
    const issuer = await discoverKeycloak(machine.place);
    const client = { clientId: "browser-client" };
    const redirectUri = "http://127.0.0.1:1/callback";
    const request = await authorizationRequest(issuer, client, { redirectUri, scope: "openid" });
    const page = await chromium.open(request.url);
    const back = page.waitForRequest((asked) => asked.url().startsWith(redirectUri));
    await logIn(page, bob);
    const { idToken, refreshToken } = await request.redeem(new URL((await back).url()));
    // a tab of its own: the first one may still be on its way to where nobody listens
    const tab = await page.context().newPage();
    await tab.goto(endSessionUrl(issuer, client, { idTokenHint: idToken }));
    await waitForText(tab, /You are logged out/);
    await assert.rejects(
      refreshTokenGrant(issuer, client, { refreshToken: refreshToken! }),
      (error) => isTokenError(error) && error.code === "sign_in_required",
    );
  });
});
