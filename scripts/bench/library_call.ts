/**
 * What a cached call of `@apex/token/profile` takes, in a home where somebody has signed in.
 *
 * @module
 */

import { mkdirSync } from "node:fs";
import { ask, commandOf } from "./processes.ts";
import { signedInHome } from "./home.ts";
import { ownBinary } from "./compile.ts";
import type { Answer, Question } from "./programs/library_call.ts";

const PROFILE = "service";

/** In milliseconds, on Node. */
export async function libraryCall(folder: string): Promise<number> {
  mkdirSync(`${folder}/library`);
  const home = await signedInHome(await ownBinary(), `${folder}/library`, PROFILE);
  const question: Question = { home, profile: PROFILE, calls: 100_000 };
  const { milliseconds } = await ask<Answer>(commandOf("Node", "library_call.ts"), question);
  return milliseconds;
}
