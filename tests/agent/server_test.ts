import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, afterEach, describe, it } from "node:test";
import { agent } from "../../lib/agent/client.ts";
import { loadPeerCredentials } from "../../lib/agent/peer.ts";
import type { AgentReply, AgentRequest } from "../../lib/agent/requests.ts";
import { type Asker, serveAgent, type ServeOptions } from "../../lib/agent/server.ts";
import { currentRuntime } from "../process.ts";

const folder = mkdtempSync(join(tmpdir(), "apex-token-agent-"));
const open: (() => void)[] = [];
let count = 0;

after(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => {
  for (const close of open.splice(0)) close();
});

type Answer = (request: AgentRequest, asker: Asker) => Promise<AgentReply> | AgentReply;

async function serve(answer: Answer, options: Partial<ServeOptions> = {}): Promise<string> {
  const path = join(folder, `${count++}.sock`);
  const server: Server = serveAgent({
    permits: () => true,
    ...options,
    answer: async (request, asker) => await answer(request, asker),
  });
  await new Promise<void>((done) => server.listen(path, done));
  open.push(() => server.close());
  return path;
}

async function connected(path: string): Promise<Socket> {
  const socket = connect({ path });
  open.push(() => socket.destroy());
  await new Promise<void>((done, fail) => socket.on("connect", done).on("error", fail));
  return socket;
}

/** All that comes until the other side ends. */
function heard(socket: Socket): Promise<string> {
  return new Promise((done) => {
    let text = "";
    socket.on("data", (piece: Uint8Array) => text += new TextDecoder().decode(piece));
    socket.on("close", () => done(text));
    socket.on("error", () => {});
  });
}

const echo: Answer = (request) => ({ status: "success", echo: request });

