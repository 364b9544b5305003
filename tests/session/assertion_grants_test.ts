import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TOKEN_TYPES } from "../../lib/oauth/grants/token_exchange.ts";
import { type Grant, jwtBearer, tokenExchange } from "../../lib/session/grant.ts";
import { tokenSource } from "../../lib/session/token_source.ts";
import { app, failureOf, json, type Reply, type Stub, stub, tokens } from "../oauth/support.ts";

const good = json(tokens({ issued_token_type: TOKEN_TYPES.accessToken }));

/** Gets one token through `replies`, whatever time that takes. */
async function through(
  replies: readonly Reply[],
  grant: Grant,
): Promise<Stub & { outcome: Promise<unknown> }> {
  const place = stub(replies);
  let done = false;
  const outcome = tokenSource(place.issuer, app, grant).get().finally(() => done = true);
  outcome.catch(() => {});
  while (!done) await place.clock.advance(1000);
  return { ...place, outcome };
}

for (
  const [name, make, parameter] of [
    ["a token exchange", tokenExchange, "subject_token"],
    ["the JWT bearer grant", jwtBearer, "assertion"],
  ] as const
) {
  describe(`${name} of a source`, () => {
    it("is tried again after a failure that may pass, each time with a fresh token of the other side", async () => {
      let asked = 0;
      const grant = make(() => Promise.resolve(`eyJh.eyJz.c2ln${++asked}`));
      const { sent, outcome } = await through(
        [json({}, 503), new TypeError("connection reset"), good],
        grant,
      );
      await outcome;
      assert.deepEqual(sent.map(({ form }) => form.get(parameter)), [
        "eyJh.eyJz.c2ln1",
        "eyJh.eyJz.c2ln2",
        "eyJh.eyJz.c2ln3",
      ]);
    });

    it("is not tried again when the server refuses it", async () => {
      const grant = make(() => Promise.resolve("eyJh.eyJz.c2ln"));
      const { sent, outcome } = await through([json({ error: "invalid_grant" }, 400)], grant);
      assert.equal((await failureOf(outcome)).serverError, "invalid_grant");
      assert.equal(sent.length, 1);
    });
  });
}
