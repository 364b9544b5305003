import { describe, it } from "node:test";
import { generateSigningKey } from "../../mod.ts";
import { assertOutcome, attempt, json } from "./fault_matrix.ts";

describe("the times of a device code", () => {
  it("are unknown when expires_in is 1e400", async () => {
    const outcome = await attempt(
      "device",
      ({ good }) => async (connection) => {
        await json(
          (await good()).replace('"expires_in":600', '"expires_in":1e400'),
        )(connection);
      },
    );
    assertOutcome(outcome, { message: /"expires_in"/, sent: undefined });
  });
});

describe("a key set", () => {
  it("of more than 100 keys is refused", async () => {
    const { publicJwk } = await generateSigningKey();
    const outcome = await attempt("jwks", ({ good }) => async (connection) => {
      const { keys: [right] } = JSON.parse(await good());
      const others = Array.from(
        { length: 100 },
        (_, index) => ({ ...publicJwk, kid: `${index}`, use: "enc" }),
      );
      await json(JSON.stringify({ keys: [...others, right] }))(connection);
    });
    assertOutcome(outcome, {});
  });
});
