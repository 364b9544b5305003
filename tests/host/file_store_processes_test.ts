import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { fileStore } from "../../lib/host/file_store.ts";
import { bun, node } from "../../scripts/toolchain.ts";
import { type RunningProcess, startDeno, startProcess } from "../process.ts";

const base = mkdtempSync(join(tmpdir(), "apex-token-processes-"));
let count = 0;
const fresh = () => join(base, `store-${++count}`);
const program = fileURLToPath(new URL("./store_process.ts", import.meta.url));
const text = (value: Uint8Array | undefined) => new TextDecoder().decode(value);

const start = {
  deno: (directory: string) =>
    startDeno(["run", "-A", "--cached-only", program, directory], { stdin: "open" }),
  bun: (directory: string) => startProcess(bun(), [program, directory], { stdin: "open" }),
  node: (directory: string) => startProcess(node(), [program, directory], { stdin: "open" }),
};

/** One process of each runtime, ready, all on `directory`. */
async function oneOfEach(directory: string): Promise<RunningProcess[]> {
  const processes = [start.deno(directory), start.bun(directory), start.node(directory)];
  await Promise.all(processes.map((process) => process.waitFor("stdout", /^ready$/m)));
  return processes;
}

async function end(processes: RunningProcess[]): Promise<void> {
  for (const process of processes) process.endInput();
  for (const { code, stderr } of await Promise.all(processes.map(({ ended }) => ended))) {
    assert.equal(code, 0, stderr);
  }
}

describe("a store in files that several processes share", () => {
  after(() => rmSync(base, { recursive: true, force: true }));

  it("lets one of Deno, Bun and Node win who write from the same version", async () => {
    const directory = fresh();
    const store = fileStore(directory);
    const processes = await oneOfEach(directory);
    let version = "-";
    for (let round = 1; round <= 30; round++) {
      processes.forEach((process, at) =>
        process.write(`write ${round} apex ${version} round-${round}-by-${at}\n`)
      );
      const answers = await Promise.all(
        processes.map((process) =>
          process.waitFor("stdout", new RegExp(`^${round} (?:lost|won (\\d+))$`, "m"))
        ),
      );
      const winners = answers.flatMap(([, won], at) => won === undefined ? [] : [{ at, won }]);
      assert.equal(winners.length, 1, `round ${round}: ${answers.map(([answer]) => answer)}`);
      const read = await store.read("apex");
      assert.equal(read?.version, winners[0].won);
      assert.equal(text(read?.value), `round-${round}-by-${winners[0].at}`);
      version = winners[0].won;
    }
    assert.equal(version, "30");
    await end(processes);
    assert.deepEqual(readdirSync(join(directory, "apex")).sort(), ["g-29", "g-30"]);
  });

  it("loses no step of a count that Deno, Bun and Node take at the same time", async () => {
    const directory = fresh();
    const processes = await oneOfEach(directory);
    for (const process of processes) process.write("count apex 60\n");
    await Promise.all(processes.map((process) => process.waitFor("stdout", /^counted$/m)));
    await end(processes);
    const read = await fileStore(directory).read("apex");
    assert.deepEqual({ version: read?.version, value: text(read?.value) }, { version: "180", value: "180" });
    assert.deepEqual(readdirSync(join(directory, "apex")).sort(), ["g-179", "g-180"]);
  });

  for (const runtime of ["deno", "bun", "node"] as const) {
    it(`can be read and written after ${runtime} was killed in the middle of a write`, async () => {
      const directory = fresh();
      for (let kill = 1; kill <= 3; kill++) {
        const process = start[runtime](directory);
        await process.waitFor("stdout", /^ready$/m);
        process.write("fill apex\n");
        // It writes without a pause: whenever the signal comes, it comes in the middle of something.
        const [, seen] = await process.waitFor("stdout", /^filled (\d+)\n(?:filled \d+\n){5}/m);
        process.kill("SIGKILL");
        const { stdout } = await process.ended;
        const told = Number([...stdout.matchAll(/^filled (\d+)$/gm)].at(-1)![1]);
        assert.ok(told >= Number(seen) + 5);

        const store = fileStore(directory);
        const read = await store.read("apex");
        const version = Number(read?.version);
        // What it was told as written is there; at most one more write was on its way.
        assert.ok(version === told || version === told + 1, `${version} was read, ${told} was told`);
        assert.equal(text(read?.value), `${version} `.repeat(2000));
        assert.equal(await store.compareAndSet("apex", read?.version, new Uint8Array()), String(version + 1));
        assert.deepEqual(
          new Set(readdirSync(join(directory, "apex"))),
          new Set([`g-${version}`, `g-${version + 1}`]),
        );
      }
    });
  }
});
