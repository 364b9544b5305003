/**
 * The commands that ask the server about a token, or change it there, and the sign-ins that prove more.
 *
 * @module
 */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { TOKEN_TYPES } from "../../mod.ts";
import { decoded } from "../jwt.ts";
import { newHome } from "../security/command_line.ts";
import { serve, type ServedAuthorizationServer } from "../security/served.ts";
import type { ProcessResult } from "../process.ts";

describe("the commands about a token", () => {
  const home = newHome();
  let there: ServedAuthorizationServer;
  const login = (name: string, ...args: string[]) => [
    "login",
    name,
    ...["--issuer", there.origin, "--allow-insecure-loopback", ...args],
  ];

  before(async () => {
    there = await serve({ interval: 1 });
    const secret = join(home.desk, "secret");
    writeFileSync(secret, "service-secret");
    done(await home.run(login("service", "--client-id", "service", "--secret-file", secret)));
    await person("ada", ["--client-id", "app", "--scope", "openid profile"]);
  });
  after(async () => {
    await there.close();
    home.remove();
  });

  async function person(name: string, args: string[]): Promise<ProcessResult> {
    const running = home.start(login(name, "--flow", "device", ...args));
    const [, code] = await running.waitFor("stderr", /enter the code {3}(\S+) /);
    there.server.approveDevice(code);
    return done(await running.ended);
  }

  it("inspect says who signed it, whom it is about and until when", async () => {
    const { stdout } = done(await home.run(["inspect", "ada"]));
    assert.match(stdout, new RegExp(`^signature:\\s+good: ${there.origin} signed it$`, "m"));
    assert.match(stdout, /^subject:\s+ada$/m);
    assert.match(stdout, /^good until:\s+\d{4}-\S+Z, for \d+ minutes/m);
    const token = (await home.run(["get", "ada"])).stdout;
    const forged = token.trim().slice(0, -8) + "AAAAAAAA";
    const args = ["inspect", "-", "--allow-insecure-loopback", "--json"];
    const answer = JSON.parse(done(await home.run(args, { stdin: forged })).stdout);
    assert.deepEqual([answer.signature.verified, answer.claims.sub], [false, "ada"]);
    const shown = async (jwt: string) =>
      /^signature: +(.*)$/m.exec(done(await home.run(args.slice(0, 3), { stdin: jwt })).stdout)![1];
    assert.match(await shown(forged), /^BAD: .*signature/);
    const [, claims] = token.split(".");
    assert.match(
      await shown(`${btoa('{"alg":"none"}').replaceAll("=", "")}.${claims}.`),
      /^BAD: .*algorithm/,
    );
    there.server.fault("jwks", { type: "body", body: "<html>" });
    assert.match(await shown(token), /^NOT CHECKED: .*web page/);
  });

  it("inspect refuses what is no JWT", async () => {
    const { code, stdout, stderr } = await home.run(["inspect", "-"], { stdin: "opaque" });
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, /is no JWT/);
  });

  it("userinfo prints what the server says of the person", async () => {
    assert.equal(JSON.parse(done(await home.run(["userinfo", "ada"])).stdout).sub, "ada");
  });

  it("introspect prints what the server says of a token", async () => {
    assert.equal(JSON.parse(done(await home.run(["introspect", "service"])).stdout).active, true);
    const handed = await home.run(["introspect", "service", "--token-file", "-"], { stdin: "unknown" });
    assert.deepEqual(JSON.parse(done(handed).stdout), { active: false });
  });

  it("introspect --signed asks for a signed answer, and takes no other", async () => {
    assert.equal(JSON.parse(done(await home.run(["introspect", "service", "--signed"])).stdout).active, true);
    const [request] = there.server.requests.filter(({ endpoint }) => endpoint === "introspection").slice(-1);
    assert.equal(request.headers.get("accept"), "application/token-introspection+jwt");
    there.server.fault("introspection", { type: "body", body: '{"active":true}' });
    const { code, stdout, stderr } = await home.run(["introspect", "service", "--signed"]);
    assert.deepEqual([code, stdout], [5, ""]);
    assert.match(stderr, /it is not signed/);
  });

  it("exchange prints another token, for another service", async () => {
    const args = ["exchange", "service", "--aud", "other-service", "-o", "json"];
    const answer = JSON.parse(done(await home.run(args)).stdout);
    const [request] = there.server.requests.filter(({ grantType }) => grantType?.endsWith("token-exchange"));
    assert.equal(request.parameters.get("audience"), "other-service");
    assert.notEqual(answer.access_token, (await home.run(["get", "service"])).stdout.trim());
  });

  it("exchange takes the tokens of others out of files, each with its type", async () => {
    const files = [];
    for (const name of ["ada", "service"]) {
      files.push(join(home.desk, `token-of-${name}`));
      writeFileSync(files.at(-1)!, done(await home.run(["get", name])).stdout);
    }
    const tokens = ["--subject-token-file", files[0], "--actor-token-file", files[1]];
    const kinds = ["--subject-token-type", "jwt", "--actor-token-type", "access-token"];
    const { stdout } = done(await home.run(["exchange", "service", ...tokens, ...kinds]));
    const { claims: payload } = decoded(stdout);
    assert.deepEqual([payload.sub, payload.act], ["ada", { sub: "service" }]);
    const { parameters } = there.server.requests.filter(({ grantType }) => grantType?.endsWith("exchange"))
      .at(-1)!;
    assert.equal(parameters.get("subject_token_type"), TOKEN_TYPES.jwt);
    assert.equal(parameters.get("actor_token_type"), TOKEN_TYPES.accessToken);
  });

  it("exchange says what kind of token came, and puts none but an access token into a header", async () => {
    const asked = ["exchange", "service", "--requested-token-type"];
    const answer = async (...args: string[]) =>
      JSON.parse(done(await home.run([...asked, ...args, "-o", "json"])).stdout);
    const access = await answer("access-token");
    assert.deepEqual([access.token_type, access.issued_token_type], ["Bearer", TOKEN_TYPES.accessToken]);
    const other = await answer("id-token");
    assert.deepEqual([other.token_type, other.issued_token_type], ["N_A", TOKEN_TYPES.idToken]);
    const { stdout } = done(await home.run([...asked, "access-token", "-o", "header"]));
    assert.match(stdout, /^Authorization: Bearer \S+\n$/);
    const refused = await home.run([...asked, "id-token", "-o", "header"]);
    assert.deepEqual([refused.code, refused.stdout], [5, ""]);
    assert.match(refused.stderr, /no access token[^]*leave -o header out/);
  });

  it("revoke ends the access token and not the sign-in", async () => {
    const before = (await home.run(["get", "ada"])).stdout;
    done(await home.run(["revoke", "ada"]));
    assert.ok(there.server.count("revocation") > 0);
    assert.notEqual(done(await home.run(["get", "ada"])).stdout, before);
  });

  it("logout keeps the profile and forgets the sign-in", async () => {
    await person("short", ["--client-id", "app"]);
    done(await home.run(["logout", "short"]));
    const { code, stderr } = await home.run(["get", "short"]);
    assert.equal(code, 4);
    assert.match(stderr, /Run: apex-token login short/);
  });

  it("logout ends the sign-in of a service, though its secret is still in its file", async () => {
    const secret = join(home.desk, "kept-secret");
    writeFileSync(secret, "service-secret");
    done(await home.run(login("svc", "--client-id", "service", "--secret-file", secret)));
    const said = done(await home.run(["logout", "svc"]));
    assert.match(said.stderr, /"svc" is signed out on this machine/);
    const requests = there.server.count("token");
    for (const command of [["get", "svc"], ["logout", "svc", "--revoke"]]) {
      const { code, stdout, stderr } = await home.run(command);
      assert.deepEqual([code, stdout], [4, ""], stderr);
      assert.match(stderr, /"svc" is not signed in[^]*Run: apex-token login svc/);
    }
    assert.equal(there.server.count("token"), requests);
    done(await home.run(["login", "svc"]));
    const token = done(await home.run(["get", "svc"])).stdout.trim();
    assert.match(done(await home.run(["logout", "svc", "--revoke"])).stderr, /access token has been revoked/);
    const asked = await home.run(["introspect", "service", "--token-file", "-"], { stdin: token });
    assert.deepEqual(JSON.parse(done(asked).stdout), { active: false });
  });

  it("a service that keeps nothing needs no sign-in", async () => {
    const secret = join(home.desk, "kept-secret");
    writeFileSync(secret, "service-secret");
    const client = ["--client-id", "service", "--secret-file", secret, "--protect", "memory"];
    done(await home.run(login("fleeting", ...client)));
    assert.match(done(await home.run(["get", "fleeting"])).stdout, /^\S+\n$/);
  });

  it("a sign-in that this place cannot do is no fault of the server: 2", async () => {
    const taken = ["--redirect-uri", `${there.origin}/callback`];
    const { code, stdout, stderr } = await home.run(
      login("x", "--client-id", "app", "--flow", "browser", "--no-open", ...taken),
    );
    assert.deepEqual([code, stdout], [2, ""], stderr);
    assert.match(stderr, /another program is using this port[^]*--redirect-uri[^]*--flow device/);
    there.intercept(async ({ url }, pass) => {
      if (!url.pathname.includes("/.well-known/")) return undefined;
      const { device_authorization_endpoint: _, ...others } = await (await pass()).json();
      return Response.json(others);
    });
    const nowhere = await home.run(login("x", "--client-id", "app"));
    there.intercept(undefined);
    assert.deepEqual([nowhere.code, nowhere.stdout], [2, ""], nowhere.stderr);
    assert.match(nowhere.stderr, /no page can be opened here[^]*no device codes/);
  });

  it("login --register makes a client, and remove deletes it again", async () => {
    const { stderr } = await person("own", ["--register"]);
    const [, clientId] = /Registered a client of your own: (\S+)\./.exec(stderr)!;
    assert.ok(there.server.clientIds.includes(clientId));
    done(await home.run(["remove", "own"]));
    assert.ok(!there.server.clientIds.includes(clientId));
  });

  it("login --register makes a client for a service, with a secret that stays with the sign-in", async () => {
    const { stderr } = done(await home.run(login("made", "--register", "--flow", "client-credentials")));
    const [, clientId] = /Registered a client of your own: (\S+)\./.exec(stderr)!;
    const { claims: payload } = decoded(done(await home.run(["get", "made", "--force"])).stdout);
    assert.equal(payload.client_id, clientId);
    done(await home.run(["remove", "made"]));
    assert.ok(!there.server.clientIds.includes(clientId));
  });

  it("logout ends a client that was registered, by its secret's only copy, and login NAME makes another", async () => {
    const { stderr } = done(await home.run(login("again", "--register", "--flow", "client-credentials")));
    const [, first] = /Registered a client of your own: (\S+)\./.exec(stderr)!;
    done(await home.run(["logout", "again"]));
    assert.ok(!there.server.clientIds.includes(first));
    const [, second] = /own: (\S+)\./.exec(done(await home.run(["login", "again"])).stderr)!;
    assert.equal(decoded(done(await home.run(["get", "again"])).stdout).claims.client_id, second);
    done(await home.run(["logout", "again", "--revoke"]));
    assert.ok(!there.server.clientIds.includes(second));
    done(await home.run(["remove", "again"]));
  });

  it("remove says that a client stays when what gives access to it cannot be read", async () => {
    const secret = join(home.desk, "passphrase");
    writeFileSync(secret, "tell nobody");
    const lock = ["--protect", "passphrase", "--passphrase-file", secret];
    const made = ["--register", "--flow", "client-credentials", ...lock];
    const { stderr } = done(await home.run(login("locked", ...made)));
    const [, clientId] = /own: (\S+)\./.exec(stderr)!;
    const removed = done(await home.run(["remove", "locked"]));
    assert.ok(removed.stderr.includes(`The client ${clientId} stays registered`), removed.stderr);
    done(await home.run(login("locked", ...made)));
    const count = there.server.clientIds.length;
    done(await home.run(["remove", "locked", "--passphrase-file", secret]));
    assert.equal(there.server.clientIds.length, count - 1);
  });

  it("login --dpop binds the tokens to a key that stays with the sign-in, and get says so", async () => {
    await person("bound", ["--client-id", "app", "--dpop"]);
    const { stderr } = done(await home.run(["get", "bound", "--force"]));
    assert.match(stderr, /bound to a key/);
    assert.match(done(await home.run(["exchange", "bound"])).stderr, /bound to a key/);
    const proofs = there.server.requests.filter(({ headers }) => headers.has("dpop"));
    const keys = proofs.map(({ headers }) => JSON.parse(atob(headers.get("dpop")!.split(".")[0])).jwk.x);
    assert.ok(proofs.length >= 2);
    assert.equal(new Set(keys).size, 1);
  });
});

function done(result: ProcessResult): ProcessResult {
  assert.equal(result.code, 0, result.stderr);
  return result;
}
