import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { accountFiles } from "../../lib/agent/account_files.ts";
import { workstation } from "../../lib/host/host.ts";
import { arrive } from "../cli/sign_in.ts";
import { freePort } from "../free_port.ts";
import { type IndigoIam, startIndigoIam } from "../interop/indigo_iam.ts";
import { type RunningProvider, startProvider } from "../interop/oidc_provider.ts";
import { type ProcessResult, type RunningProcess, startProcess } from "../process.ts";
import { ORIGINAL } from "./account_machine.ts";
import { type AgentMachine, agentMachine } from "./agent_machine.ts";

const PASSWORD = "--pw-env=PW";

describe("the original oidc-gen, making accounts through this agent", () => {
  let place: AgentMachine;
  let provider: RunningProvider;
  let iam: IndigoIam;
  let env: Record<string, string>;
  before(async () => {
    provider = await startProvider({ interval: 1 });
    iam = await startIndigoIam();
    place = await agentMachine({ host: { fetch: workstation().fetch } });
    env = { OIDC_SOCK: await place.listen(), PW: "pw1" };
  });
  after(async () => {
    place?.close();
    await iam?.close();
    await provider?.close();
  });

  const run = (tool: string, ...args: string[]) => place.machine.run(`${ORIGINAL}${tool}`, args, { env });
  const gen = (...args: string[]): RunningProcess =>
    startProcess(`${ORIGINAL}oidc-gen`, [...args, PASSWORD], {
      env: { ...env, HOME: place.machine.home },
      timeout: 110_000,
    });
  const done = (result: ProcessResult) => {
    assert.equal(result.code, 0, result.stderr + result.stdout);
    return result;
  };
  const client = (id: string) => ["--pub", `--client-id=${id}`, `--iss=${provider.issuer}`, "--scope=openid"];
  const device = (name: string) => [name, "--flow=device", ...client("project-a-catalogue-dev-api")];
  const shown = async (running: RunningProcess) => {
    const [, page] = await running.waitFor("stderr", /visit:\n(http\S+)\n/);
    const [, userCode] = await running.waitFor("stderr", /And enter the code: (\S+)\n/);
    return { page, userCode };
  };
  const approved = async (running: RunningProcess, deny = false) => {
    const { page, userCode } = await shown(running);
    await provider.approveDevice(page, { userCode, deny });
    return await running.ended;
  };
  const printed = async (name: string) =>
    JSON.parse(done(await run("oidc-gen", "-p", name, PASSWORD)).stdout);

  it("by a device code: the account is loaded, in its file and among its issuer's", async () => {
    const { stdout } = done(await approved(gen(...device("device"), "--redirect-url=")));
    assert.equal(
      stdout,
      "No account exists with this short name. Creating new configuration ...\n" +
        "Generating account configuration ...\naccepted\nEverything setup correctly!\n",
    );
    const token = done(await run("oidc-token", "device")).stdout;
    assert.match(token, /^ey\S+\n$/);
    const { refresh_token, client_id } = await printed("device");
    assert.equal(client_id, "project-a-catalogue-dev-api");
    assert.match(refresh_token, /\S/);
    assert.match(done(await run("oidc-add", "-l")).stdout, /^device$/m);
    const settings = accountFiles(place.host).issuers().find(({ accounts }) => accounts.includes("device"));
    assert.equal(settings?.issuer.replace(/\/$/, ""), provider.issuer);
  });

  it("loses no refresh token that rotates, also when the account is loaded anew", async () => {
    const before = done(await run("oidc-token", "device")).stdout;
    assert.notEqual(done(await run("oidc-token", "-f", "device")).stdout, before);
    done(await run("oidc-add", "-r", "device"));
    done(await run("oidc-add", "device", PASSWORD));
    assert.match(done(await run("oidc-token", "-f", "device")).stdout, /^ey/);
    assert.deepEqual(provider.faults, []);
  });

  it("signs in again, with the same account", async () => {
    const { refresh_token } = await printed("device");
    done(await approved(gen("--reauthenticate", "--flow=device", "device")));
    assert.notEqual((await printed("device")).refresh_token, refresh_token);
    assert.match(done(await run("oidc-token", "-f", "device")).stdout, /^ey/);
  });

  it("says what the person said", async () => {
    const { code, stderr } = await approved(gen(...device("refused"), "--redirect-url="), true);
    assert.equal(code, 1);
    assert.match(stderr, /\nError: access_denied: End-User aborted interaction\n/);
    assert.equal((await run("oidc-token", "refused")).code, 1);
  });

  it("by an authorization code, which the browser brings to the agent", async () => {
    const ports = [`--port=${await freePort()}`, `--port=${await freePort()}`];
    const running = gen("code", "--flow=code", ...client("browser-client"), ...ports, "--no-url-call");
    const [, url] = await running.waitFor("stderr", /of your choice:\n(http\S+)\n/);
    await arrive(await provider.authorize(url, { deliver: false }));
    const { stdout } = done(await running.ended);
    assert.match(stdout, /\naccepted\nsuccess\n[^]*Everything setup correctly!\n$/);
    assert.match(done(await run("oidc-token", "code")).stdout, /^ey/);
    assert.equal((await printed("code")).client_id, "browser-client");
  });

  it("registers a client at an IAM, and deletes account and client again", async () => {
    const running = gen("wlcg", "--flow=device", `--iss=${iam.issuer}`, "--scope=max");
    iam.server.approveDevice((await shown(running)).userCode);
    const { stdout, stderr } = done(await running.ended);
    assert.match(stdout, /^Registering Client \.\.\.\n[^]*accepted\n[^]*Everything setup correctly!\n$/);
    assert.doesNotMatch(stderr, /Error/);
    assert.equal(iam.server.clientIds.length, 1);
    assert.match((await printed("wlcg")).registration_access_token, /\S/);
    assert.match(done(await run("oidc-token", "-s", "storage.read:/", "wlcg")).stdout, /^ey/);
    const deleted = done(await gen("-d", "wlcg", "--confirm-yes").ended);
    assert.match(deleted.stdout, /Successfully deleted account configuration\.\n$/);
    assert.deepEqual(iam.server.clientIds, []);
    assert.equal((await run("oidc-token", "wlcg")).code, 1);
  });
});
