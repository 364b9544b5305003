import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Fetch } from "../../lib/http/http.ts";
import { discover, issuerFromMetadata } from "../../lib/oauth/issuer.ts";
import { authorizationServer } from "../../lib/testing/mod.ts";
import { fakeClock } from "../fake_clock.ts";
import { again, endsAtOnce, failureOf, json } from "./support.ts";

/** A `fetch` that answers every request alike, and what was asked. */
function answering(...replies: (Response | Error)[]) {
  const urls: string[] = [];
  const fetch: Fetch = (url) => {
    urls.push(url);
    const reply = replies.length > 1 ? replies.shift()! : replies[0];
    return reply instanceof Error ? Promise.reject(reply) : again(reply);
  };
  return { fetch, urls, clock: fakeClock() };
}

const metadata = (issuer: unknown, more: Record<string, unknown> = {}) =>
  json({ issuer, token_endpoint: "https://as.test/token", ...more });

describe("discovery", () => {
  for (
    const [issuer, oidc, oauth2] of [
      ["https://as.test", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"],
      ["https://as.test/", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"],
      [
        "https://as.test/realms/apex",
        "/realms/apex/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server/realms/apex",
      ],
      [
        "https://as.test/tenant/",
        "/tenant/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server/tenant",
      ],
    ]
  ) {
    it(`asks for the OpenID metadata of ${issuer}, then for that of RFC 8414`, async () => {
      const found = answering(metadata(issuer));
      assert.equal((await discover(issuer, found)).issuer, issuer);
      assert.deepEqual(found.urls, [`https://as.test${oidc}`]);
      const second = answering(new Response("gone", { status: 404 }), metadata(issuer));
      assert.equal((await discover(issuer, second)).issuer, issuer);
      assert.deepEqual(second.urls, [`https://as.test${oidc}`, `https://as.test${oauth2}`]);
    });
  }

  it("is asked for once by 1,000 who want it at the same moment, and again by whoever comes later", async () => {
    const { fetch, urls } = answering(metadata("https://as.test"));
    const all = await Promise.all(Array.from({ length: 1000 }, () => discover("https://as.test", { fetch })));
    assert.equal(urls.length, 1);
    assert.ok(all.every(({ issuer }) => issuer === "https://as.test"));
    await discover("https://as.test", { fetch });
    assert.equal(urls.length, 2);
    await Promise.all([
      discover("https://as.test", { fetch }),
      discover("https://as.test", { fetch, timeout: 9 }),
    ]);
    assert.equal(urls.length, 4, "whoever has less patience asks for itself");
  });

  it("fails once for all who ask at the same moment, and is asked for anew after that", async () => {
    const { fetch, urls } = answering(
      new Response("no", { status: 404 }),
      new Response("no", { status: 404 }),
    );
    const ask = () => discover("https://as.test", { fetch });
    assert.equal((await failureOf(Promise.all([ask(), ask()]))).code, "invalid_metadata");
    assert.equal(urls.length, 2);
    await failureOf(ask());
    assert.equal(urls.length, 4);
  });

  it("is asked for by each who wants to end it, or to hear of its quirks", async () => {
    const { fetch, urls } = answering(metadata("https://as.test"));
    const abort = new AbortController();
    const met: string[] = [];
    await Promise.all([
      discover("https://as.test", { fetch }),
      discover("https://as.test", { fetch, signal: abort.signal }),
      discover("https://as.test", { fetch, onQuirk: (name) => void met.push(name) }),
      discover("https://as.test", { fetch, quirks: ["issuer-trailing-slash"] }),
    ]);
    assert.equal(urls.length, 4);
  });

  it("keeps what the server says about itself, and nobody can change it afterwards", async () => {
    const { metadata: kept } = await discover(
      "https://as.test",
      answering(metadata("https://as.test", { x: 1 })),
    );
    assert.equal(kept.x, 1);
    assert.ok(Object.isFrozen(kept));
  });

  for (const status of [400, 401, 403, 405]) {
    it(`takes ${status} for "not here" and tells that status when it is nowhere`, async () => {
      const error = await failureOf(discover("https://as.test", answering(new Response("", { status }))));
      assert.equal(error.code, "invalid_metadata");
      assert.equal(error.status, status);
      assert.match(error.message, new RegExp(`answered ${status}$`));
      assert.match(error.nextStep!, /well-known/);
    });
  }

  for (
    const [what, asked, said] of [
      ["a last slash more", "https://as.test", "https://as.test/"],
      ["a last slash less", "https://as.test/", "https://as.test"],
      ["other letters' case in the host", "https://as.test", "https://AS.test"],
      ["other letters' case in the path", "https://as.test/realms/a", "https://as.test/realms/A"],
      ["another path", "https://as.test/realms/a", "https://as.test/realms/b"],
      ["a port", "https://as.test", "https://as.test:443"],
      ["another scheme", "https://as.test", "http://as.test"],
      ["another host", "https://as.test", "https://evil.test"],
      ["a host that begins alike", "https://as.test", "https://as.test.evil.test"],
      ["percent encoding", "https://as.test/a", "https://as.test/%61"],
    ]
  ) {
    it(`refuses a document whose issuer has ${what}`, async () => {
      const error = await failureOf(discover(asked, answering(metadata(said))));
      assert.equal(error.code, "invalid_metadata");
      assert.ok(error.message.includes(`"${said}"`), error.message);
    });
  }

  it("says how the issuer is written when only the last slash differs", async () => {
    const error = await failureOf(discover("https://as.test", answering(metadata("https://as.test/"))));
    assert.equal(error.nextStep, "Use the issuer as the server writes it: https://as.test/");
  });

  it("repairs the last slash, and only that, with the quirk that is named so", async () => {
    const met: string[] = [];
    const quirks = ["issuer-trailing-slash"] as const;
    const onQuirk = (name: string) => void met.push(name);
    for (
      const [asked, said] of [["https://as.test", "https://as.test/"], [
        "https://as.test/a/",
        "https://as.test/a",
      ]]
    ) {
      const found = await discover(asked, { ...answering(metadata(said)), quirks, onQuirk });
      assert.equal(found.issuer, said);
    }
    assert.deepEqual(met, ["issuer-trailing-slash", "issuer-trailing-slash"]);
    await discover("https://as.test", { ...answering(metadata("https://as.test")), quirks, onQuirk });
    assert.equal(met.length, 2);
    for (const said of ["https://as.test//", "https://AS.test/", "https://as.test/b"]) {
      const error = await failureOf(discover("https://as.test", { ...answering(metadata(said)), quirks }));
      assert.equal(error.code, "invalid_metadata");
    }
  });

  it("takes a URL object, which cannot say whether there is a slash after the host", async () => {
    for (const said of ["https://as.test", "https://as.test/"]) {
      assert.equal((await discover(new URL("https://as.test"), answering(metadata(said)))).issuer, said);
    }
    const wrong = discover(new URL("https://as.test/a"), answering(metadata("https://as.test/a/")));
    assert.equal((await failureOf(wrong)).code, "invalid_metadata");
    // nor is the issuer of a path that of the host
    const shorter = discover(new URL("https://as.test/a"), answering(metadata("https://as.test")));
    assert.equal((await failureOf(shorter)).code, "invalid_metadata");
  });

  for (
    const [issuer, code] of [
      ["http://as.test", "insecure_url"],
      ["http://127.0.0.1:8080", "insecure_url"],
      ["HTTP://as.test", "insecure_url"],
      ["ftp://as.test", "insecure_url"],
      ["file:///etc/passwd", "insecure_url"],
      ["javascript:alert(1)", "insecure_url"],
      ["//as.test", "insecure_url"],
      ["as.test", "insecure_url"],
      ["", "insecure_url"],
      ["https://user:secret-canary@as.test", "insecure_url"],
      ["https://as.test/#fragment", "insecure_url"],
      ["https://as.test/?query=1", "invalid_argument"],
      ["https://as.test/?", "invalid_argument"],
    ]
  ) {
    it(`refuses ${issuer || "nothing"} before anything is sent`, async () => {
      const never = answering(metadata(issuer));
      const error = await failureOf(discover(issuer, never));
      assert.equal(error.code, code);
      assert.deepEqual(never.urls, []);
      assert.ok(!error.message.includes("secret-canary"));
    });
  }

  it("asks a loopback address over http when that is permitted, and nobody else", async () => {
    const issuer = "http://127.0.0.1:8080";
    const permitted = { allowInsecureLoopback: true };
    assert.equal((await discover(issuer, { ...answering(metadata(issuer)), ...permitted })).issuer, issuer);
    const other = answering(metadata("http://as.test"));
    assert.equal(
      (await failureOf(discover("http://as.test", { ...other, ...permitted }))).code,
      "insecure_url",
    );
    assert.deepEqual(other.urls, []);
  });

  for (const status of [301, 302, 303, 307, 308]) {
    it(`does not follow a ${status}, and asks nobody else`, async () => {
      const location = "https://evil.test/.well-known/openid-configuration?code=canary";
      const sent = answering(new Response(null, { status, headers: { location } }));
      const error = await failureOf(discover("https://as.test", sent));
      assert.equal(error.code, "invalid_response");
      assert.ok(sent.urls.every((url) => new URL(url).host === "as.test"));
      assert.ok(!error.message.includes("canary"));
    });
  }

  for (
    const [what, answer] of [
      ["a web page", new Response("<html>", { headers: { "content-type": "text/html; charset=utf-8" } })],
      ["no JSON", json("issuer: https://as.test")],
      ["an empty body", json("")],
      ["an array", json([{ issuer: "https://as.test" }])],
      ["null", json(null)],
      ["scopes that are no list", metadata("https://as.test", { scopes_supported: "openid" })],
      ["methods that are no words", metadata("https://as.test", { code_challenge_methods_supported: [1] })],
      ["no issuer", json({ token_endpoint: "https://as.test/token" })],
      ["an issuer that is a number", metadata(42)],
      ["a member twice", json('{"issuer":"https://as.test","issuer":"https://evil.test"}')],
      ["a byte order mark", json("\ufeff" + JSON.stringify({ issuer: "https://as.test" }))],
      ["a forbidden member", json('{"issuer":"https://as.test","__proto__":{}}')],
      ["a structure too deep", json(`{"issuer":"https://as.test","x":${"[".repeat(99)}${"]".repeat(99)}}`)],
    ] as const
  ) {
    it(`refuses a document that is, or has, ${what}`, async () => {
      const error = await failureOf(discover("https://as.test", answering(answer)));
      assert.equal(error.code, "invalid_metadata");
    });
  }

  it("says that a web page may be a captive portal", async () => {
    const page = new Response("<html>", { headers: { "content-type": "text/html" } });
    assert.match((await failureOf(discover("https://as.test", answering(page)))).nextStep!, /captive portal/);
  });

  it("reads no more than 256 KiB", async () => {
    const long = metadata("https://as.test", { x: "x".repeat(256 * 1024) });
    assert.match(
      (await failureOf(discover("https://as.test", answering(long)))).message,
      /longer than 262144 bytes/,
    );
  });

  it("reads JSON under another content type, and reports it", async () => {
    const met: string[] = [];
    const text = new Response(await metadata("https://as.test").text(), {
      headers: { "content-type": "text/plain" },
    });
    await discover("https://as.test", { ...answering(text), onQuirk: (name) => void met.push(name) });
    assert.deepEqual(met, ["content-type"]);
  });

  it("tries again when the network or the server fails, after the time that the server asks for", async () => {
    const busy = new Response("", { status: 503, headers: { "retry-after": "7" } });
    const sent = answering(new TypeError("fetch failed"), busy, metadata("https://as.test"));
    const found = discover("https://as.test", sent);
    await sent.clock.advance(1000);
    assert.equal(sent.urls.length, 2);
    await sent.clock.advance(6000);
    assert.equal(sent.urls.length, 2);
    await sent.clock.advance(3000);
    assert.equal((await found).issuer, "https://as.test");
    assert.equal(sent.urls.length, 3);
  });

  for (
    const [reply, code] of [
      [new TypeError("fetch failed"), "network"],
      [new Response("", { status: 503 }), "unavailable"],
      [new Response("", { status: 429 }), "unavailable"],
    ] as const
  ) {
    it(`gives up with ${code} after the third try`, async () => {
      const sent = answering(reply);
      const failure = failureOf(discover("https://as.test", sent));
      await sent.clock.advance(20_000);
      const error = await failure;
      assert.equal(error.code, code);
      assert.ok(error.retryable);
      assert.equal(sent.urls.length, 3);
    });
  }

  it("ends at once on an abort, in the middle of a request", async () => {
    const abort = new AbortController();
    const server = await authorizationServer({ clock: fakeClock() });
    server.fault("discovery", { type: "hang" });
    const asked = server.nextRequest("discovery");
    const failure = discover(server.issuer, {
      fetch: server.fetch,
      clock: fakeClock(),
      signal: abort.signal,
    });
    await asked;
    abort.abort();
    assert.ok(await endsAtOnce(failure));
    assert.equal((await failureOf(failure)).code, "aborted");
  });

  it("makes hostile words in an issuer safe", async () => {
    const said = "https://evil.test/\u001b]0;owned\u0007\u202e" + "x".repeat(500);
    const error = await failureOf(discover("https://as.test", answering(metadata(said))));
    assert.ok(!error.message.includes("\u001b") && !error.message.includes("\u202e"));
    assert.ok(error.message.length < 400);
  });
});

describe("an issuer from metadata at hand", () => {
  it("asks nobody", () => {
    const never = answering(json({}));
    const issuer = issuerFromMetadata({ issuer: "https://as.test" }, never);
    assert.equal(issuer.issuer, "https://as.test");
    assert.deepEqual(never.urls, []);
  });

  it("is not changed by what happens to the metadata later", () => {
    const given = { issuer: "https://as.test", token_endpoint: "https://as.test/token" };
    const issuer = issuerFromMetadata(given);
    given.token_endpoint = "https://evil.test/token";
    assert.equal(issuer.metadata.token_endpoint, "https://as.test/token");
    assert.ok(Object.isFrozen(issuer.metadata));
  });

  it("refuses an issuer that is not https", async () => {
    const made = (async () => await issuerFromMetadata({ issuer: "http://as.test" }))();
    assert.equal((await failureOf(made)).code, "insecure_url");
  });
});
