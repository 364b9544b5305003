/**
 * The other device of backchannel authentication: Keycloak asks it to ask the person, it answers at once.
 *
 * @module
 */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type Fetch, systemClock } from "../../../mod.ts";

/** The word in a binding message by which a test has the person say no. */
export const SAY_NO = "no";

/** A device that listens on loopback. */
export interface AuthenticationDevice {
  /** Where Keycloak asks. */
  readonly uri: string;
  /** Which realm it answers to. */
  answerTo(issuer: string, fetch: Fetch): void;
  close(): Promise<void>;
}

interface Question {
  readonly binding_message?: string;
}

/** Starts it. */
export async function startAuthenticationDevice(): Promise<AuthenticationDevice> {
  let answer = (_status: string, _authorization: string): Promise<unknown> =>
    Promise.reject(new Error("It is not known yet whom to answer"));
  const server = createServer((request, response) => {
    let text = "";
    request.setEncoding("utf8").on("data", (chunk) => text += chunk).on("end", () => {
      const { binding_message } = JSON.parse(text) as Question;
      response.writeHead(201).end(() => {
        const status = binding_message === SAY_NO ? "UNAUTHORIZED" : "SUCCEED";
        answer(status, request.headers.authorization ?? "").catch((error) => console.error(error));
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  return {
    uri: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    answerTo: (issuer, fetch) => {
      answer = async (status, authorization) => {
        const url = `${issuer}/protocol/openid-connect/ext/ciba/auth/callback`;
        const headers = { authorization, "content-type": "application/json" };
        let said = "";
        // Keycloak asks before it has written down that it asked: nobody's thumb is that quick
        for (let attempt = 0; attempt < 3000; attempt++) {
          const response = await fetch(url, { method: "POST", headers, body: JSON.stringify({ status }) });
          said = await response.text();
          if (response.ok) return;
          await systemClock.sleep(100);
        }
        throw new Error(`Keycloak refused the device's answer: ${said}`);
      };
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
