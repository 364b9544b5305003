/**
 * What the tools say about their options.
 *
 * @module
 */

import { type ArgpOption, type ArgpTable, HELP_OPTIONS, optionsOf } from "./argp.ts";

/** The width of help. */
const WIDTH = 79;
/** Where the meaning of an option begins. */
const COLUMN = 29;

/** The line that is shown when a command line makes no sense. */
export function usageLine({ tool, words }: ArgpTable): string {
  return `Usage: ${tool} [OPTION...] ${words}`;
}

/** Where to read on. */
export function tryHelp({ tool }: ArgpTable): string {
  return `Try \`${tool} --help' or \`${tool} --usage' for more information.`;
}

/** The text of `--help`. */
export function helpText(table: ArgpTable): string {
  const groups = [...table.groups, { title: "Help", options: HELP_OPTIONS }];
  const parts = groups.map(({ title, options }) => {
    const shown = options.filter(({ help }) => help !== undefined);
    return [` ${title}:`, ...shown.flatMap(optionLines)].join("\n");
  });
  const end = "What an option of a long name needs as its argument, the short name needs too.";
  return [
    usageLine(table),
    ...wrapped(`${table.tool} -- ${table.purpose}`, WIDTH),
    "",
    parts.join("\n\n"),
    "",
    end,
    "",
  ].join(
    "\n",
  );
}

function optionLines({ short, long, argument, optional, help = "" }: ArgpOption): string[] {
  const suffix = argument === undefined ? "" : optional ? `[=${argument}]` : `=${argument}`;
  const names = long.map((name) => `--${name}${suffix}`).join(", ");
  const head = `  ${short ? `-${short},` : "   "} ${names}`;
  const lines = wrapped(help, WIDTH - COLUMN);
  const indent = " ".repeat(COLUMN);
  if (head.length + 1 > COLUMN) {
    const heads = wrapped(head.trim(), WIDTH - 6).map((line, index) =>
      (index === 0 && short ? "  " : "      ") + line
    );
    return [...heads, ...lines.map((line) => indent + line)];
  }
  return [head.padEnd(COLUMN) + lines[0], ...lines.slice(1).map((line) => indent + line)];
}

/** The text of `--usage`. */
export function usageText(table: ArgpTable): string {
  const options = optionsOf(table).filter(({ help }) => help !== undefined);
  const letters = options.filter(({ short, argument }) => short && argument === undefined).map(({ short }) =>
    short
  );
  const shorts = options.filter(({ short, argument }) => short && argument !== undefined)
    .map(({ short, argument, optional }) =>
      optional ? `[-${short}[${argument}]]` : `[-${short} ${argument}]`
    );
  const longs = options.flatMap(({ long, argument, optional }) =>
    long.map((name) =>
      argument === undefined
        ? `[--${name}]`
        : optional
        ? `[--${name}[=${argument}]]`
        : `[--${name}=${argument}]`
    )
  );
  const parts = [...(letters.length > 0 ? [`[-${letters.join("")}]`] : []), ...shorts, ...longs, table.words];
  const first = `Usage: ${table.tool} `;
  const lines: string[] = [];
  let line = first.trimEnd();
  for (const part of parts) {
    if (`${line} ${part}`.length > WIDTH) {
      lines.push(line);
      line = `           ${part.startsWith(" ") ? "" : " "}${part}`;
    } else line = `${line} ${part}`;
  }
  return [...lines, line, ""].join("\n");
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && `${line} ${word}`.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
