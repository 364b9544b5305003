import assert from "node:assert/strict";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { agent } from "../../lib/agent/client.ts";
import { defaultSocket, keysSocket } from "../../lib/agent/default_socket.ts";
import { agentKeyHolder } from "../../lib/agent/key_holder.ts";
import { serveAgent } from "../../lib/agent/server.ts";
import { makeMachine, quickVariant } from "../cli/machine.ts";
import { done, refused, signIn } from "../cli/sign_in.ts";
import { startProvider } from "../interop/oidc_provider.ts";
import { type AgentMachine, agentMachine } from "./agent_machine.ts";

const KEY = Uint8Array.from({ length: 32 }, (_, at) => at);

async function withKeys(work: (place: AgentMachine) => Promise<void>): Promise<void> {
  const place = await agentMachine();
  const path = keysSocket(defaultSocket(place.host));
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const server = serveAgent({ answer: place.agent.keys.answer, permits: () => true });
  await new Promise<void>((listening) => server.listen(path, listening));
  try {
    await work(place);
  } finally {
    server.close();
    place.close();
  }
}

describe("the agent as the holder of keys", () => {
  it("holds a key from one command to the next, until it is told to forget it", async () => {
    await withKeys(async ({ host }) => {
      const holder = agentKeyHolder(host);
      assert.equal(await holder.get("a"), undefined);
      await holder.put("a", KEY);
      assert.deepEqual(await agentKeyHolder(host).get("a"), KEY);
      assert.equal(await holder.get("b"), undefined);
      await holder.forget("a");
      assert.equal(await holder.get("a"), undefined);
    });
  });

  it("gives none on the socket that is forwarded, and none while it is locked", async () => {
    await withKeys(async (place) => {
      const holder = agentKeyHolder(place.host);
      await holder.put("a", KEY);
      const forwarded = agent({ socket: await place.listen() });
      assert.equal((await forwarded.request({ request: "key_get", id: "a" })).status, "failure");
      await place.ask({ request: "lock", password: "x" });
      assert.equal(await holder.get("a"), undefined);
      await place.ask({ request: "unlock", password: "x" });
      assert.equal(await holder.get("a"), undefined);
    });
  });

  it("holds nothing where no agent runs, and takes no key of another length", async () => {
    await withKeys(async ({ host }) => {
      const holder = agentKeyHolder(host);
      await holder.put("a", new Uint8Array(31));
      assert.equal(await holder.get("a"), undefined);
    });
    const place = await agentMachine();
    const holder = agentKeyHolder(place.host);
    await holder.put("a", KEY);
    assert.equal(await holder.get("a"), undefined);
    place.close();
  });

  it("opens a profile for the commands that come after the one that knew the passphrase", async () => {
    const machine = await makeMachine(quickVariant);
    const provider = await startProvider();
    const env = { TMPDIR: machine.home };
    const file = join(machine.home, "passphrase");
    writeFileSync(file, "correct horse battery staple\n");
    const get = (...more: string[]) => machine.run(["get", "p", "--force", ...more], { env });
    try {
      done(await machine.run(["agent", "start"], { env }));
      await signIn(machine, provider, "p", ["--protect", "passphrase", "--passphrase-file", file]);
      done(await get("--passphrase-file", file));
      const token = done(await get()).stdout;
      assert.match(token, /\S/);
      // a cached token needs nothing else
      const profile = join(machine.home, ".config/apex-token/profiles/p.json");
      const whole = readFileSync(profile);
      const cached = () => machine.run(["get", "p"], { env });
      writeFileSync(profile, "{ broken");
      assert.equal(done(await cached()).stdout, token);
      writeFileSync(profile, whole);
      done(await machine.run(["agent", "stop"], { env }));
      refused(await get(), 7, /needs a passphrase/);
      refused(await cached(), 7, /needs a passphrase/);
    } finally {
      await machine.run(["agent", "stop"], { env });
      await provider.close();
      machine.close();
    }
  });

  it("has its socket beside the agent's, closed to others", async () => {
    const machine = await makeMachine();
    const env = { TMPDIR: machine.home };
    try {
      const { stdout } = done(await machine.run(["agent", "start"], { env }));
      const [, socket] = /OIDC_SOCK=([^;]+)/.exec(stdout)!;
      assert.equal(statSync(keysSocket(socket)).mode & 0o777, 0o600);
    } finally {
      done(await machine.run(["agent", "stop"], { env }));
      machine.close();
    }
  });
});
