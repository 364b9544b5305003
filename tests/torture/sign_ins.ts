/**
 * The person of the torture, who signs in where nothing else helps, and asks why.
 *
 * @module
 */

import { runProcess } from "../process.ts";
import { judge } from "./judge.ts";
import { count, PROFILE, type Scene } from "./scene.ts";

/** The person. */
export interface Person {
  /** Signs in for the first time. */
  signIn(): Promise<void>;
  /** Somebody who began at `since` (epoch milliseconds) was told that a person has to sign in. */
  needed(since: number): Promise<void>;
}

/** Who signs in at `issuer`. */
export function person(scene: Scene, issuer: string): Person {
  const { binary, env, records, tally } = scene;
  let last = 0;
  let under: Promise<void> | undefined;

  const run = (args: readonly string[], stdin?: string) =>
    runProcess(binary, args, { env, cwd: env.HOME, stdin });

  async function signIn(): Promise<void> {
    const server = [
      "--issuer",
      issuer,
      "--allow-insecure-loopback",
      "--protect",
      "key-file",
      "--client-id",
      "app",
    ];
    const who = ["--flow", "password", "--username", "ada", "--password-file", "-"];
    const { code, stderr } = await run(["login", PROFILE, ...server, ...who], "lovelace");
    if (code !== 0) throw new Error(`The sign-in ended with ${code}: ${stderr}`);
    last = Date.now();
  }

  async function again(): Promise<void> {
    const ended = records.ended();
    if (ended) {
      const all = records.presentations();
      const revoking = all.find(({ request }) => request === ended.request)!;
      const { cause, words } = judge(revoking, all, records.isDurable);
      if (cause) count(tally.forcedSignIns, cause);
      else {
        tally.revokedByUs.push(words);
        // what was to be shown is shown
        if (scene.lockless) scene.over = true;
      }
    } else {
      // the server has ended nothing: then there is a token, or the client has lost what it had
      const { code, stderr } = await run(["get", PROFILE, "--force"]);
      if (code === 0 || records.ended()) return;
      count(tally.forcedSignIns, "unexplained");
      tally.unexpected.push(`A sign-in is needed although the server has ended none: ${stderr.trim()}`);
    }
    await signIn();
  }

  return {
    signIn,
    needed: async (since) => {
      if (since < last) return;
      await (under ??= again().finally(() => under = undefined));
    },
  };
}
