import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fastGet, parseFastGet } from "../../lib/cli/fast_get.ts";
import type { FastIo } from "../../lib/host/fast_io.ts";
import { keyToText } from "../../lib/host/key_text.ts";
import {
  type CachedToken,
  cachedToken,
  cachedTokenName,
  encodeCachedToken,
  narrowingKey,
} from "../../lib/profile/cached_token.ts";

describe("the plain spellings of get", () => {
  const understood: [string, ReturnType<typeof parseFastGet>][] = [
    ["get", { form: "token" }],
    ["get apex", { form: "token", name: "apex" }],
    ["get -o json apex", { form: "json", name: "apex" }],
    ["get apex --output header --min-validity 60", { form: "header", name: "apex", minValidity: 60 }],
    ["get -s storage.read:/ --aud x", { form: "token", scope: "storage.read:/", audience: "x" }],
    ["get --scope a --audience x", { form: "token", scope: "a", audience: "x" }],
  ];
  for (const [line, wish] of understood) {
    it(`are understood: ${line}`, () => assert.deepEqual(parseFastGet(line.split(" ")), wish));
  }

  const left = [
    ...[
      "",
      "list",
      "login get",
      "--help",
      "get --help",
      "get --force",
      "get --id-token",
      "get a b",
      "get -o",
    ],
    ...[
      "get -o xml",
      "get -o constructor",
      "get --min-validity 5m",
      "get --min-validity -5",
      "get -sfoo",
      "get -- a",
    ],
    ...["get --min-validity 1e3", "get --aud=x", "get -o json -o json", "get -s a -s b", "get -s -o"],
  ];
  for (const line of left) {
    it(`leave everything else to the real parser: ${line}`, () => {
      assert.equal(parseFastGet(line.split(" ")), undefined);
    });
  }

  it("leave empty words to the real parser", () => {
    for (const args of [["get", ""], ["get", "-s", ""], ["get", "--aud", " "]]) {
      assert.equal(parseFastGet(args), undefined);
    }
  });
});

