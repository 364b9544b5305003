/**
 * A shell on a pseudo-terminal, in which somebody types the documents' lines.
 *
 * @module
 */

import type { RunningProcess } from "../process.ts";
import type { Realm } from "./realm.ts";

/** What a line led to. */
export interface LineResult {
  /** What was to be seen, without the line itself and without the terminal's own signs. */
  readonly seen: string;
  readonly code: number;
}

/** A shell with somebody in front of it. */
export interface Shell {
  /** Types a line; `replies` are typed when their prompts come up. */
  type(line: string, ...replies: readonly Reply[]): Promise<LineResult>;
  end(): Promise<void>;
}

/** What is done when a prompt comes up: something is typed, or somebody else does something. */
export type Reply = readonly [
  prompt: RegExp,
  answer: string | ((match: RegExpExecArray) => Promise<unknown>),
];

/** Between two lines; nothing that a program prints looks like it. */
const PROMPT = /<<done (\d+)>>/;

/** Opens a shell with our links in front of its `PATH`. */
export async function openShell(
  realm: Pick<Realm, "home" | "links" | "start">,
  env: Record<string, string> = {},
): Promise<Shell> {
  const running: RunningProcess = realm.start(
    "script",
    ["-qefc", "bash --noprofile --norc -i", "/dev/null"],
    {
      env: {
        HOME: realm.home,
        PATH: `${realm.links}:/usr/local/bin:/usr/bin:/bin`,
        TERM: "dumb",
        TMPDIR: realm.home,
        PS1: "<<done $?>>",
        ...env,
      },
      stdin: "open",
      timeout: 900_000,
    },
  );
  let read = 0;
  /** The next match of `pattern` in what was not read yet. */
  const next = async (pattern: RegExp): Promise<{ match: RegExpExecArray; before: string }> => {
    const found = await running.waitFor("stdout", new RegExp(`^([^]{${read}})([^]*?)(?:${pattern.source})`));
    const [whole, , before] = found;
    const match = pattern.exec(whole.slice(read + before.length))!;
    read = whole.length;
    return { match, before };
  };
  // the terminal must not cut long lines, and what is typed must be seen once
  await next(PROMPT);
  running.write("stty columns 400; bind 'set enable-bracketed-paste off'\n");
  await next(PROMPT);
  return {
    async type(line, ...replies) {
      await Promise.resolve();
      running.write(`${line}\n`);
      let seen = "";
      for (const [prompt, answer] of replies) {
        const { match, before } = await next(prompt);
        seen += before + match[0];
        if (typeof answer === "string") running.write(answer);
        else await answer(match);
      }
      const { match, before } = await next(PROMPT);
      const text = (seen + before).replaceAll("\r", "");
      return { seen: text.replace(/^.*\n/, ""), code: Number(match[1]) };
    },
    async end() {
      running.write("exit\n");
      await running.ended.catch(() => {});
    },
  };
}
