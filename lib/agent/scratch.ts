/**
 * `file_write`, `file_read`, `file_remove`: texts that a client leaves with the agent between two of its requests, such
 * as what a registration brought. They are in memory, and not for long.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { badRequest, failure, success, textOf } from "./replies.ts";
import type { AgentReply, AgentRequest } from "./requests.ts";

const MOST = 64;
/** In milliseconds. */
const LIFE = 600_000;

/** The answers, by the request's name. */
export function scratchRequests(
  clock: Clock,
): Readonly<Record<string, (request: AgentRequest) => AgentReply>> {
  const texts = new Map<string, { readonly data: string; readonly at: number }>();
  const sweep = () => {
    for (const [name, { at }] of texts) if (clock.monotonic() - at > LIFE) texts.delete(name);
  };
  return {
    file_write: ({ filename, data }) => {
      const name = textOf(filename);
      if (!name || typeof data !== "string") return badRequest("filename");
      sweep();
      if (texts.size >= MOST && !texts.has(name)) texts.delete(texts.keys().next().value!);
      texts.set(name, { data, at: clock.monotonic() });
      return success();
    },
    file_read: ({ filename }) => {
      sweep();
      const found = texts.get(String(filename));
      return found ? success({ data: found.data }) : failure("File not found");
    },
    file_remove: ({ filename }) => texts.delete(String(filename)) ? success() : failure("File not found"),
  };
}
