import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  cachedToken,
  cachedTokenName,
  encodeCachedToken,
  isFresh,
  narrowingKey,
  openCachedToken,
  splitCachedToken,
} from "../../lib/profile/cached_token.ts";
import { isTokenError } from "../../lib/errors.ts";
import { seal } from "../../lib/store/envelope.ts";

const key = new Uint8Array(32).fill(1);
const from = { issuer: "https://sso.example", profile: "p", asked: "" };
const bare = { accessToken: "abc", tokenType: "Bearer", issuedAt: 1000, expiresAt: 1300 };
const failsWith = (code: string) => (error: unknown) => isTokenError(error) && error.code === code;

describe("what a token was asked for with", () => {
  it("is the same for scopes in any order and with any blanks", () => {
    assert.equal(narrowingKey({ scope: "b  a" }), narrowingKey({ scope: " a b " }));
  });

  it("tells scopes, audiences and their absence apart", () => {
    const keys = [{}, { scope: "a" }, { audience: "a" }, { scope: "a", audience: "a" }, { scope: "a b" }]
      .map(narrowingKey);
    assert.equal(new Set(keys).size, keys.length);
    assert.equal(keys[0], "");
  });

  it("names a file of its own, which no other profile can have", () => {
    assert.equal(cachedTokenName("p", ""), "p.token");
    const name = cachedTokenName("p", narrowingKey({ scope: "storage.read:/" }));
    assert.match(name, /^p@[0-9a-f]{16}\.token$/);
    assert.equal(
      name,
      cachedTokenName("p", narrowingKey({ scope: "storage.read:/" })),
      "the same in each process",
    );
  });
});

describe("a cached token", () => {
  it("comes back as it was", async () => {
    const token = cachedToken({ ...bare, scope: "a", idToken: "x.y.z" }, from);
    const { header, sealed } = splitCachedToken(await encodeCachedToken(token, key, { key: "/the/key" }))!;
    assert.deepEqual(header, { format: 1, key: "/the/key" });
    assert.deepEqual(await openCachedToken(sealed, key, "p", ""), token);
  });

  it("shows nothing of itself but where its key is", async () => {
    const bytes = await encodeCachedToken(cachedToken({ ...bare, accessToken: "visible?" }, from), key, {
      key: "/k",
    });
    assert.doesNotMatch(new TextDecoder("latin1").decode(bytes), /visible|sso\.example/);
  });

  it("does not open with another key, under another name, for another question, or when it is damaged", async () => {
    const { sealed } = splitCachedToken(
      await encodeCachedToken(cachedToken(bare, from), key, { key: "/k" }),
    )!;
    await assert.rejects(openCachedToken(sealed, new Uint8Array(32).fill(2), "p", ""), failsWith("key"));
    await assert.rejects(openCachedToken(sealed, key, "q", ""), failsWith("storage"));
    await assert.rejects(
      openCachedToken(sealed, key, "p", narrowingKey({ scope: "a" })),
      failsWith("storage"),
    );
    await assert.rejects(openCachedToken(sealed.slice(1), key, "p", ""), failsWith("storage"));
    const flipped = sealed.slice();
    flipped[flipped.length - 1] ^= 1;
    await assert.rejects(openCachedToken(flipped, key, "p", ""), failsWith("storage"));
  });

  it("does not open for another question whose file has the same name", async () => {
    // as if the marks of two questions were the same: the name in the envelope fits, the question inside does not
    const asked = narrowingKey({ scope: "a" });
    const other = { ...cachedToken(bare, from), asked: narrowingKey({ scope: "b" }) };
    const place = {
      storeId: "apex-token/access-tokens",
      recordId: cachedTokenName("p", asked),
      generation: 0,
    };
    const open = async (token: unknown) =>
      await openCachedToken(
        await seal(key, place, new TextEncoder().encode(JSON.stringify(token))),
        key,
        "p",
        asked,
      );
    assert.equal((await open({ ...other, asked })).accessToken, "abc");
    await assert.rejects(open(other), failsWith("storage"));
    await assert.rejects(open({ ...other, asked, profile: "q" }), failsWith("storage"));
  });

  it("is not one when its first line is something else", () => {
    const lines = [
      "",
      "no line feed",
      "\n",
      "{}\n",
      '{"format":2,"key":"/k"}\n',
      '{"format":1,"key":7}\n',
      "null\n",
      "[1]\n",
    ];
    for (const text of lines) assert.equal(splitCachedToken(new TextEncoder().encode(text)), undefined, text);
  });

  it("is fresh from its making to its soft point", () => {
    const token = cachedToken(bare, from);
    assert.ok(token.softAt >= 1240 && token.softAt < token.hardAt && token.hardAt === 1290);
    assert.ok(isFresh(token, 1000));
    assert.ok(isFresh(token, token.softAt - 0.01));
    assert.ok(!isFresh(token, token.softAt));
    assert.ok(!isFresh(token, 1300));
  });

  it("is not fresh by a clock that went back before its making", () => {
    assert.ok(isFresh(cachedToken(bare, from), 950));
    assert.ok(!isFresh(cachedToken(bare, from), 900));
  });

  it("is fresh for a minimum validity, or where a new one would be no longer", () => {
    const token = cachedToken(bare, from);
    assert.ok(isFresh(token, 1000, 290));
    assert.ok(isFresh(token, 1010, 290));
    assert.ok(!isFresh(token, 1011, 290));
    assert.ok(isFresh(token, 1100, 291), "longer than even a fresh one is good for");
    assert.ok(!isFresh(token, token.softAt, 291));
  });

  it("is renewed at its own time also when it lives for a second or a month", () => {
    for (const life of [1, 60, 3600, 30 * 86_400]) {
      const token = cachedToken({ ...bare, expiresAt: bare.issuedAt + life }, from);
      assert.ok(
        token.issuedAt < token.softAt && token.softAt <= token.hardAt && token.hardAt < token.expiresAt,
      );
    }
  });
});
