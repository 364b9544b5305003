import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { unverifiedClaims } from "../../../mod.ts";
import { done, refused } from "../../cli/sign_in.ts";
import { type KeycloakMachine, keycloakMachine } from "./machine.ts";
import { PEOPLE, SECRETS } from "./realm.ts";

const { alice } = PEOPLE;

describe("the command line at Keycloak", () => {
  let machine: KeycloakMachine;

  before(async () => {
    machine = await keycloakMachine();
  });
  after(() => machine.close());

  const claims = (token: string) => unverifiedClaims(token.trim())!;
  const login = (name: string, ...args: string[]) =>
    machine.run(["login", name, "--issuer", machine.issuer, ...args]);
  const loginAlice = (name: string, ...args: string[]) =>
    machine.run(
      [
        ...[
          "login",
          name,
          "--issuer",
          machine.issuer,
          "--client-id",
          "password-client",
          "--flow",
          "password",
        ],
        ...["--username", alice.username, "--password-file", "-", ...args],
      ],
      { stdin: alice.password },
    );

  it("gives a service in the environment its token with its roles, and writes nothing", async () => {
    const env = {
      APEX_CLIENT_ID: "apex-service",
      APEX_CLIENT_SECRET: SECRETS.service,
      APEX_ISSUER: machine.issuer,
    };
    const before = [...machine.files().keys()];
    const { stdout } = done(await machine.run(["get"], { env }));
    assert.deepEqual(claims(stdout).realm_access, { roles: ["stac-admin-dev"] });
    assert.deepEqual([...machine.files().keys()], before);
    refused(
      await machine.run(["get"], { env: { ...env, APEX_CLIENT_SECRET: "wrong" } }),
      5,
      /Check the client id/,
    );
  });

  it("signs a service in with a secret file and with a private key", async () => {
    const file = machine.file("client-secret", SECRETS.service + "\n");
    done(await login("service", "--client-id", "apex-service", "--secret-file", file, "-s", "openid roles"));
    assert.equal(claims(done(await machine.run(["get", "service"])).stdout).azp, "apex-service");
    const key = machine.file("key.jwk", JSON.stringify(machine.place.key));
    done(await login("key", "--client-id", "key-client", "--private-key-file", key));
    const first = done(await machine.run(["get", "key"])).stdout;
    const second = done(await machine.run(["get", "key", "--force"])).stdout;
    assert.equal(claims(second).azp, "key-client");
    assert.notEqual(second, first);
  });

  it("trusts a certificate authority that --ca-file names, from then on", async () => {
    const stranger = { env: { SSL_CERT_FILE: "" } };
    const args = ["login", "own-ca", "--issuer", machine.issuer, "--client-id", "password-client"];
    const account = ["--flow", "password", "--username", alice.username, "--password-file", "-"];
    const input = { ...stranger, stdin: alice.password };
    refused(await machine.run([...args, ...account], input), 6, /certificate/i);
    done(await machine.run([...args, ...account, "--ca-file", machine.place.authorityFile], input));
    done(await machine.run(["get", "own-ca", "--force"], stranger));
  });

  it("signs in with a password to a sign-in that outlives the browser's, and renews it", async () => {
    const { stdout, stderr } = done(await loginAlice("alice"));
    assert.equal(stdout, "");
    assert.match(stderr, /Signed in to .* as Alice Example \(alice\)\./);
    const session = await machine.session("alice");
    assert.equal(claims(session.refreshToken!).typ, "Offline");
    const first = done(await machine.run(["get", "alice"])).stdout;
    assert.equal(done(await machine.run(["get", "alice"])).stdout, first);
    for (let round = 0; round < 3; round++) {
      assert.notEqual(done(await machine.run(["get", "alice", "--force"])).stdout, first);
    }
    assert.notEqual((await machine.session("alice")).refreshToken, session.refreshToken);
  });

  it("tells a wrong password as such, without a profile left behind", async () => {
    const args = ["--client-id", "password-client", "--flow", "password", "--username", alice.username];
    const file = machine.file("wrong-password", "guess");
    refused(await login("wrong", ...args, "--password-file", file), 5, /"Invalid user credentials"/);
    refused(await machine.run(["get", "wrong"]), 2, /There is no profile "wrong"/);
  });

  it("asks for an ordinary sign-in with --no-offline, and shows until when it lasts", async () => {
    const began = Date.now();
    done(await loginAlice("short", "--no-offline"));
    const took = (Date.now() - began) / 1000;
    const { refreshToken, refreshExpiresAt } = await machine.session("short");
    assert.equal(claims(refreshToken!).typ, "Refresh");
    // counted from before the request, and by whole seconds
    const late = (claims(refreshToken!).exp as number) - refreshExpiresAt!;
    assert.ok(late >= -1 && late <= took + 1, `${late} s of ${took} s`);
    const { stdout } = done(await machine.run(["show", "short"]));
    assert.ok(stdout.includes(new Date(refreshExpiresAt! * 1000).toISOString().slice(0, 16)), stdout);
  });

  it("shows what is in a token, with its roles, and who signed it", async () => {
    const { stdout } = done(await machine.run(["inspect", "alice"]));
    assert.match(stdout, /signature: +good/);
    assert.match(stdout, /catalogue-reader/);
    const idToken = done(await machine.run(["inspect", "alice", "--id-token", "--json"])).stdout;
    assert.ok(idToken.includes('"preferred_username"'));
  });

  it("prints what the server says about the person", async () => {
    const { email, preferred_username } = JSON.parse(done(await machine.run(["userinfo", "alice"])).stdout);
    assert.deepEqual([preferred_username, email], ["alice", "alice@example.org"]);
  });

  it("prints what the server says about a token, to a client whose business it is", async () => {
    const secret = machine.file("exchange-secret", SECRETS.exchange);
    done(await login("exchanger", "--client-id", "exchange-client", "--secret-file", secret));
    const token = machine.file("token", done(await machine.run(["get", "alice", "--force"])).stdout);
    const about = JSON.parse(
      done(await machine.run(["introspect", "exchanger", "--token-file", token])).stdout,
    );
    assert.deepEqual([about.active, about.username], [true, "alice"]);
    const exchanged = done(
      await machine.run(["exchange", "exchanger", "--subject-token-file", token, "--aud", "other-service"]),
    );
    const { aud, azp, preferred_username } = claims(exchanged.stdout);
    assert.deepEqual([aud, azp, preferred_username], ["other-service", "exchange-client", "alice"]);
  });

  it("refuses an audience, which Keycloak would not heed", async () => {
    refused(await machine.run(["get", "alice", "--aud", "other"]), 2, /sets audiences by client scope/);
  });

  it("narrows a token by scope", async () => {
    const { stdout } = done(await machine.run(["get", "alice", "-s", "openid"]));
    assert.notEqual(stdout, done(await machine.run(["get", "alice"])).stdout);
    refused(await machine.run(["get", "alice", "-s", "openid nonsense"]), 5, /Invalid scopes/);
  });

  it("registers a client of its own with --register, and removes it with the profile", async () => {
    const args = ["--register", "--flow", "client-credentials", "-s", "openid"];
    const { stderr } = done(await login("mine", ...args));
    const [, clientId] = /Registered a client of your own: (\S+)\./.exec(stderr)!;
    assert.equal(claims(done(await machine.run(["get", "mine", "--force"])).stdout).azp, clientId);
    done(await machine.run(["remove", "mine"]));
  });

  it("binds tokens to a key with --dpop, says so, and renews them", async () => {
    done(
      await machine.run([
        ...["login", "bound", "--issuer", machine.issuer, "--client-id", "bound-client", "--dpop"],
        ...["--flow", "password", "--username", alice.username, "--password-file", "-"],
      ], { stdin: alice.password }),
    );
    const { stdout, stderr } = done(await machine.run(["get", "bound", "--force", "-o", "json"]));
    const answer = JSON.parse(stdout);
    assert.equal(answer.token_type, "DPoP");
    assert.match((claims(answer.access_token).cnf as { jkt: string }).jkt, /^[\w-]{43}$/);
    assert.match(stderr, /DPoP|bound/);
    assert.equal(
      JSON.parse(done(await machine.run(["userinfo", "bound"])).stdout).email,
      "alice@example.org",
    );
  });

  it("revokes an access token, and the whole sign-in with logout --revoke", async () => {
    done(await loginAlice("leaving"));
    const { refreshToken } = await machine.session("leaving");
    done(await machine.run(["revoke", "leaving"]));
    done(await machine.run(["get", "leaving"]));
    const current = (await machine.session("leaving")).refreshToken!;
    assert.ok(refreshToken);
    done(await machine.run(["logout", "leaving", "--revoke"]));
    refused(await machine.run(["get", "leaving"]), 4, /apex-token login leaving/);
    const token = machine.file("revoked", current);
    const { stdout } = done(await machine.run(["introspect", "exchanger", "--token-file", token]));
    assert.deepEqual(JSON.parse(stdout), { active: false });
  });

  it("says that the sign-in has ended when the server has ended it", async () => {
    done(await loginAlice("ended"));
    const { refreshToken } = await machine.session("ended");
    await machine.revoke("password-client", refreshToken!);
    refused(
      await machine.run(["get", "ended", "--force"]),
      4,
      /The sign-in of "ended" has ended \(the server says ".+"\)/,
      /Run: apex-token login ended/,
    );
  });
});
