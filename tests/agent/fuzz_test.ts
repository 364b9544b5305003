import assert from "node:assert/strict";
import { connect } from "node:net";
import { describe, it } from "node:test";
import { serverDialogue } from "../../lib/agent/server_dialogue.ts";
import { wireKeys } from "../../lib/agent/wire_crypto.ts";
import { randomOf } from "../simulator/random.ts";
import { agentMachine } from "./agent_machine.ts";
import { campaign, frame, goodRequest, pieces } from "./fuzz.ts";

describe("frames that nobody should send", () => {
  it("never put the agent's side of a connection out of order", () => {
    const keys = wireKeys();
    for (let seed = 0; seed < 10_000; seed++) {
      const random = randomOf(seed);
      const dialogue = serverDialogue(() => keys);
      let over = false;
      for (const piece of pieces(random, frame(random))) {
        const heard = dialogue.heard(piece);
        assert.ok(!over || Object.keys(heard).length === 0, `seed ${seed}: it goes on after the end`);
        over ||= heard.over === true;
      }
    }
  });

  it("leave the agent answering the next good request", async () => {
    const place = await agentMachine();
    try {
      await place.account("good");
      const path = await place.listen();
      await campaign({ path, frames: 2_000, seed: 1, check: goodRequest(path) });
    } finally {
      place.close();
    }
  });

  it("leave it answering while a hundred clients stall in the middle of theirs", async () => {
    const place = await agentMachine();
    const stalled = [];
    try {
      await place.account("good");
      const path = await place.listen();
      const random = randomOf(2);
      for (let at = 0; at < 100; at++) {
        const whole = frame(random);
        const socket = connect({ path });
        socket.on("error", () => {});
        stalled.push(socket);
        await new Promise<void>((done) => socket.on("connect", done));
        socket.write(whole.subarray(0, whole.length >> 1));
      }
      await goodRequest(path)();
    } finally {
      for (const socket of stalled) socket.destroy();
      place.close();
    }
  });
});
