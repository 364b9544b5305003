import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type RunningProvider, startProvider } from "../interop/oidc_provider.ts";
import { type Machine, makeMachine, quickVariant } from "./machine.ts";
import { at, refused, signIn } from "./sign_in.ts";

describe("a wrong command line ends with 2", () => {
  // words are understood in the same way everywhere
  let person: Machine;
  let nobody: Machine;
  let provider: RunningProvider;

  before(async () => {
    provider = await startProvider();
    person = await makeMachine(quickVariant);
    nobody = await makeMachine(quickVariant);
    await signIn(person, provider, "person");
  });
  after(async () => {
    await provider.close();
    person.close();
    nobody.close();
  });

  const rows: [what: string, args: string[], says: RegExp, nextStep: RegExp][] = [
    ["an unknown flag", ["get", "--loud"], /Unknown option '--loud'/, /See: apex-token get --help/],
    ["a flag that is nearly right", ["get", "--forse"], /Unknown option '--forse'/, /Did you mean --force\?/],
    ["an unknown command", ["gte"], /Unknown command 'gte'/, /Did you mean get\?/],
    ["an output form that is none", ["get", "-o", "xml"], /'xml' is invalid/, /token, json, header, env/],
    ["a time that is none", ["get", "--min-validity", "5m"], /'5m' is invalid/, /A whole number of seconds/],
    ["an empty scope", ["get", "-s", " "], /argument ' ' is invalid/, /A scope is needed/],
    ["two audiences", ["get", "--aud", "a", "--aud", "b"], /'b' is invalid/, /only once/],
    [
      "the implicit flow",
      ["login", "x", "--flow", "implicit"],
      /others can read them/,
      /use browser or device/,
    ],
    ["the hybrid flow", ["login", "x", "--flow", "hybrid"], /others can read them/, /use browser or device/],
    ["an unknown profile", ["get", "nobody"], /There is no profile "nobody"/, /The profiles are: person\./],
    [
      "an unknown profile to show",
      ["show", "nobody"],
      /There is no profile "nobody"/,
      /The profiles are: person/,
    ],
    ["an unknown profile to remove", ["remove", "nobody"], /no profile "nobody"/, /The profiles are: person/],
    ["a profile without an issuer", ["login", "x"], /no profile "x"/, /apex-token login x --issuer URL/],
    [
      "no profile at all",
      ["login"],
      /A name for the profile is needed/,
      /For example: apex-token login apex/,
    ],
    [
      "a bad name",
      ["login", "../x", "--issuer", "apex"],
      /Cannot use "\.\.\/x" as the name/,
      /A to Z, a to z, 0 to 9, dot, hyphen and underscore, with no dot or hyphen in front/,
    ],
    [
      "an issuer that is no URL",
      ["login", "x", "--issuer", "apx", "--client-id", "c"],
      /named "apx"/,
      /apex, cdse/,
    ],
    [
      "an http issuer",
      ["login", "x", "--issuer", "http://sso.example.org", "--client-id", "c"],
      /http:\/\/sso\.example\.org is not https/,
      /Use an https URL/,
    ],
    [
      "a redirect URI of another machine",
      ["login", "x", "--issuer", "apex", "--client-id", "c", "--redirect-uri", "https://example.org/"],
      /Cannot listen on the redirect URI/,
      /http:\/\/127\.0\.0\.1:4242\/callback/,
    ],
    [
      "a protection that is none",
      ["login", "x", "--issuer", "apex", "--client-id", "c", "--protect", "hope"],
      /Cannot protect a sign-in with "hope"/,
      /keyring, key-file, key-file=PATH, passphrase, systemd-creds or memory/,
    ],
    [
      "a path for a protection that has none",
      ["login", "x", "--issuer", "apex", "--client-id", "c", "--protect", "keyring=/path"],
      /Cannot protect a sign-in with "keyring=\/path"/,
      /Use --protect keyring/,
    ],
    [
      "a key file without its path",
      ["login", "x", "--issuer", "apex", "--client-id", "c", "--protect", "key-file="],
      /Cannot protect a sign-in with "key-file="/,
      /key-file=PATH/,
    ],
    [
      "a proof without its key",
      [
        ...["login", "x", "--issuer", "apex", "--client-id", "c", "--auth-method", "private_key_jwt"],
        ...["--protect", "key-file"],
      ],
      /Cannot use private_key_jwt without a private key/,
      /--private-key-file FILE/,
    ],
    [
      "a proof without its secret",
      [
        ...["login", "x", "--issuer", "apex", "--client-id", "c", "--auth-method", "client_secret_post"],
        ...["--protect", "key-file"],
      ],
      /Cannot use client_secret_post without a client secret/,
      /--secret-file FILE/,
    ],
    [
      "help for a command that there is not",
      ["help", "gte"],
      /Unknown command 'gte'/,
      /Did you mean get\?[^]*See: apex-token --help/,
    ],
    [
      "help for a command below another that there is not",
      ["agent", "help", "strat"],
      /Unknown command 'strat'/,
      /Did you mean start\?[^]*See: apex-token agent --help/,
    ],
    [
      "a flag of a command below another that is nearly right",
      ["agent", "start", "--grop", "x"],
      /Unknown option '--grop'/,
      /Did you mean --group\?[^]*See: apex-token agent start --help/,
    ],
    [
      "an issuer with a password in it",
      ["login", "x", "--issuer", "https://me:hunter2@sso.example.org/", "--client-id", "c"],
      /https:\/\/sso\.example\.org has a user name, a password or a fragment/,
      /nothing but a host and a path/,
    ],
    ["half a command", ["agent"], /A command is needed after 'agent'/, /See: apex-token agent --help/],
    [
      "a preset without a client id",
      ["login", "--issuer", "wlcg"],
      /A client id is needed/,
      /--client-id ID/,
    ],
    [
      "an empty client id, as a variable that is not set gives one",
      ["login", "x", "--issuer", "apex", "--client-id", ""],
      /argument '' is invalid/,
      /It must not be empty/,
    ],
    [
      "no client id",
      ["login", "x", "--issuer", "apex"],
      /A client id is needed/,
      /Give it with --client-id ID/,
    ],
  ];
  for (const [what, args, says, nextStep] of rows) {
    it(what, async () => {
      const requests = provider.requests.length;
      refused(await person.run(args), 2, says, nextStep);
      assert.equal(provider.requests.length, requests);
    });
  }

  it("no password, no account, no client secret where nobody can be asked", async () => {
    const args = ["login", "x", ...at(provider), "--client-id", "any", "--flow"];
    const [password, account, secret] = await Promise.all([
      nobody.run([...args, "password", "--username", "alice"]),
      nobody.run([...args, "password", "--password-file", "-"], { stdin: "wonderland" }),
      nobody.run([...args, "client-credentials"]),
    ]);
    refused(password, 2, /a password is needed and nobody can be asked/, /--password-file FILE/);
    refused(account, 2, /without the name of an account/, /--username NAME/);
    refused(secret, 2, /the client has no secret/, /--secret-file FILE/);
  });

  it("half a client in the environment", async () => {
    const [id, secret, idToken] = await Promise.all([
      nobody.run(["get"], { env: { APEX_CLIENT_ID: "c" } }),
      nobody.run(["get"], { env: { APEX_CLIENT_SECRET: "s" } }),
      nobody.run(["get", "--id-token"], { env: { APEX_CLIENT_ID: "c", APEX_CLIENT_SECRET: "s" } }),
    ]);
    refused(id, 2, /APEX_CLIENT_SECRET is not set/, /Set both/);
    refused(secret, 2, /APEX_CLIENT_ID is not set/, /Set both/);
    refused(idToken, 2, /nobody signs in/, /Leave --id-token out/);
  });

  it("an audience at a Keycloak, which sets them by client scope", async () => {
    const keycloak = await startProvider({ path: "/realms/x" });
    const other = await makeMachine(quickVariant);
    try {
      await signIn(other, keycloak, "kc");
      const requests = keycloak.requests.length;
      refused(
        await other.run(["get", "kc", "--aud", "catalogue"]),
        2,
        /Cannot ask for an audience: 127\.0\.0\.1:\d+ is a Keycloak, which sets audiences by client scope\./,
        /Leave --aud out/,
      );
      assert.equal(keycloak.requests.length, requests);
    } finally {
      await keycloak.close();
      other.close();
    }
  });

  it("a secret where there is no option for it is not repeated", async () => {
    const { stderr } = refused(
      await person.run(["login", "x", "--client-secret=hunter2"]),
      2,
      /'--client-secret'/,
    );
    assert.ok(!stderr.includes("hunter2"));
    for (const args of [["list", "hunter2", "swordfish"], ["agent", "start", "--password=hunter2"]]) {
      assert.ok(!refused(await person.run(args), 2).stderr.includes("hunter2"), args.join(" "));
    }
  });
});