describe("the quick answer", () => {
  const key = new Uint8Array(32).fill(7);
  const now = Date.now() / 1000;
  const fresh = cachedToken(
    { accessToken: "abc", tokenType: "Bearer", issuedAt: Math.floor(now), expiresAt: Math.floor(now) + 300 },
    { issuer: "https://sso.example", profile: "p", asked: "" },
  );

  async function machine(args: string, token: CachedToken = fresh, variables: Record<string, string> = {}) {
    const files = new Map<string, Uint8Array>([
      ["/k", new TextEncoder().encode(keyToText(key))],
      ["/c/default", new TextEncoder().encode("p\n")],
      [
        `/s/tokens/${cachedTokenName(token.profile, token.asked)}`,
        await encodeCachedToken(token, key, { key: "/k" }),
      ],
    ]);
    const written: string[] = [];
    const io: FastIo = {
      args: args.split(" "),
      environment: (name) => variables[name],
      config: "/c",
      data: "/d",
      state: "/s",
      read: (path) => files.get(path),
      write: (text) => void written.push(text),
    };
    return { io, files, written };
  }

  async function answer(...given: Parameters<typeof machine>): Promise<string | undefined> {
    const { io, written } = await machine(...given);
    const done = await fastGet(io);
    assert.equal(done, written.length === 1);
    return written[0];
  }

  it("is the token of the default profile, of APEX_TOKEN_PROFILE and of a name", async () => {
    assert.equal(await answer("get"), "abc\n");
    assert.equal(await answer("get p"), "abc\n");
    assert.equal(await answer("get", fresh, { APEX_TOKEN_PROFILE: "p" }), "abc\n");
    assert.equal(await answer("get q"), undefined);
    assert.equal(await answer("get", fresh, { APEX_TOKEN_PROFILE: "q" }), undefined);
  });

  it("is not for a client in the environment", async () => {
    assert.equal(await answer("get", fresh, { APEX_CLIENT_ID: "c" }), undefined);
    assert.equal(await answer("get", fresh, { APEX_CLIENT_SECRET: "s" }), undefined);
    assert.equal(await answer("get p", fresh, { APEX_CLIENT_ID: "c" }), "abc\n");
  });

  it("is not for a name that is none", async () => {
    for (const name of ["../p", "a/b", "p@x", "x".repeat(65)]) {
      assert.equal(await answer(`get ${name}`), undefined);
    }
  });

  it("is the token for what was asked, and no other", async () => {
    const asked = narrowingKey({ scope: "b a", audience: "x" });
    const narrowed = { ...fresh, asked };
    assert.equal(await answer("get p -s a --aud x", narrowed), undefined);
    const { io, written } = await machine("get p --aud x -s", narrowed);
    assert.ok(await fastGet({ ...io, args: ["get", "p", "--aud", "x", "-s", "a b"] }));
    assert.deepEqual(written, ["abc\n"]);
  });

  it("is left to the long way when the token is due, short, bound to a key or broken", async () => {
    assert.equal(await answer("get", { ...fresh, softAt: now - 1 }), undefined);
    assert.equal(await answer("get --min-validity 301"), undefined, "it comes with a warning");
    assert.equal(await answer("get", { ...fresh, tokenType: "DPoP" }), undefined, "and so does this");
    const { io, files, written } = await machine("get");
    files.set("/s/tokens/p.token", files.get("/s/tokens/p.token")!.slice(0, -1));
    assert.equal(await fastGet(io), false);
    assert.deepEqual(written, []);
  });

  it("is the same token or none at all with any single bit of the files flipped", async () => {
    const { io, files, written } = await machine("get");
    for (const path of ["/s/tokens/p.token", "/k"]) {
      const whole = files.get(path)!;
      for (let bit = 0; bit < whole.length * 8; bit++) {
        const flipped = whole.slice();
        flipped[bit >> 3] ^= 1 << (bit & 7);
        files.set(path, flipped);
        await fastGet(io);
      }
      files.set(path, whole);
    }
    assert.deepEqual(written.filter((text) => text !== "abc\n"), []);
  });

  it("takes a bare copy where the file names one, unless it is another's, another thing's or over", async () => {
    const { io, files, written } = await machine("get");
    const sealed = (fast: string) => encodeCachedToken(fresh, key, { key: "/gone", fast });
    const copies: [string, unknown][] = [
      ["/fast", { ...fresh, accessToken: "bare" }],
      ["/other", { ...fresh, accessToken: "other", profile: "q" }],
      ["/narrower", { ...fresh, accessToken: "narrower", asked: "x" }],
      ["/over", { ...fresh, accessToken: "over", softAt: now - 1 }],
    ];
    for (const [path, token] of copies) {
      files.set(path, new TextEncoder().encode(JSON.stringify(token)));
      files.set("/s/tokens/p.token", await sealed(path));
      assert.equal(await fastGet(io), path === "/fast", path);
    }
    files.set("/fast", new TextEncoder().encode("{ torn"));
    assert.equal(await fastGet(io), false);
    assert.deepEqual(written, ["bare\n"]);
  });

  it("is left to the long way where it cannot be written, and where this machine has no quick calls", async () => {
    const { io } = await machine("get");
    const write = () => {
      throw Object.assign(new Error("full"), { code: "ENOSPC" });
    };
    assert.equal(await fastGet({ ...io, write }), false);
    assert.equal(await fastGet({ ...io, write: () => Promise.reject(new Error("full")) }), false);
  });

  it("ends the program when the token is out, and not before", async () => {
    const { io } = await machine("get");
    const steps: string[] = [];
    const end = () => void steps.push("end");
    const write = async () => {
      await new Promise((resolve) => setTimeout(resolve));
      steps.push("written");
    };
    assert.equal(await fastGet({ ...io, write, end }), true);
    assert.deepEqual(steps, ["written", "end"]);
    assert.equal(await fastGet({ ...io, write: () => Promise.reject(new Error("full")), end }), false);
    assert.equal(await fastGet({ ...io, args: ["get", "none"], write, end }), false);
    assert.deepEqual(steps, ["written", "end"]);
  });

  it("does not look outside of its directory", async () => {
    const { io, files } = await machine("get");
    const planted = { ...fresh, profile: "../../tmp/evil" };
    files.set("/s/tokens/../../tmp/evil.token", await encodeCachedToken(planted, key, { key: "/k" }));
    assert.equal(await fastGet({ ...io, args: ["get", "../../tmp/evil"] }), false);
  });
});
