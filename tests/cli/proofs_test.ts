/**
 * Sign-ins whose client proves who it is, or sends its request, in another way than with a secret in a file.
 */

import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { generateSigningKey, type JsonWebKey, unverifiedClaims, unverifiedHeader } from "../../mod.ts";
import { signingKey, signJwt } from "../../lib/oauth/signing_key.ts";
import type { RecordedRequest } from "../../lib/testing/mod.ts";
import { newHome } from "../security/command_line.ts";
import { serve, type ServedAuthorizationServer } from "../security/served.ts";
import { arrive, done } from "./sign_in.ts";

const ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

describe("login", () => {
  const home = newHome();
  let there: ServedAuthorizationServer;
  let privateJwk: JsonWebKey;
  const login = (name: string, ...args: string[]) => [
    ...["login", name, "--issuer", there.origin, "--allow-insecure-loopback"],
    ...args,
  ];
  const desk = (name: string, content: string) => {
    const path = join(home.desk, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  };
  const lastToken = () => there.server.requests.findLast(({ endpoint }) => endpoint === "token")!;

  before(async () => {
    const key = await generateSigningKey();
    privateJwk = await key.export();
    const jwks = { keys: [{ ...key.publicJwk!, kid: "k1", alg: "ES256", use: "sig" }] };
    const signer = { clientId: "signer", jwks, authMethods: ["private_key_jwt"] as const };
    there = await serve({ clients: [{ clientId: "app" }, signer] });
  });
  after(async () => {
    await there.close();
    home.remove();
  });

  /** What a token request said of the key that signed it, once everything else about it was found right. */
  function keyNamed({ parameters, headers, status }: RecordedRequest): unknown {
    assert.equal(status, 200);
    assert.equal(headers.get("authorization"), null);
    assert.equal(parameters.get("client_secret"), null);
    assert.equal(parameters.get("client_assertion_type"), ASSERTION);
    const assertion = parameters.get("client_assertion")!;
    const { iss, sub, aud, exp, iat } = unverifiedClaims(assertion)!;
    assert.deepEqual([iss, sub, aud, Number(exp) - Number(iat)], ["signer", "signer", there.origin, 60]);
    const { alg, kid } = unverifiedHeader(assertion)!;
    assert.equal(alg, "ES256");
    return kid;
  }

  it("--private-key-file takes a JWK, whose kid goes into what it signs, and reads it again at each renewal", async () => {
    const file = desk("key.jwk", JSON.stringify({ ...privateJwk, kid: "k1" }));
    const key = ["--private-key-file", file, "--flow", "client-credentials"];
    done(await home.run(login("jwk", "--client-id", "signer", ...key)));
    assert.equal(keyNamed(lastToken()), "k1");
    const sent = there.server.count("token");
    done(await home.run(["get", "jwk", "--force"]));
    assert.equal(there.server.count("token"), sent + 1);
    assert.equal(keyNamed(lastToken()), "k1");
    assertNotUnder(home.path, privateJwk.d!);

    rmSync(file);
    const { code, stdout, stderr } = await home.run(["get", "jwk", "--force"]);
    assert.deepEqual([code, stdout], [7, ""], stderr);
    assert.ok(stderr.includes(file), stderr);
  });

  it("--private-key-file takes a PEM, --key-id names it, --auth-method says what it is for", async () => {
    const file = desk("key.pem", await pemOf(privateJwk));
    const key = ["--private-key-file", file, "--auth-method", "private_key_jwt"];
    const args = ["--client-id", "signer", "--flow", "client-credentials", ...key];
    done(await home.run(login("pem", ...args)));
    assert.equal(keyNamed(lastToken()), undefined);
    done(await home.run(login("pem", ...args, "--key-id", "k1")));
    done(await home.run(["get", "pem", "--force"]));
    assert.equal(keyNamed(lastToken()), "k1");
  });

  it("--assertion-file takes what somebody else signs for the client, and reads it again at each renewal", async () => {
    const key = await signingKey({ ...privateJwk, kid: "k1" } as JsonWebKey);
    const signed = () => {
      const now = Math.floor(Date.now() / 1000);
      const of = { iss: "signer", sub: "signer", aud: there.origin, iat: now, exp: now + 600 };
      return signJwt(key, {}, { ...of, jti: crypto.randomUUID() });
    };
    const file = desk("assertion", await signed());
    const proof = ["--client-id", "signer", "--assertion-file", file];
    done(await home.run(login("federated", ...proof)));
    assert.equal(lastToken().parameters.get("client_assertion"), readFileSync(file, "utf8"));
    const renewed = await signed();
    writeFileSync(file, renewed + "\n");
    done(await home.run(["get", "federated", "--force"]));
    assert.equal(lastToken().parameters.get("client_assertion"), renewed);
    assertNotUnder(home.path, renewed);

    const sent = there.server.count("token");
    writeFileSync(file, "opaque-canary");
    const { code, stdout, stderr } = await home.run(["get", "federated", "--force"]);
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, /Cannot use the client assertion in \S+: it is not a JWT/);
    assert.ok(!stderr.includes("opaque-canary"));
    const both = await home.run(login("both", ...proof, "--private-key-file", desk("k", "x")));
    assert.equal(both.code, 2);
    assert.match(both.stderr, /a private key and an assertion at once/);
    assert.equal(there.server.count("token"), sent);
  });

  it("--private-key-file says before anything is sent that there is no key in it", async () => {
    const sent = there.server.requests.length;
    for (const content of ["", "secret-canary", '{"kty":"EC"}']) {
      const file = desk("no.key", content);
      const key = ["--private-key-file", file, "--flow", "client-credentials"];
      const { code, stdout, stderr } = await home.run(login("none", "--client-id", "signer", ...key));
      assert.deepEqual([code, stdout], [2, ""], stderr);
      assert.doesNotMatch(stderr, /canary/);
      if (content !== "") assert.ok(stderr.includes(file), stderr);
    }
    assert.deepEqual(there.server.requests.slice(sent).filter(({ endpoint }) => endpoint === "token"), []);
  });

  it("--par pushes the request, and the browser sees a reference to it alone", async () => {
    const args = [
      "--client-id",
      "app",
      "--flow",
      "browser",
      "--par",
      "--no-open",
      "--scope",
      "openid profile",
    ];
    const running = home.start(login("web", ...args));
    const [, url] = await running.waitFor("stderr", /^ {4}(http\S+)$/m);
    const seen = new URL(url).searchParams;
    assert.deepEqual([...seen.keys()].sort(), ["client_id", "request_uri"]);
    const [pushed] = there.server.requests.filter(({ endpoint }) => endpoint === "pushed_authorization");
    assert.equal(pushed.status, 201);
    assert.deepEqual(
      ["response_type", "client_id", "code_challenge_method"].map((name) => pushed.parameters.get(name)),
      ["code", "app", "S256"],
    );
    assert.match(pushed.parameters.get("scope")!, /^openid profile/);
    for (const name of ["state", "nonce", "code_challenge"]) assert.ok(pushed.parameters.get(name), name);
    await arrive(await there.server.authorize(url));
    done(await running.ended);
    assert.equal(there.server.count("token", "authorization_code"), 1);

    // what was asked for once is remembered
    const again = home.start(["login", "web", "--no-open"]);
    const [, next] = await again.waitFor("stderr", /^ {4}(http\S+)$/m);
    assert.deepEqual([...new URL(next).searchParams.keys()].sort(), ["client_id", "request_uri"]);
    await arrive(await there.server.authorize(next));
    done(await again.ended);
  });

  it("--register makes a client that speaks for itself, with a secret that nobody typed", async () => {
    const register = ["--register", "--flow", "client-credentials"];
    const { stderr } = done(
      await home.run(login("robot", ...register), { env: { APEX_CLIENT_SECRET: "other" } }),
    );
    const [, clientId] = /Registered a client of your own: (\S+)\./.exec(stderr)!;
    assert.ok(there.server.clientIds.includes(clientId));
    done(await home.run(["get", "robot", "--force"]));
    const [id, secret] = atob(lastToken().headers.get("authorization")!.split(" ")[1]).split(":");
    assert.equal(id, clientId);
    assertNotUnder(home.path, secret);
  });
});

/** A JWK as `openssl genpkey` would have written it. */
async function pemOf({ kid: _kid, ...jwk }: JsonWebKey & { kid?: string }): Promise<string> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  const key = await crypto.subtle.importKey("jwk", jwk, algorithm, true, ["sign"]);
  const bytes = new Uint8Array(await crypto.subtle.exportKey("pkcs8", key));
  const lines = btoa(String.fromCharCode(...bytes)).match(/.{1,64}/g)!;
  return ["-----BEGIN PRIVATE KEY-----", ...lines, "-----END PRIVATE KEY-----", ""].join("\n");
}

function assertNotUnder(folder: string, secret: string): void {
  for (const name of readdirSync(folder, { recursive: true }) as string[]) {
    const path = join(folder, name);
    if (!statSync(path).isFile()) continue;
    assert.ok(!readFileSync(path, "latin1").includes(secret), path);
  }
}
