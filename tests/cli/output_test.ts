import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Answer } from "../../lib/cli/output/answer.ts";
import { forms, isOutputForm } from "../../lib/cli/output/forms.ts";
import { escapeControls } from "../../lib/cli/output/json.ts";

const answer: Answer = {
  token: "abc.def",
  tokenType: "Bearer",
  expiresAt: 1_767_225_600,
  scope: "openid a",
  issuer: "https://sso.example/",
  profile: "p",
};

describe("the output forms", () => {
  it("are the token, json, header and env", () => {
    assert.equal(forms.token(answer), "abc.def\n");
    assert.equal(forms.header(answer), "Authorization: Bearer abc.def\n");
    assert.equal(forms.header({ ...answer, tokenType: "DPoP" }), "Authorization: DPoP abc.def\n");
    assert.equal(forms.env(answer), "export ACCESS_TOKEN='abc.def'\n");
    assert.equal(
      forms.json(answer),
      '{"format_version":1,"access_token":"abc.def","token_type":"Bearer","expires_at":1767225600,' +
        '"expires":"2026-01-01T00:00:00Z","scope":"openid a","issuer":"https://sso.example/","profile":"p"}\n',
    );
  });

  it("say null for what is not known", () => {
    const { scope: _scope, profile: _profile, ...rest } = answer;
    const { scope, profile } = JSON.parse(forms.json(rest));
    assert.deepEqual([scope, profile], [null, null]);
  });

  it("call an ID token an ID token", () => {
    const idToken = { ...answer, isIdToken: true };
    assert.equal(forms.env(idToken), "export ID_TOKEN='abc.def'\n");
    assert.deepEqual(Object.keys(JSON.parse(forms.json(idToken))), [
      ...["format_version", "id_token", "expires_at", "expires", "issuer", "profile"],
    ]);
  });

  it("quote what a shell would act upon", () => {
    const token = "a'$(id)`id`\"\\";
    assert.equal(forms.env({ ...answer, token }), `export ACCESS_TOKEN='a'\\''$(id)\`id\`"\\'\n`);
  });

  it("hold no control character in JSON, whatever a server has said", () => {
    const hostile = '\u0000\u001b[2J\u007f\u0085\u009b1A\u2028\u2029"\\';
    const json = escapeControls(JSON.stringify({ hostile }));
    // deno-lint-ignore no-control-regex
    assert.doesNotMatch(json, /[\x00-\x1f\x7f-\x9f\u2028\u2029]/);
    assert.deepEqual(JSON.parse(json), { hostile });
  });

  it("are known by their names, and by no name that every object has", () => {
    for (const name of ["token", "json", "header", "env"]) assert.ok(isOutputForm(name));
    for (const name of ["", "constructor", "toString", "__proto__", "JSON"]) assert.ok(!isOutputForm(name));
  });
});
