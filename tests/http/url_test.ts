import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TokenError } from "../../lib/errors.ts";
import { checkUrl } from "../../lib/http/url.ts";

function refusal(url: string | URL, allowInsecureLoopback = false): TokenError {
  try {
    checkUrl(url, { allowInsecureLoopback });
  } catch (error) {
    assert.ok(error instanceof TokenError);
    assert.equal(error.code, "insecure_url");
    assert.equal(error.sent, false);
    return error;
  }
  assert.fail(`took ${url}`);
}

describe("checkUrl", () => {
  it("takes https and gives back a URL of its own", () => {
    const given = new URL("https://auth.example:8443/realms/a?b=c");
    const checked = checkUrl(given);
    assert.notEqual(checked, given);
    assert.equal(checked.href, given.href);
    assert.equal(checkUrl("HTTPS://Auth.Example").href, "https://auth.example/");
  });

  it("refuses every other scheme, and what is no whole URL", () => {
    const urls = [
      "http://auth.example/",
      "ftp://auth.example/",
      "file:///etc/passwd",
      "javascript:alert(1)",
      "java\nscript:alert(1)",
      "data:text/plain,hello",
      "blob:https://auth.example/1234",
      "ws://auth.example/",
      "//auth.example/token",
      "/token",
      "auth.example",
      "https://",
      "",
    ];
    for (const url of urls) refusal(url);
    for (const url of urls) refusal(url, true);
  });

  it("refuses a user name, a password and a fragment, and does not show them", () => {
    for (
      const url of [
        "https://hunter2@auth.example/",
        "https://:hunter2@auth.example/",
        "https://auth.example/#hunter2",
        "https://auth.example/?a=hunter2#",
        "https://hunter2:hunter2@auth.example/hunter2?hunter2#hunter2",
        "http://hunter2@auth.example/hunter2",
        "hunter2",
      ]
    ) {
      assert.doesNotMatch(refusal(url).message, /hunter2/);
    }
  });

  it("takes http to this machine only when that is permitted", () => {
    for (
      const url of [
        "http://127.0.0.1/",
        "http://127.0.0.1:8080/token",
        "http://[::1]:8080/token",
        "http://localhost:8080/token",
        "http://LOCALHOST/",
        "http://0x7f.1/",
      ]
    ) {
      refusal(url);
      assert.equal(checkUrl(url, { allowInsecureLoopback: true }).protocol, "http:");
    }
  });

  it("never takes http to what only looks like this machine", () => {
    for (
      const url of [
        "http://127.0.0.1.example/",
        "http://localhost.example/",
        "http://example.localhost/",
        "http://127.0.0.2/",
        "http://0.0.0.0/",
        "http://[::]/",
        "http://[::ffff:127.0.0.1]/",
        "http://127.0.0.1@auth.example/",
        "http://auth.example/http://127.0.0.1/",
        "ftp://127.0.0.1/",
      ]
    ) {
      refusal(url, true);
    }
  });

  it("names the host, short and harmless", () => {
    assert.equal(
      refusal("http://auth.example:81/realms").message,
      "Cannot send a request: http://auth.example:81 is not https",
    );
    const { message } = refusal(`http://${"a".repeat(5000)}/`);
    assert.ok(message.length < 250);
    assert.ok(!refusal("x://\x1b[2Kauth.example/\x1b]8;;").message.includes("\x1b"));
  });
});