describe("serveAgent", () => {
  it("answers plain and encrypted requests alike", async () => {
    const socket = await serve(echo);
    const request = { request: "check", text: "ü€".repeat(3000) };
    for (const encrypted of [true, false]) {
      assert.deepEqual(await agent({ socket, encrypted }).request(request), {
        status: "success",
        echo: request,
      });
    }
  });

  it("answers a client that closes its half, and one that sends byte by byte", async () => {
    const path = await serve(echo);
    const half = await connected(path);
    const answer = heard(half);
    half.end('{"request":"check"}\n');
    assert.equal(await answer, '{"status":"success","echo":{"request":"check"}}');
    const slow = await connected(path);
    const slowAnswer = heard(slow);
    for (const character of '{"request":"x"}') slow.write(character);
    assert.equal(await slowAnswer, '{"status":"success","echo":{"request":"x"}}');
  });

  it("says what it cannot understand, and drops a client that names an absurd length", async () => {
    const path = await serve(echo);
    const say = async (text: string) => {
      const socket = await connected(path);
      const answer = heard(socket);
      socket.write(text);
      return await answer;
    };
    assert.equal(await say("{}"), '{"status":"failure","error":"Bad Request: No request type."}');
    assert.match(await say('{"request":}'), /could not parse json/);
    assert.match(await say("not a key at all"), /malformed/);
    assert.match(await say("AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), /suspicious public key/);
    const socket = await connected(path);
    const answer = heard(socket);
    socket.write("B6N8vBQgk8i3VdwbEOhstCY3StFqqFPtC9/AsrhtHHw=");
    socket.write("999999999:");
    assert.match(await answer, /^[A-Za-z0-9+/]{43}=$/);
  });

  it("is held up by no client that stalls", async () => {
    const path = await serve(echo);
    for (const beginning of ["", "{", "B6N8vBQgk8i3VdwbEOhstCY3StFqqFPtC9/AsrhtHHw="]) {
      for (let at = 0; at < 50; at++) (await connected(path)).write(beginning);
    }
    assert.equal((await agent({ socket: path }).request({ request: "check" })).status, "success");
  });

  it("drops the client that has stalled longest when there are very many", async () => {
    const path = await serve(echo);
    const first = await connected(path);
    const end = heard(first);
    first.write("{");
    for (let at = 0; at < 513; at++) await connected(path);
    assert.equal(await end, "");
    assert.equal((await agent({ socket: path }).request({ request: "check" })).status, "success");
  });

  it("drops a client whose time is up", async () => {
    const path = await serve(echo, { patience: 20 });
    const socket = await connected(path);
    socket.write("{");
    assert.equal(await heard(socket), "");
  });

  it("answers one while another waits for its answer", async () => {
    let release = () => {};
    let asked = () => {};
    const isAsked = new Promise<void>((done) => asked = done);
    const path = await serve(async (request) => {
      if (request.request === "slow") {
        await new Promise<void>((done) => {
          release = done;
          asked();
        });
      }
      return { status: "success" };
    });
    const slow = agent({ socket: path }).request({ request: "slow" });
    await isAsked;
    assert.equal((await agent({ socket: path }).request({ request: "quick" })).status, "success");
    release();
    assert.equal((await slow).status, "success");
  });

  it("tells when the client has gone", async () => {
    let gone: AbortSignal | undefined;
    let asked = () => {};
    const isAsked = new Promise<void>((done) => asked = done);
    const path = await serve(async (_, asker) => {
      gone = asker.gone;
      asked();
      await new Promise<void>((done) => asker.gone.addEventListener("abort", () => done()));
      return { status: "success" };
    });
    const socket = await connected(path);
    socket.write('{"request":"ask"}');
    await isAsked;
    const aborted = new Promise<void>((done) => gone!.addEventListener("abort", () => done()));
    socket.destroy();
    await aborted;
  });

  it("reports a fault of its own without its words", async () => {
    const path = await serve(() => {
      throw new Error("with a secret");
    });
    const reply = await agent({ socket: path }).request({ request: "check" });
    assert.deepEqual(reply, { status: "failure", error: "internal error" });
  });

  it("knows the process at the other end, where the runtime can tell, and asks whether it may", async () => {
    const knows = loadPeerCredentials();
    assert.equal(knows, process.platform === "linux" && currentRuntime() !== "node");
    const path = await serve((_, { peer }) => ({ status: "success", peer }));
    const { peer } = await agent({ socket: path }).request({ request: "check" });
    assert.deepEqual(peer, knows ? { pid: process.pid, uid: process.getuid!() } : undefined);
    const closed = await serve(echo, { permits: () => false });
    assert.match(
      String((await agent({ socket: closed }).request({ request: "check" })).error),
      /permission denied/,
    );
  });
});

describe("agent", () => {
  it("gets a token by account and by issuer, with everything that was asked for", async () => {
    const requests: AgentRequest[] = [];
    const socket = await serve((request) => {
      requests.push(request);
      return { status: "success", access_token: "at", issuer: "https://i.example", expires_at: 7 };
    });
    const token = { accessToken: "at", issuer: "https://i.example", expiresAt: 7 };
    assert.deepEqual(await agent({ socket }).getTokenResponse("a"), token);
    const client = agent({ socket, applicationHint: "test" });
    const options = { scope: "s", audience: "aud", minValidity: 60 };
    assert.equal(await client.getToken({ issuer: "https://i.example" }, options), "at");
    await client.getToken("a", { force: true });
    assert.deepEqual(requests, [
      { request: "access_token", account: "a", min_valid_period: 0 },
      {
        request: "access_token",
        issuer: "https://i.example",
        scope: "s",
        application_hint: "test",
        audience: "aud",
        min_valid_period: 60,
      },
      { request: "access_token", account: "a", application_hint: "test", min_valid_period: -1 },
    ]);
  });

  it("gives the agent's words and help, made safe", async () => {
    const socket = await serve(() => ({
      status: "failure",
      error: "account not loaded\x1b[31m",
      info: "one\ntwo",
    }));
    await assert.rejects(agent({ socket }).getToken("a"), (error: Error & Record<string, unknown>) => {
      assert.equal(error.code, "unknown_profile");
      assert.ok(!error.message.includes("\x1b"));
      assert.equal(error.nextStep, "one\ntwo");
      return true;
    });
  });

  it("says that no agent is there, and never talks to something else", async () => {
    await assert.rejects(agent({ socket: join(folder, "nothing") }).getToken("a"), { code: "unavailable" });
    await assert.rejects(agent({ socket: folder }).getToken("a"), { code: "storage" });
    const babble = await serve(() => ({ status: "success" }));
    await assert.rejects(agent({ socket: babble }).getToken("a"), { code: "invalid_response" });
  });

  it("ends its wait at the signal and at the timeout", async () => {
    const socket = await serve(() => new Promise(() => {}));
    const abort = new AbortController();
    const waiting = agent({ socket }).getToken("a", { signal: abort.signal });
    abort.abort();
    await assert.rejects(waiting, { code: "aborted" });
    await assert.rejects(agent({ socket, timeout: 10 }).getToken("a"), { code: "timeout" });
  });
});
