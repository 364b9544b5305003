import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { decoded } from "../jwt.ts";
import { type RunningProvider, SERVICE_SECRET, startProvider } from "../interop/oidc_provider.ts";
import { type Machine, makeMachine, quickVariant } from "./machine.ts";
import { at, done, refused, signIn, signInService } from "./sign_in.ts";

describe("which profile is meant", () => {
  let provider: RunningProvider;
  let machine: Machine;
  let client: Record<string, string>;

  before(async () => {
    provider = await startProvider();
    client = {
      APEX_CLIENT_ID: "apex-service",
      APEX_CLIENT_SECRET: SERVICE_SECRET,
      APEX_ISSUER: provider.issuer,
    };
    machine = await makeMachine(quickVariant);
    await signIn(machine, provider, "first");
    await signIn(machine, provider, "second");
    await signInService(machine, provider, "third");
  });
  after(async () => {
    await provider.close();
    machine.close();
  });

  const profileOf = async (args: string[], env?: Record<string, string>) =>
    JSON.parse(done(await machine.run(["get", ...args, "-o", "json"], { env })).stdout).profile;

  it("is the one that is named, whatever else is set", async () => {
    const env = { ...client, APEX_TOKEN_PROFILE: "first" };
    assert.equal(await profileOf(["second"], env), "second");
  });

  it("is that of APEX_TOKEN_PROFILE, before a client in the environment", async () => {
    assert.equal(await profileOf([], { ...client, APEX_TOKEN_PROFILE: "third" }), "third");
    refused(
      await machine.run(["get"], { env: { APEX_TOKEN_PROFILE: "gone" } }),
      2,
      /There is no profile "gone"/,
    );
    assert.equal(await profileOf([], { APEX_TOKEN_PROFILE: "" }), "first", "an empty one is none");
  });

  it("is the client in the environment, before the default profile", async () => {
    const args = ["get", "-o", "json", "--allow-insecure-loopback"];
    const answer = JSON.parse(done(await machine.run(args, { env: client })).stdout);
    assert.equal(answer.profile, null);
    assert.equal(decoded(answer.access_token).claims.client_id, "apex-service");
    const narrowed = [...args, "-s", "roles", "--aud", "catalogue"];
    const { claims: payload } = decoded(
      JSON.parse(done(await machine.run(narrowed, { env: client })).stdout).access_token,
    );
    assert.deepEqual([payload.scope, payload.aud], ["roles", "catalogue"]);
  });

  it("is the default profile: the first that was made", async () => {
    assert.equal(await profileOf([]), "first");
  });

  it("has to be named when there are several and none is the default", async () => {
    rmSync(join(machine.home, ".config/apex-token/default"));
    refused(
      await machine.run(["get"]),
      2,
      /There are several profiles and none is the default/,
      /Name one: apex-token get first, apex-token get second, apex-token get third$/m,
    );
    assert.equal(await profileOf(["third"]), "third");
    refused(
      await machine.run(["inspect"]),
      2,
      /There are several profiles and none is the default/,
      /Name one: first, second, third\.$/m,
    );
  });

  it("cannot be any when there is none: the first thing to do is named", async () => {
    const empty = await makeMachine(quickVariant);
    try {
      for (const command of ["get", "inspect", "userinfo", "revoke"]) {
        refused(
          await empty.run([command]),
          4,
          /Nobody has signed in here yet/,
          /^Run: apex-token login NAME --issuer URL --client-id ID$/m,
        );
      }
    } finally {
      empty.close();
    }
  });

  it("is the only one when there is one", async () => {
    done(await machine.run(["remove", "first"]));
    done(await machine.run(["remove", "third"]));
    assert.equal(await profileOf([]), "second");
  });

  it("keeps its settings when it is signed in again", async () => {
    const scope = ["--scope", "openid profile", "--no-offline"];
    await signIn(machine, provider, "kept", scope);
    const again = ["login", "kept", "--password-file", "-"];
    done(await machine.run(again, { stdin: "wonderland" }));
    const { parameters } = provider.requests.findLast(({ grantType }) => grantType === "password")!;
    assert.equal(parameters.get("scope"), "openid profile", "without offline_access, as it was said once");
    // the same command line as the first time, with one thing changed
    await signIn(machine, provider, "kept", ["--scope", "openid email"]);
    const changed = provider.requests.findLast(({ grantType }) => grantType === "password")!;
    assert.equal(changed.parameters.get("scope"), "openid email");
    done(await machine.run([...again, "--offline"], { stdin: "wonderland" }));
    const lasting = provider.requests.findLast(({ grantType }) => grantType === "password")!;
    assert.equal(lasting.parameters.get("scope"), "openid email offline_access");
  });

  it("keeps a client secret that was typed, and forgets it with the client", async () => {
    const post = ["--client-id", "apex-service-post", "--auth-method", "client_secret_post"];
    done(
      await machine.run(["login", "s", ...at(provider), ...post, "--secret-file", "-"], {
        stdin: SERVICE_SECRET,
      }),
    );
    done(await machine.run(["login", "s"]));
    assert.equal((await machine.session("s")).clientSecret, SERVICE_SECRET);
    refused(await machine.run(["login", "s", "--client-id", "apex-service"]), 2, /the client has no secret/);
  });

  it("takes the secret of the environment for its own client only", async () => {
    const args = [
      "login",
      "e",
      ...at(provider),
      "--client-id",
      "apex-service",
      "--flow",
      "client-credentials",
    ];
    const { APEX_CLIENT_SECRET } = client;
    const other = { APEX_CLIENT_SECRET, APEX_CLIENT_ID: "somebody-else" };
    const requests = provider.count("/token");
    refused(await machine.run(args, { env: other }), 2, /the client has no secret/);
    assert.equal(provider.count("/token"), requests);
    done(await machine.run(args, { env: { APEX_CLIENT_SECRET } }));
    done(await machine.run(["get", "e", "--force"]));
  });

  it("is an issuer's preset by its name: login apex needs no --issuer", async () => {
    // nobody asks the real server: the name is understood, and the next thing that is missing is named
    refused(
      await machine.run(["login", "wlcg"]),
      2,
      /A client id is needed: register a client in the IAM's web page/,
    );
  });
});
