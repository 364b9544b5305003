/**
 * "Using the APEx Single Sign-On" at a real Keycloak: its command lines with nothing but the host changed.
 *
 * @module
 */

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { unverifiedClaims } from "../../../mod.ts";
import { freshBinary } from "../../cli/binary.ts";
import { installLiboidcagent, installPython } from "../../documents/liboidcagent.ts";
import { openShell, type Shell } from "../../documents/shell.ts";
import { runProcess, startProcess } from "../../process.ts";
import { type Chromium, consent, enterCode, logIn, startChromium } from "./chromium.ts";
import { keycloak } from "./place.ts";
import { PEOPLE, SECRETS } from "./realm.ts";

const APEX = "https://auth.apex.esa.int";
const GENERATE = "oidc-gen --pub apex_project_a --flow=device --client-id=project-a-catalogue-dev-api " +
  `--iss=${APEX}/realms/apex --scope=openid --redirect-url=""`;
const REQUEST = `import requests, os
scopes = ["openid", "roles" ]
token_response = requests.post(
    "${APEX}/realms/apex/protocol/openid-connect/token",
    data={
        "grant_type": "client_credentials",
        "client_id": os.environ["APEX_CLIENT_ID"],
        "client_secret": os.environ["APEX_CLIENT_SECRET"],
        "scope": " ".join(scopes),
    }
).json()
access_token = token_response["access_token"]
print(access_token)
`;

describe("the document on APEx's single sign-on, at Keycloak", () => {
  const place = keycloak();
  const home = mkdtempSync(join(tmpdir(), "apex-token-document-"));
  const links = join(home, "links");
  const here = (text: string) => text.replaceAll(APEX, new URL(place.issuer).origin);
  let chromium: Chromium;
  let shell: Shell;

  before(async () => {
    mkdirSync(links);
    const linked = await runProcess(await freshBinary(), ["agent", "links", links], { env: { HOME: home } });
    assert.equal(linked.code, 0, linked.stderr);
    chromium = await startChromium();
    shell = await openShell({ home, links, start: startProcess }, {
      SSL_CERT_FILE: place.authorityFile,
      REQUESTS_CA_BUNDLE: place.authorityFile,
      LC_ALL: "C.UTF-8",
    });
  });
  after(async () => {
    await shell?.type("oidc-agent-service stop");
    await shell?.end();
    await chromium?.close();
    rmSync(home, { recursive: true, force: true });
  });

  const claims = (seen: string) => unverifiedClaims(seen.trim())!;

  it("starts the agent, and makes the account with a device code on Keycloak's page", async () => {
    assert.match((await shell.type("eval `oidc-agent-service start`")).seen, /^\d+\n$/);
    const { seen, code } = await shell.type(
      here(GENERATE),
      [/And enter the code: (\S+)/, async ([, userCode]) => {
        const page = await chromium.open(`${place.issuer}/device`);
        await enterCode(page, userCode);
        await logIn(page, PEOPLE.alice);
        await consent(page, "yes");
      }],
      [/Enter encryption password for account configuration 'apex_project_a': /, "correct horse\n"],
      [/Confirm encryption Password: /, "correct horse\n"],
    );
    assert.equal(code, 0, seen);
    assert.match(seen, /Everything setup correctly!\n$/);
  });

  it("prints a token on the command line, and renews it under strict rotation", async () => {
    const { seen, code } = await shell.type("oidc-token apex_project_a");
    assert.equal(code, 0, seen);
    assert.equal(claims(seen).azp, "project-a-catalogue-dev-api");
    assert.equal((await shell.type("oidc-token apex_project_a")).seen, seen);
    for (let round = 0; round < 3; round++) {
      const { seen: renewed, code } = await shell.type("oidc-token -f apex_project_a");
      assert.equal(code, 0, renewed);
      assert.notEqual(claims(renewed).jti, claims(seen).jti);
    }
  });

  it("gives a token to the document's Python", async () => {
    const lines = "import liboidcagent as agent\n\n" +
      'token, issuer, expires_at = agent.get_token_response("apex_project_a")\n' +
      "print(token, issuer, expires_at)\n";
    writeFileSync(join(home, "lines.py"), lines);
    const { seen, code } = await shell.type(`PYTHONPATH=${await installLiboidcagent()} python3 ~/lines.py`);
    assert.equal(code, 0, seen);
    const [token, issuer] = seen.trim().split(" ");
    assert.equal(issuer.replace(/\/$/, ""), place.issuer);
    assert.equal(claims(token).preferred_username, "alice");
  });

  it("gives a service the same roles that the document's script gets, from the same two variables", async () => {
    writeFileSync(
      join(home, "secret.sh"),
      `export APEX_CLIENT_ID=apex-service APEX_CLIENT_SECRET='${SECRETS.service}'\n`,
    );
    writeFileSync(join(home, "request.py"), here(REQUEST));
    await shell.type(". ~/secret.sh");
    const theirs = await shell.type(
      `PYTHONPATH=${await installPython("requests", "2.34.2")} python3 ~/request.py`,
    );
    assert.equal(theirs.code, 0, theirs.seen);
    const ours = await shell.type(`APEX_ISSUER=${place.issuer} ${await freshBinary()} get`);
    assert.equal(ours.code, 0, ours.seen);
    const [one, other] = [claims(theirs.seen), claims(ours.seen)];
    for (const name of ["iss", "azp", "sub", "scope", "realm_access"]) {
      assert.deepEqual(other[name], one[name], name);
    }
  });
});
