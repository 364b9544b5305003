import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { workerd } from "../../scripts/toolchain.ts";
import { type RunningProcess, startProcess } from "../process.ts";
import { bundle } from "./bundle.ts";
import { clientId, clientSecret, startTokenServer, type TokenServer } from "./token_server.ts";

/** No `compatibilityFlags`: above all no `nodejs_compat`. */
function configuration(issuer: string): string {
  const binding = (name: string, value: string) => `(name = "${name}", text = ${JSON.stringify(value)})`;
  return `
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "internet", network = (allow = ["local"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);

const worker :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = "2024-09-23",
  bindings = [
    ${binding("ISSUER", issuer)},
    ${binding("CLIENT_ID", clientId)},
    ${binding("CLIENT_SECRET", clientSecret)},
  ],
);
`;
}

interface Answer {
  readonly accessToken: string;
  readonly expiresAt: number;
  readonly extras: string[];
}

describe("mod.ts, bundled, in workerd without Node's modules", () => {
  let server: TokenServer;
  let folder: string;
  let process: RunningProcess;
  let port: number;

  before(async () => {
    server = await startTokenServer();
    folder = await mkdtemp(join(tmpdir(), "apex-token-workerd-"));
    const entry = fileURLToPath(new URL("worker.ts", import.meta.url));
    await bundle({ entry, outfile: join(folder, "worker.js") });
    await writeFile(join(folder, "config.capnp"), configuration(server.issuer));
    process = startProcess(workerd(), ["serve", "--control-fd=1", "config.capnp"], {
      cwd: folder,
      timeout: 900_000,
    });
    port = Number((await process.waitFor("stdout", /"socket":"http","port":(\d+)/))[1]);
  });

  after(async () => {
    process?.kill("SIGKILL");
    await process?.ended;
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });

  it("fetches a token with client credentials", async () => {
    const { accessToken, expiresAt, extras } = await ask("/");
    assert.deepEqual(server.accessTokens, [accessToken]);
    assert.equal(server.tokenRequests.at(-1)?.get("scope"), "openid roles");
    assert.ok(Math.abs(expiresAt - (Date.now() / 1000 + 300)) < 60, String(expiresAt));
    assert.deepEqual(extras, []);
  });

  it("gives requests that come at once, and later ones, a token from one shared source", async () => {
    const answers = await Promise.all([ask("/shared"), ask("/shared"), ask("/shared")]);
    for (const { accessToken } of answers) assert.ok(server.accessTokens.includes(accessToken));
    const requests = server.tokenRequests.length;
    // the second of them gets what was made ready for the first, a visitor who has left
    for (let later = 0; later < 3; later++) {
      const { accessToken } = await ask("/shared");
      assert.ok(answers.some((answer) => answer.accessToken === accessToken));
    }
    assert.equal(server.tokenRequests.length, requests);
  });

  function ask(path: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const sent = request({ host: "127.0.0.1", port, path, agent: false }, async (response) => {
        let text = "";
        response.setEncoding("utf8");
        for await (const chunk of response) text += chunk;
        if (response.statusCode === 200) resolve(JSON.parse(text));
        else reject(new Error(`${response.statusCode}: ${text}`));
      });
      sent.on("error", reject);
      sent.end();
    });
  }
});
